"""What happened to each job, with times: states, and why it waited, tried again or failed.

Invariant: a file that just went through costs no statement; its row says when it began and
ended. Anything else is written once it rests, bounded for each job, and gone with the job.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dalbrowser.transfer.journal.past import LINES_KEPT, note_lines, read_lines
from dalbrowser.transfer.model import JobEvent, JobState

if TYPE_CHECKING:
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import JobRow, Journal

_PASSING = frozenset(
    {
        JobState.QUEUED,
        JobState.PREPARING,
        JobState.RUNNING,
        JobState.FINALISING,
        JobState.VERIFYING,
    }
)


class JobLog:
    """Keeps the log of every job of one engine."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def entered(self, job: LiveJob) -> None:
        """A job entered its present state."""
        line = _line(job.row, job.retry_at)
        if len(job.lines) < LINES_KEPT:
            job.lines.append(line)
        if job.state in _PASSING:
            return
        in_parts = job.parts_total > 1 or job.row.is_folder
        if job.state is JobState.DONE and not (job.logged or in_parts):
            job.lines.clear()
            return
        self._write(job)

    def cut_off(self, row: JobRow) -> None:
        """A job was found under way by the process that came after."""
        note_lines(self._journal, row.id, [_line(row, None)])

    async def lines(self, row: JobRow, job: LiveJob | None) -> list[JobEvent]:
        """Return the log of a job, oldest first; made from its row where nothing was noted."""
        found = await read_lines(self._journal, row.id)
        found += job.lines if job is not None else ()
        if not found:
            found.append(JobEvent(row.created, JobState.QUEUED))
            if row.finished is not None:
                text = row.error or row.note or row.integrity
                found.append(JobEvent(row.finished, row.state, row.done, None, text))
        return found

    def _write(self, job: LiveJob) -> None:
        note_lines(self._journal, job.id, job.lines)
        job.lines = []
        job.logged = True


def _line(row: JobRow, again: float | None) -> JobEvent:
    text = row.error or row.note
    if row.state is JobState.DONE:
        text = row.integrity or text
    return JobEvent(time.time(), row.state, row.done, again, text)
