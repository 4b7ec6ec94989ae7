"""Gathers changes of jobs and tells of them at most ten times a second.

Invariant: a listener that fails is not told why here, and never stops a transfer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import JobsChanged, JobsRemoved

if TYPE_CHECKING:
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.model import Event, Notify

_log = logging.getLogger(__name__)


class Notifier:
    """Coalesces; ``interval`` in seconds. ``flush`` tells of what is left at once."""

    def __init__(self, notify: Notify | None, interval: float) -> None:
        self._notify = notify
        self._interval = interval
        self._changed: dict[int, LiveJob] = {}
        self._removed: list[int] = []
        self._timer: asyncio.TimerHandle | None = None

    def changed(self, job: LiveJob) -> None:
        """A job looks different."""
        if self._notify is not None:
            self._changed[job.id] = job
            self._arm()

    def removed(self, job_id: int) -> None:
        """A job left the live list."""
        if self._notify is not None:
            self._removed.append(job_id)
            self._arm()

    def now(self, event: Event) -> None:
        """Tell of something at once, after what was waiting."""
        self.flush()
        self._tell(event)

    def flush(self) -> None:
        """Tell of what is waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changed, self._changed = self._changed, {}
        removed, self._removed = self._removed, []
        if changed:
            self._tell(JobsChanged(tuple(job.view() for job in changed.values())))
        if removed:
            self._tell(JobsRemoved(tuple(removed)))

    def _arm(self) -> None:
        if self._timer is None and self._notify is not None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self.flush)

    def _tell(self, event: Event) -> None:
        if self._notify is None:
            return
        try:
            self._notify(event)
        except Exception:
            _log.exception("a listener of transfers failed")
