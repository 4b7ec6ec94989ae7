"""Counts the files of each batch by state, and knows when nothing of one is open any more.

Invariant: a file is counted under its latest state only; a folder's own row keeps its
batch open but is not a file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import BatchEnded, JobState

if TYPE_CHECKING:
    from dalbrowser.transfer.job import LiveJob

_CLOSED = frozenset(
    {
        JobState.DONE,
        JobState.SKIPPED,
        JobState.CANCELLED,
        JobState.FAILED,
        JobState.SOURCE_CHANGED,
    }
)


class Tally:
    """One count for all batches of an engine."""

    def __init__(self) -> None:
        self._open: Counter[int] = Counter()
        self._files: dict[int, Counter[JobState]] = {}
        self._bytes: Counter[int] = Counter()

    def moved(self, job: LiveJob, before: JobState | None) -> BatchEnded | None:
        """A job entered its present state; returns the end of its batch when that was the last."""
        batch, now = job.row.batch, job.row.state
        if not job.row.is_folder:
            files = self._files.get(batch)
            if files is None:
                files = self._files[batch] = Counter()
            files[now] += 1
            if before is not None:
                files[before] -= 1
            if now is JobState.DONE:
                self._bytes[batch] += job.row.done
        was_open = before is not None and before not in _CLOSED
        is_open = now not in _CLOSED
        self._open[batch] += is_open - was_open
        if was_open and not is_open and not self._open[batch]:
            return self._ended(batch)
        return None

    def _ended(self, batch: int) -> BatchEnded:
        files = self._files.get(batch, Counter())
        return BatchEnded(
            batch=batch,
            done=files[JobState.DONE],
            failed=files[JobState.FAILED] + files[JobState.SOURCE_CHANGED],
            skipped=files[JobState.SKIPPED],
            cancelled=files[JobState.CANCELLED],
            bytes_done=self._bytes[batch],
        )
