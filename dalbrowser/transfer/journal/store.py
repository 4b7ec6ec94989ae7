"""The journal's queries: what is written when, and what is waited for.

Invariant, from which every resume follows: the intent to upload is on disk before the
upload is created, the upload id before the first part is sent, a part after the server
confirmed it and before anybody counts it. ``async`` methods return after the commit;
the others (``note_…``) are committed within a tenth of a second.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from dalbrowser.transfer.journal import progress, schema
from dalbrowser.transfer.journal.checked import forget_closed, note_closed
from dalbrowser.transfer.journal.lock import JournalLock
from dalbrowser.transfer.journal.plans import add_plan, drop_plans, end_step, read_plans
from dalbrowser.transfer.journal.rows import (
    JOB_COLUMNS,
    DownloadRow,
    JobRow,
    PartRow,
    PlanRow,
    UploadRow,
    job_from,
    job_values,
)
from dalbrowser.transfer.journal.thread import LAG, JournalThread

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

_FINAL = schema.FINAL
_OPEN_FOLDERS = f"SELECT id FROM job WHERE is_folder AND state NOT IN {_FINAL}"  # noqa: S608
_NO_OPEN_FOLDER = f"(parent IS NULL OR parent NOT IN ({_OPEN_FOLDERS}))"
"""Not a file of a folder that is still under way: what is left of it is told by the others."""

_MUTABLE = [name for name in JOB_COLUMNS if name not in ("id", "batch", "parent", "created")]
_UPDATE = f"UPDATE job SET {', '.join(f'{n} = :{n}' for n in _MUTABLE)} WHERE id = :id"  # noqa: S608
_NEW = [name for name in JOB_COLUMNS if name != "id"]
_INSERT = f"INSERT INTO job ({', '.join(_NEW)}) VALUES ({', '.join(':' + n for n in _NEW)})"  # noqa: S608


class Journal:
    """An open journal; made by ``open``, owned by this process until ``close``."""

    def __init__(self, path: Path, who: str) -> None:
        self._wanted = path
        self._who = who
        self._lock = JournalLock(path.with_name(path.name + ".lock"))
        self._thread = JournalThread(self._open_here, self._closed_here)
        self._by_json: dict[str, int] = {}
        self._by_id: dict[int, str] = {}
        self._noted: dict[int, dict[str, Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.path = path
        self.note: str | None = None

    async def open(self) -> None:
        """Take the lock and open the file; raises ``JournalHeld`` or ``TransferError``."""
        await self._thread.start()

    def _open_here(self) -> sqlite3.Connection:
        try:
            self._wanted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.acquire(self._who)
        except OSError as error:
            raise schema.cannot_open(self._wanted, error) from error
        try:
            opened = schema.open_journal(self._wanted)
            self.path, self.note = opened.path, opened.note
            for row in opened.connection.execute("SELECT id, json FROM connection"):
                self._by_id[row["id"]] = row["json"]
                self._by_json[row["json"]] = row["id"]
        except BaseException:
            self._lock.release()
            raise
        return opened.connection

    def _closed_here(self) -> None:
        if self._thread.damaged:
            forget_closed(self.path)
        else:
            note_closed(self.path)

    async def close(self) -> None:
        """Commit what is pending, close the file, let the lock go."""
        self._post_notes()
        await self._thread.close()
        self._lock.release()

    @property
    def commits(self) -> int:
        """How many transactions were committed so far."""
        return self._thread.commits

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` after all that was noted before it; returns once it is committed."""
        self._post_notes()
        return await self._thread.run(work)

    def _post(self, work: Callable[[sqlite3.Connection], object]) -> None:
        self._post_notes()
        self._thread.post(work)

    def _post_notes(self) -> None:
        """Hand over what was noted: of each job its latest state, in one statement."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._noted:
            noted, self._noted = list(self._noted.values()), {}
            self._thread.post(lambda db: db.executemany(_UPDATE, noted), soon=True)

    async def run(self, work: Callable[[sqlite3.Connection, dict[int, str]], T]) -> T:
        """Run a query in the journal's thread; it is given the connections' texts by row."""
        return await self._run(lambda db: work(db, self._by_id))

    def post(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run a statement with the next commit; nobody waits."""
        self._post(work)

    # -- jobs

    async def add_batch(self) -> int:
        """Return the id of a new batch."""

        def work(db: sqlite3.Connection) -> int:
            made = db.execute("INSERT INTO batch (created) VALUES (?)", (time.time(),))
            return int(made.lastrowid or 0)

        return await self._run(work)

    async def add_jobs(
        self, rows: Sequence[JobRow], plans: Sequence[PlanRow | list[PlanRow] | None] = ()
    ) -> list[int]:
        """Insert new jobs, each with what is to be expanded where it has that; sets their ids."""

        def work(db: sqlite3.Connection) -> list[int]:
            ids = self._insert(db, rows)
            for number, given in zip(ids, plans, strict=False):
                for plan in given if isinstance(given, list) else (given,):
                    if plan is not None:
                        plan.job = number
                        add_plan(db, plan)
            return ids

        ids = await self._run(work)
        for row, number in zip(rows, ids, strict=True):
            row.id = number
        return ids

    def _insert(self, db: sqlite3.Connection, rows: Sequence[JobRow]) -> list[int]:
        if not rows:
            return []
        for text in {profile for row in rows for profile in (row.profile, row.source_profile)}:
            if not text:
                continue
            # Asked each time: an earlier insert may have been rolled back.
            found = db.execute("SELECT id FROM connection WHERE json = ?", (text,)).fetchone()
            if found is None:
                made = db.execute("INSERT INTO connection (json) VALUES (?)", (text,))
                found = (int(made.lastrowid or 0),)
            self._by_json[text] = found[0]
            self._by_id[found[0]] = text
        db.executemany(_INSERT, [job_values(row, self._by_json) for row in rows])
        # Ids only ever grow, and nobody else writes: those of one statement are in a row.
        last = int(db.execute("SELECT last_insert_rowid()").fetchone()[0])
        return list(range(last - len(rows) + 1, last + 1))

    async def save(self, row: JobRow) -> None:
        """Write a job's present state and wait for the disk."""
        values = job_values(row, self._by_json)
        await self._run(lambda db: db.execute(_UPDATE, values))

    def note_job(self, row: JobRow) -> None:
        """Write a job's present state with the next commit; nobody waits."""
        self._noted[row.id] = job_values(row, self._by_json)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LAG, self._post_notes)

    async def finish(self, row: JobRow) -> None:
        """Write a job's end and drop all that was kept for resuming it, in one commit."""
        values = job_values(row, self._by_json)

        def work(db: sqlite3.Connection) -> None:
            db.execute(_UPDATE, values)
            progress.drop_progress(db, row.id)

        await self._run(work)

    async def unfinished(self) -> list[JobRow]:
        """Return all jobs that are not history, oldest first."""
        return await self._select(schema.UNFINISHED)

    async def history(self, limit: int) -> list[JobRow]:
        """Return finished jobs, newest first."""
        return await self._select(
            f"WHERE state IN {_FINAL} AND finished IS NOT NULL ORDER BY finished DESC LIMIT ?",
            (limit,),
        )

    async def jobs_by_id(self, ids: Iterable[int]) -> list[JobRow]:
        """Return the jobs with these ids that exist."""
        found: list[JobRow] = []
        for number in ids:
            found += await self._select("WHERE id = ?", (number,))
        return found

    async def batch_rows(self, batch: int) -> list[JobRow]:
        """Return all jobs of a batch."""
        return await self._select("WHERE batch = ? ORDER BY id", (batch,))

    async def _select(self, where: str, values: tuple[object, ...] = ()) -> list[JobRow]:
        def work(db: sqlite3.Connection) -> list[JobRow]:
            found = db.execute(f"SELECT * FROM job {where}", values)  # noqa: S608 -- own texts only
            return [job_from(record, self._by_id) for record in found]

        return await self._run(work)

    async def child_sums(self, parent: int) -> dict[str, tuple[int, int]]:
        """Return, by state, how many files of a folder job there are and their bytes."""

        def work(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
            found = db.execute(
                "SELECT state, count(*), coalesce(sum(total), 0) FROM job"
                " WHERE parent = ? GROUP BY state",
                (parent,),
            )
            return {row[0]: (row[1], row[2]) for row in found}

        return await self._run(work)

    async def forget_finished(self) -> None:
        """Delete finished jobs; the files of a folder go with the folder."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                f"DELETE FROM job WHERE state IN {_FINAL} AND {_NO_OPEN_FOLDER}"  # noqa: S608
            )

        await self._run(work)

    def note_prune(self, keep: int) -> None:
        """Delete the oldest finished jobs beyond ``keep``, and no file of an unfinished folder."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                f"DELETE FROM job WHERE finished IS NOT NULL AND state IN {_FINAL} AND finished <"  # noqa: S608
                " (SELECT finished FROM job WHERE finished IS NOT NULL"
                f" ORDER BY finished DESC LIMIT 1 OFFSET ?) AND {_NO_OPEN_FOLDER}",
                (keep,),
            )

        self._post(work)

    # -- uploads

    async def upload(self, job: int) -> UploadRow | None:
        """Return the multipart upload of a job."""
        return await self._run(lambda db: progress.read_upload(db, job))

    async def uploads_of_others(self, job: int) -> set[str]:
        """Return the ids of the uploads that other jobs have begun."""
        return await self._run(lambda db: progress.read_ids_of_others(db, job))

    async def save_upload(self, row: UploadRow, job: JobRow | None = None) -> None:
        """Write a multipart upload: its intent, its id, or what is being done with it.

        The state of its ``job`` goes with it in the same commit, when given.
        """
        upload = progress.upload_values(row)
        values = job_values(job, self._by_json) if job is not None else None

        def work(db: sqlite3.Connection) -> None:
            progress.write_upload(db, upload)
            if values is not None:
                db.execute(_UPDATE, values)

        await self._run(work)

    async def drop_progress(self, job: int) -> None:
        """Forget upload, parts, download and intervals of a job."""
        await self._run(lambda db: progress.drop_progress(db, job))

    async def parts(self, job: int) -> list[PartRow]:
        """Return the parts of a job, in order of their numbers."""
        return await self._run(lambda db: progress.read_parts(db, job))

    def note_part_begun(self, job: int, number: int, size: int) -> None:
        """Say that a part is on its way, so that sending it again can be counted."""
        self._post(lambda db: progress.write_part_begun(db, job, number, size))

    async def part_done(self, job: int, part: PartRow) -> None:
        """Record a part that the server confirmed."""
        await self._run(lambda db: progress.write_part(db, job, part))

    # -- downloads

    async def download(self, job: int) -> DownloadRow | None:
        """Return the download in place of a job."""
        return await self._run(lambda db: progress.read_download(db, job))

    async def save_download(self, row: DownloadRow) -> None:
        """Write a download in place; its intervals are forgotten."""
        values = progress.download_values(row)
        await self._run(lambda db: progress.write_download(db, values))

    async def intervals(self, job: int) -> list[tuple[int, int]]:
        """Return the byte ranges that are on disk, ``(start, stop)``, in order."""
        return await self._run(lambda db: progress.read_intervals(db, job))

    async def intervals_done(self, job: int, ranges: Sequence[tuple[int, int]]) -> None:
        """Record ranges that were written and flushed to the temporary file."""
        ranges = list(ranges)
        await self._run(lambda db: progress.write_intervals(db, job, ranges))

    # -- folders to expand

    async def plans(self, job: int, limit: int = -1) -> list[PlanRow]:
        """Return what of a job is still to be expanded, or ``limit`` of it; the next is first."""
        return await self._run(lambda db: read_plans(db, job, limit))

    async def advance_plan(
        self, plan: PlanRow, jobs: Sequence[JobRow], folders: Sequence[PlanRow], finished: bool
    ) -> list[int]:
        """Insert what one step of a plan found and move its cursor, in one commit.

        So a file is found exactly once, also when the program dies between two steps.
        """

        def work(db: sqlite3.Connection) -> list[int]:
            ids = self._insert(db, jobs)
            for folder in folders:
                add_plan(db, folder)
            end_step(db, plan, finished=finished)
            return ids

        ids = await self._run(work)
        for row, number in zip(jobs, ids, strict=True):
            row.id = number
        return ids

    async def drop_plans(self, job: int) -> None:
        """Forget what of a folder is not expanded yet."""
        await self._run(lambda db: drop_plans(db, job))
