"""The journal's tables, their versions, and what is done with a file that cannot be used.

Invariant: a journal that is damaged or from a newer program is never deleted and never
overwritten; it is set aside or left alone, and the person is told where it is.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from dalbrowser.transfer.journal.checked import is_as_closed
from dalbrowser.transfer.model import TransferError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from pathlib import Path

_VERSION_1 = """
CREATE TABLE connection (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE);
CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, created REAL NOT NULL);
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batch INTEGER NOT NULL,
  parent INTEGER,
  is_folder INTEGER NOT NULL,
  direction TEXT NOT NULL,
  state TEXT NOT NULL,
  policy TEXT NOT NULL,
  profile INTEGER NOT NULL REFERENCES connection(id),
  bucket NOT NULL,
  key NOT NULL,
  source_profile INTEGER REFERENCES connection(id),
  source_bucket NOT NULL,
  source_key NOT NULL,
  local_path NOT NULL,
  root NOT NULL,
  total INTEGER,
  done INTEGER NOT NULL,
  resent INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error NOT NULL,
  note NOT NULL,
  integrity TEXT NOT NULL,
  etag TEXT NOT NULL,
  version TEXT NOT NULL,
  mtime REAL,
  fresh INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  created REAL NOT NULL,
  finished REAL
);
CREATE INDEX job_state ON job(state) WHERE state NOT IN ('done', 'skipped', 'cancelled');
CREATE INDEX job_parent ON job(parent, state) WHERE parent IS NOT NULL;
CREATE INDEX job_finished ON job(finished) WHERE finished IS NOT NULL;
CREATE TABLE upload (
  job INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  part_size INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  dev TEXT NOT NULL,
  inode TEXT NOT NULL,
  options TEXT NOT NULL,
  intended REAL NOT NULL
);
CREATE TABLE part (
  job INTEGER NOT NULL,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  md5 TEXT NOT NULL,
  done INTEGER NOT NULL,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE download (
  job INTEGER PRIMARY KEY,
  temp NOT NULL,
  etag TEXT NOT NULL,
  version TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime REAL
);
CREATE TABLE interval (
  job INTEGER NOT NULL,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  PRIMARY KEY (job, start)
) WITHOUT ROWID;
CREATE TABLE plan (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL,
  source NOT NULL,
  target NOT NULL,
  cursor NOT NULL,
  fresh INTEGER NOT NULL
);
CREATE INDEX plan_job ON plan(job);
"""

_VERSION_2 = "ALTER TABLE job ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"

# What happened to a job goes with the job; the indices let history be read page by page.
_VERSION_3 = """
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  at REAL NOT NULL,
  state TEXT NOT NULL,
  done INTEGER NOT NULL,
  again REAL,
  text NOT NULL
);
CREATE INDEX event_job ON event(job);
CREATE TRIGGER event_gone AFTER DELETE ON job BEGIN
  DELETE FROM event WHERE job = OLD.id;
END;
CREATE INDEX job_root ON job(batch) WHERE parent IS NULL;
CREATE INDEX job_child ON job(parent) WHERE parent IS NOT NULL;
"""

# What stood at the target when it was compared: a sync writes over nothing else.
_VERSION_4 = "ALTER TABLE job ADD COLUMN compared TEXT NOT NULL DEFAULT '';"

# What the CRC of the whole object follows from, also in the process that goes on with it.
_VERSION_5 = "ALTER TABLE part ADD COLUMN crc TEXT NOT NULL DEFAULT '';"

# Which object a copy has made and verified: only beside that one may its source be deleted.
_VERSION_6 = "ALTER TABLE job ADD COLUMN made TEXT NOT NULL DEFAULT '';"

# Why a folder could not be expanded, which its sentence told after what of it had failed.
_SAY = "'their rows say why.'"
_VERSION_7 = f"""
ALTER TABLE job ADD COLUMN trouble NOT NULL DEFAULT '';
UPDATE job SET trouble = CASE
  WHEN instr(CAST(error AS BLOB), CAST({_SAY} AS BLOB)) = 0 THEN error
  WHEN typeof(error) = 'blob' THEN substr(error, instr(error, CAST({_SAY} AS BLOB)) + 20)
  ELSE substr(error, instr(error, {_SAY}) + 20)
  END WHERE is_folder AND state = 'failed';
UPDATE job SET trouble = '' WHERE trouble = 'No more of them were looked for meanwhile.';
"""  # noqa: S608 -- own texts only

MIGRATIONS: tuple[str, ...] = (
    _VERSION_1,
    _VERSION_2,
    _VERSION_3,
    _VERSION_4,
    _VERSION_5,
    _VERSION_6,
    _VERSION_7,
)
"""``MIGRATIONS[n]`` takes version n to n + 1; an entry never changes once released."""

SCHEMA_VERSION = len(MIGRATIONS)


FINAL = "('done', 'skipped', 'cancelled')"
"""The states of what is history."""

UNFINISHED = f"INDEXED BY job_state WHERE state NOT IN {FINAL} ORDER BY id"
"""Which jobs a start takes up, by their index: SQLite would rather read all of a long history."""

BUSY = 5000
"""Milliseconds to wait for somebody else who has the file for himself at this moment."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""What SQLite says of a file that is none of its own; ``ERROR`` of one without the tables."""

_UNREADABLE = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
"""What it says of a file of which the disk does not give back what was written."""


@record()
class Opened:
    """An open, checked journal of the current version, and what there is to say about it."""

    connection: sqlite3.Connection
    path: Path
    note: str | None


def open_journal(path: Path) -> Opened:
    """Open or create the journal at ``path``; blocks, so it runs in the journal's own thread.

    Raises ``TransferError`` for one that cannot be opened now (full disk, in use, read-only).
    """
    note: str | None = None
    version = _version_of(path)
    if version > SCHEMA_VERSION:
        newer, path = path, path.with_name(f"{path.stem}-v{SCHEMA_VERSION}{path.suffix}")
        note = (
            f"The transfers in {newer} were written by a newer program (version {version},"
            f" this one knows {SCHEMA_VERSION}); they are left untouched, and this program"
            f" keeps its own in {path.name}."
        )
    try:
        try:
            connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if not (is_damage(error) and path.is_file()):
                raise
            note = _set_aside(path, error)
            connection = _connect(path)
    except (sqlite3.DatabaseError, OSError) as error:
        raise cannot_open(path, error) from error
    return Opened(connection, path, note)


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether an error tells of the file's bytes, and not of what may pass.

    A full disk, a lock, missing rights or memory say nothing of what the file holds.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF in _DAMAGE or code in _UNREADABLE


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an open journal to the current version, each step in one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number in range(version, SCHEMA_VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE;{MIGRATIONS[number]}PRAGMA user_version = {number + 1};COMMIT;"
        )


def _version_of(path: Path) -> int:
    """Read a journal's version without touching it; 0 when there is none, or none is legible."""
    if not path.is_file():
        return 0
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY}")
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise cannot_open(path, error) from error
        return 0


def _connect(path: Path) -> sqlite3.Connection:
    """Open a journal, look through it, and bring it to the current version."""
    unharmed = is_as_closed(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if not unharmed:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(str(verdict))
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if 0 < version <= SCHEMA_VERSION:
            # All that a start reads of it, whether the rest was looked through or not. Row by row:
            # 100,000 that wait would be held twice.
            for _ in connection.execute(f"SELECT * FROM job {UNFINISHED}"):  # noqa: S608
                pass
            connection.execute("SELECT count(*) FROM part WHERE job = 0").fetchone()
        _require_writable(connection, version)
        _migrate_or_fail(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_writable(connection: sqlite3.Connection, version: int) -> None:
    """Raise now, and not with the first transfer, where nothing can be written."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # A transaction alone begins on a file that can only be read, too.
        connection.execute(f"PRAGMA user_version = {version}")
    finally:
        connection.execute("ROLLBACK")


def _migrate_or_fail(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate; a step that fails says nothing of the file, which is as it was before it."""
    try:
        migrate(connection)
    except sqlite3.DatabaseError as error:
        raise cannot_open(path, error) from error


def _set_aside(path: Path, error: Exception) -> str:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        extra = path.with_name(path.name + suffix)
        if extra.exists():
            extra.rename(aside.with_name(aside.name + suffix))
    return (
        f"The list of transfers was damaged ({error}) and has been set aside as {aside};"
        " a new one was begun. Uploads that were under way are still on the server, under"
        " Incomplete uploads."
    )


def cannot_open(path: Path, error: Exception) -> TransferError:
    """Return the error for a place where no journal can be kept."""
    return TransferError(
        f"The list of transfers at {path} cannot be opened ({error}); check that the folder"
        " exists, is yours, and has free space."
    )
