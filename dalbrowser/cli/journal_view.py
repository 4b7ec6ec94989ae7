"""Looking at the journal without owning it, also while another process works on it.

Invariant: opened read-only, nothing in it changes. A job that the file calls running while
nobody holds the journal was cut off: it is shown as *interrupted*, which is what the next
engine will call it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError
from dalbrowser.profiles import Profile
from dalbrowser.storage import StorageError
from dalbrowser.transfer import Direction, JobState
from dalbrowser.transfer.journal.holder import holder
from dalbrowser.transfer.journal.rows import from_column
from dalbrowser.transfer.journal.schema import SCHEMA_VERSION
from dalbrowser.transfer.model import FINAL_STATES
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FINAL = ", ".join(f"'{state.value}'" for state in sorted(FINAL_STATES, key=lambda s: s.value))

# The rows' own numbers lag a running job; parts and intervals are written as they end.
_SELECT = """
SELECT job.*, connection.json AS connection_json, origin.json AS origin_json,
  (SELECT sum(size) FROM part WHERE part.job = job.id AND part.done) AS parts_done,
  (SELECT sum(stop - start) FROM interval WHERE interval.job = job.id) AS ranges_done,
  (SELECT sum(done) FROM job AS file WHERE file.parent = job.id) AS files_done,
  (SELECT sum(total) FROM job AS file WHERE file.parent = job.id) AS files_total
FROM job LEFT JOIN connection ON connection.id = job.profile
  LEFT JOIN connection AS origin ON origin.id = job.source_profile
WHERE {where} ORDER BY job.id
"""


@record()
class JobLine:
    """One job as ``dal transfers list`` shows it. Sizes in bytes; ``total`` may be unknown.

    ``place`` is its remote side, of a copy the target; ``source`` is of a copy alone.
    """

    id: int
    state: JobState
    direction: Direction
    place: str
    local_path: str
    done: int
    total: int | None
    error: str
    parent: int | None = None
    is_folder: bool = False
    source: str = ""
    created: float = 0.0
    finished: float | None = None


def read_jobs(path: Path, *, finished: bool, files: bool) -> Iterator[JobLine]:
    """Yield the jobs in the journal at ``path``, oldest first; none when there is no journal.

    ``finished`` brings history too, ``files`` the files inside of folder jobs. Raises
    ``CommandError`` when the file cannot be read as a journal.
    """
    if not path.exists():
        return
    held = holder(path) is not None
    where = "1" if finished else f"job.state NOT IN ({_FINAL})"
    if not files:
        where += " AND job.parent IS NULL"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            db.row_factory = sqlite3.Row
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise CommandError(f"{path} was written by a newer dalbrowser; use that one.")
            if version == 0:
                return
            for row in db.execute(_SELECT.format(where=where)):
                yield _line(row, held)
    except sqlite3.OperationalError as error:
        raise CommandError(
            f"The transfers in {path} cannot be read ({error}); check that the folder is yours and"
            " has free space, and try again."
        ) from error
    except sqlite3.Error as error:
        raise CommandError(
            f"The transfers in {path} cannot be read ({error}); the next transfer sets a damaged"
            " file aside and begins a new one."
        ) from error


def _line(row: sqlite3.Row, held: bool) -> JobLine:
    state = JobState(row["state"])
    if state.is_active and not held:
        state = JobState.INTERRUPTED
    total = row["files_total"] if row["is_folder"] else row["total"]
    done = max(row[name] or 0 for name in ("done", "parts_done", "ranges_done", "files_done"))
    if state is JobState.DONE and total is not None:
        done = total
    return JobLine(
        id=row["id"],
        state=state,
        direction=Direction(row["direction"]),
        place=_place(row["connection_json"], from_column(row["bucket"]), from_column(row["key"])),
        local_path=from_column(row["local_path"]),
        done=done,
        total=total,
        error=from_column(row["error"]),
        parent=row["parent"],
        is_folder=bool(row["is_folder"]),
        source=_source(row),
        created=row["created"],
        finished=row["finished"],
    )


def _source(row: sqlite3.Row) -> str:
    if row["origin_json"] is None:
        return ""
    return _place(
        row["origin_json"], from_column(row["source_bucket"]), from_column(row["source_key"])
    )


def _place(connection: str | None, bucket: str, key: str) -> str:
    """Return the URI of a job's remote side, by the connection that the journal kept."""
    try:
        head = Profile.from_json(connection or "").prefix
    except StorageError:
        head = ""
    return f"{head}{bucket}/{key}" if bucket else f"{head}{key}"
