"""What the jobs of one drop, paste or command add up to; plain Python, no widget.

Invariant: a job is counted once, under its latest state, whether it is live, shown from
the history, or known by its count alone.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dalbrowser.transfer import JobState, JobView
from dalbrowser.ui.format import items_text

if TYPE_CHECKING:
    from dalbrowser.transfer import BatchView

_NEEDY = (
    JobState.NEEDS_ANSWER,
    JobState.WAITING_CREDENTIALS,
    JobState.SOURCE_CHANGED,
    JobState.FAILED,
    JobState.PAUSED,
    JobState.INTERRUPTED,
)
"""What a batch at rest is called: the state that most needs a person first."""
_LIVELY = (JobState.RUNNING, JobState.VERIFYING, JobState.FINALISING, JobState.PREPARING)


class Batch:
    """The jobs of one batch that are not within folders; a folder counts as one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.counts: Counter[JobState] = Counter()
        self.first: JobView | None = None
        self._total = 0
        self._done = 0
        self._unknown = 0
        self._moving: dict[int, float] = {}
        self._view: JobView | None = None

    @property
    def size(self) -> int:
        """How many jobs there are."""
        return self.counts.total()

    @property
    def node(self) -> int:
        """The id of its row: its only job's, or minus its number where there are more."""
        if self.size == 1 and self.first is not None:
            return self.first.id
        return -self.number

    def add_past(self, view: BatchView) -> None:
        """Count the jobs that are not live."""
        self.counts.update(dict(view.counts))
        self._total += view.bytes_total
        self._done += view.bytes_done
        self.first = view.first or self.first
        self._view = None

    def count(self, view: JobView, before: JobView | None) -> None:
        """Count a live job as it is now; ``before`` is how it was counted."""
        if before is not None:
            self._add(before, -1)
        self._add(view, 1)
        if view.speed > 0:
            self._moving[view.id] = view.speed
        else:
            self._moving.pop(view.id, None)
        if self.first is None or view.id <= self.first.id:
            self.first = view
        self._view = None

    def _add(self, view: JobView, sign: int) -> None:
        self.counts[view.state] += sign
        self._done += sign * view.done
        if view.total is None:
            self._unknown += sign
        else:
            self._total += sign * view.total

    @property
    def view(self) -> JobView:
        """The batch as one row: its sums, and the state that follows from its jobs."""
        if self._view is None:
            self._view = self._make()
        return self._view

    def _make(self) -> JobView:
        first = self.first
        if first is None:
            raise LookupError(self.number)
        counts, speed = self.counts, sum(self._moving.values())
        known = self._total or not self._unknown
        left = self._total - self._done
        return JobView(
            id=-self.number,
            batch=self.number,
            direction=first.direction,
            state=self._state(),
            name=items_text(self.size),
            source=_folder(first.source),
            target=_folder(first.target),
            profile_id=first.profile_id,
            bucket=first.bucket,
            key=_folder(first.key),
            local_path=_folder(first.local_path),
            done=self._done,
            total=self._total if known else None,
            speed=speed,
            eta=left / speed if speed > 0 and known else None,
            created=first.created,
            is_folder=True,
            files_done=counts[JobState.DONE] + counts[JobState.SKIPPED],
            files_total=self.size,
            files_failed=counts[JobState.FAILED] + counts[JobState.SOURCE_CHANGED],
        )

    def _state(self) -> JobState:
        counts = self.counts
        there = [state for state in JobState if counts[state] > 0]
        if any(state in _LIVELY for state in there):
            return JobState.RUNNING
        for state in there:
            if state.is_active:
                return state
        for state in _NEEDY:
            if counts[state] > 0:
                return state
        if len(there) == 1:
            return there[0]
        return JobState.DONE


def _folder(path: str) -> str:
    """Return the folder of a path or key, with its separator."""
    trimmed = path.rstrip("/\\")
    cut = max(trimmed.rfind("/"), trimmed.rfind("\\"))
    return trimmed[: cut + 1]
