"""How far a job is, as statements: its multipart upload and parts, its download and intervals.

Invariant: each runs within a transaction that somebody else begins and commits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dalbrowser.transfer.journal.rows import (
    DownloadRow,
    PartRow,
    UploadRow,
    from_column,
    to_column,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


def read_upload(db: sqlite3.Connection, job: int) -> UploadRow | None:
    """Return the multipart upload of a job."""
    record = db.execute("SELECT * FROM upload WHERE job = ?", (job,)).fetchone()
    if record is None:
        return None
    values: dict[str, Any] = dict(record)
    values["options"] = json.loads(values["options"])
    # Device and inode numbers may need all 64 bits, unsigned; SQLite has 63.
    values["dev"], values["inode"] = int(values["dev"]), int(values["inode"])
    return UploadRow(**values)


def read_ids_of_others(db: sqlite3.Connection, job: int) -> set[str]:
    """Return the ids of the uploads of all jobs but one."""
    return {row[0] for row in db.execute("SELECT upload_id FROM upload WHERE job != ?", (job,))}


def upload_values(row: UploadRow) -> tuple[object, ...]:
    """Return the columns of an upload as they are at this moment."""
    return (
        row.job, row.state, row.upload_id, row.part_size, row.size, row.mtime_ns,
        str(row.dev), str(row.inode), json.dumps(row.options), row.intended,
    )  # fmt: skip


def write_upload(db: sqlite3.Connection, values: tuple[object, ...]) -> None:
    """Write what ``upload_values`` returned."""
    db.execute("INSERT OR REPLACE INTO upload VALUES (?,?,?,?,?,?,?,?,?,?)", values)


def read_parts(db: sqlite3.Connection, job: int) -> list[PartRow]:
    """Return the parts of a job, in order of their numbers."""
    found = db.execute(
        "SELECT number, size, etag, md5, done, crc FROM part WHERE job = ? ORDER BY number",
        (job,),
    )
    return [PartRow(r[0], r[1], r[2], r[3], bool(r[4]), r[5]) for r in found]


def write_part_begun(db: sqlite3.Connection, job: int, number: int, size: int) -> None:
    """Write a part that is on its way; such a row proves nothing."""
    db.execute(
        "INSERT OR REPLACE INTO part (job, number, size, etag, md5, done)"
        " VALUES (?, ?, ?, '', '', 0)",
        (job, number, size),
    )


def write_part(db: sqlite3.Connection, job: int, part: PartRow) -> None:
    """Write a part that the server confirmed."""
    db.execute(
        "INSERT OR REPLACE INTO part (job, number, size, etag, md5, crc, done)"
        " VALUES (?, ?, ?, ?, ?, ?, 1)",
        (job, part.number, part.size, part.etag, part.md5, part.crc),
    )


def read_download(db: sqlite3.Connection, job: int) -> DownloadRow | None:
    """Return the download in place of a job."""
    record = db.execute("SELECT * FROM download WHERE job = ?", (job,)).fetchone()
    if record is None:
        return None
    return DownloadRow(**{**dict(record), "temp": from_column(record["temp"])})


def download_values(row: DownloadRow) -> tuple[object, ...]:
    """Return the columns of a download as they are at this moment."""
    return (row.job, to_column(row.temp), row.etag, row.version, row.size, row.mtime)


def write_download(db: sqlite3.Connection, values: tuple[object, ...]) -> None:
    """Write what ``download_values`` returned; the intervals of that job are forgotten."""
    db.execute("INSERT OR REPLACE INTO download VALUES (?,?,?,?,?,?)", values)
    db.execute("DELETE FROM interval WHERE job = ?", values[:1])


def read_intervals(db: sqlite3.Connection, job: int) -> list[tuple[int, int]]:
    """Return the byte ranges that are on disk, ``(start, stop)``, in order."""
    found = db.execute("SELECT start, stop FROM interval WHERE job = ? ORDER BY start", (job,))
    return [(row[0], row[1]) for row in found]


def write_intervals(db: sqlite3.Connection, job: int, ranges: Sequence[tuple[int, int]]) -> None:
    """Write ranges that are on disk."""
    values = [(job, start, stop) for start, stop in ranges]
    db.executemany("INSERT OR REPLACE INTO interval VALUES (?,?,?)", values)


def drop_progress(db: sqlite3.Connection, job: int) -> None:
    """Delete upload, parts, download and intervals of a job."""
    for table in ("upload", "part", "download", "interval"):
        db.execute(f"DELETE FROM {table} WHERE job = ?", (job,))  # noqa: S608 -- own names only
