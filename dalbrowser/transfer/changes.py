"""What follows when a job changes: it is told of, counted, logged, and in the end let go.

Invariant: each state that a job enters is counted once, whoever brought it about; those
who wait for a job to settle are let go exactly while it is settled.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import JobState
from dalbrowser.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.log import JobLog
    from dalbrowser.transfer.notifier import Notifier


class Changes:
    """Follows the ``live`` jobs of one engine, of which the ``keep`` latest finished ones stay.

    ``account`` counts what changed of a file into its folder, given its state before.
    """

    def __init__(
        self,
        live: dict[int, LiveJob],
        log: JobLog,
        notifier: Notifier,
        account: Callable[[LiveJob, JobState | None], None],
        *,
        keep: int,
    ) -> None:
        self._live = live
        self._log = log
        self._notifier = notifier
        self._account = account
        self._keep = keep
        self._tally = Tally()
        self._finished: deque[int] = deque()

    def changed(self, job: LiveJob) -> None:
        """Something of a job is not as it was; its state may be the same."""
        before, now = job.seen, job.row.state
        job.seen = now
        self._notifier.changed(job)
        if job.row.parent is not None:
            self._account(job, before)
        if before is now:
            return
        if before is not None or now is JobState.QUEUED:
            self._log.entered(job)
        job.entered.set()
        if now.is_settled:
            job.settled.set()
        else:
            job.settled.clear()
        ended = self._tally.moved(job, before)
        if ended is not None:
            self._notifier.now(ended)
        if now.is_final:
            self._retire(job)

    def forget(self, job_id: int) -> None:
        """Let a job go from the live ones."""
        if self._live.pop(job_id, None) is not None:
            self._notifier.removed(job_id)

    def _retire(self, job: LiveJob) -> None:
        """Keep the latest finished jobs in sight; the others are in the history."""
        self._finished.append(job.id)
        while len(self._finished) > self._keep:
            self.forget(self._finished.popleft())
