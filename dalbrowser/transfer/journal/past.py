"""The journal read page by page: latest batches, the files of a folder, the log of a job.

Invariant: every page costs what it shows, however long the history is; nothing is changed
but the log.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from dalbrowser.transfer.journal.rows import from_column, job_from, to_column
from dalbrowser.transfer.model import FINAL_STATES, Direction, JobEvent, JobState
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from dalbrowser.transfer.journal.rows import JobRow
    from dalbrowser.transfer.journal.store import Journal

LINES_KEPT = 200
"""Lines of the log that a job keeps; the oldest go first."""


@record(frozen=False)
class PastBatch:
    """The jobs of one batch that are not within folders, by id: state, bytes in all, done."""

    id: int
    jobs: dict[int, tuple[JobState, int, int]] = field(default_factory=dict)
    first: JobRow | None = None

    def sums(self, live: dict[int, object]) -> tuple[Counter[JobState], int, int]:
        """Add up the jobs that are not ``live``: how many in each state, bytes, bytes done."""
        counts: Counter[JobState] = Counter()
        total = done = 0
        for number, (state, size, moved) in self.jobs.items():
            if number not in live:
                counts[state] += 1
                total += size
                done += moved
        return counts, total, done

    def is_behind(self, live: dict[int, object]) -> bool:
        """Whether a job ended since it was read, so that this has to be read again."""
        return any(
            state not in FINAL_STATES and number not in live
            for number, (state, _, _) in self.jobs.items()
        )


async def latest_batches(journal: Journal, limit: int, before: int | None) -> list[PastBatch]:
    """Return the newest ``limit`` batches, those begun before ``before``, newest first."""

    def work(db: sqlite3.Connection, connections: dict[int, str]) -> list[PastBatch]:
        found = db.execute(
            "SELECT DISTINCT batch FROM job WHERE parent IS NULL AND batch < ?"
            " ORDER BY batch DESC LIMIT ?",
            (before if before is not None else 1 << 62, limit),
        ).fetchall()
        return [_batch(db, row[0], connections) for row in found]

    return await journal.run(work)


def _batch(db: sqlite3.Connection, number: int, connections: dict[int, str]) -> PastBatch:
    made = PastBatch(number)
    rows = db.execute(
        "SELECT id, state, total, done FROM job WHERE parent IS NULL AND batch = ? ORDER BY id",
        (number,),
    )
    for job, state, total, done in rows:
        entered = JobState(state)
        size = total or 0
        made.jobs[job] = (entered, size, size if entered is JobState.DONE else done)
    first = next(iter(made.jobs))
    record = db.execute("SELECT * FROM job WHERE id = ?", (first,)).fetchone()
    made.first = job_from(record, connections)
    return made


async def files_of(
    journal: Journal, *, parent: int | None, batch: int | None, after: int, limit: int
) -> list[JobRow]:
    """Return the next files of a folder job, or jobs of a batch, whose ids are above ``after``."""
    where = "parent = ?" if parent is not None else "parent IS NULL AND batch = ?"
    value = parent if parent is not None else batch

    def work(db: sqlite3.Connection, connections: dict[int, str]) -> list[JobRow]:
        found = db.execute(
            f"SELECT * FROM job WHERE {where} AND id > ? ORDER BY id LIMIT ?",  # noqa: S608
            (value, after, limit),
        )
        return [job_from(record, connections) for record in found]

    return await journal.run(work)


@record()
class Arrived:
    """A file that is done, as far as its target goes."""

    id: int
    batch: int
    direction: Direction
    profile: str
    bucket: str
    key: str
    local_path: str


async def arrived(journal: Journal, batch: int, after: int, limit: int) -> list[Arrived]:
    """Return the next files of a batch that are done, by their ids, which are above ``after``."""

    def work(db: sqlite3.Connection, connections: dict[int, str]) -> list[Arrived]:
        found = db.execute(
            "SELECT id, direction, profile, bucket, key, local_path FROM job"
            " WHERE batch = ? AND id > ? AND state = 'done' AND NOT is_folder"
            " ORDER BY id LIMIT ?",
            (batch, after, limit),
        )
        return [
            Arrived(r[0], batch, Direction(r[1]), connections[r[2]], *map(from_column, r[3:]))
            for r in found
        ]

    return await journal.run(work)


async def keys_of(journal: Journal, parent: int, *, source: bool) -> set[str]:
    """Return the keys of a folder's files, or those of what they are copied from."""
    column = "source_key" if source else "key"

    def work(db: sqlite3.Connection, _: dict[int, str]) -> set[str]:
        found = db.execute(f"SELECT {column} FROM job WHERE parent = ?", (parent,))  # noqa: S608
        return {from_column(row[0]) for row in found}

    return await journal.run(work)


async def folder_sums(journal: Journal, folders: Sequence[int]) -> dict[int, dict[JobState, int]]:
    """Return how many files each folder job has in each state."""

    def work(db: sqlite3.Connection, _: dict[int, str]) -> dict[int, dict[JobState, int]]:
        sums: dict[int, dict[JobState, int]] = {}
        for folder in folders:
            found = db.execute(
                "SELECT state, count(*) FROM job WHERE parent = ? GROUP BY state", (folder,)
            )
            sums[folder] = {JobState(row[0]): row[1] for row in found}
        return sums

    return await journal.run(work)


async def read_lines(journal: Journal, job: int) -> list[JobEvent]:
    """Return the log of a job, oldest line first."""

    def work(db: sqlite3.Connection, _: dict[int, str]) -> list[JobEvent]:
        found = db.execute(
            "SELECT at, state, done, again, text FROM event WHERE job = ? ORDER BY id", (job,)
        )
        return [JobEvent(r[0], JobState(r[1]), r[2], r[3], from_column(r[4])) for r in found]

    return await journal.run(work)


def note_lines(journal: Journal, job: int, lines: Sequence[JobEvent]) -> None:
    """Add lines to the log of a job with the next commit, and drop those beyond the bound."""
    values = [
        (job, line.at, line.state.value, line.done, line.again, to_column(line.text))
        for line in lines
    ]

    def work(db: sqlite3.Connection) -> None:
        db.executemany(
            "INSERT INTO event (job, at, state, done, again, text) VALUES (?,?,?,?,?,?)", values
        )
        db.execute(
            "DELETE FROM event WHERE job = ? AND id <= (SELECT id FROM event WHERE job = ?"
            " ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (job, job, LINES_KEPT),
        )

    journal.post(work)
