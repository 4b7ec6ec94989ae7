"""The rows of the journal as plain records, and how they are bound to columns.

Invariant: no record has a place for a secret. Paths and keys may hold bytes that are
not UTF-8 (as surrogates); those are stored as blobs, so that they come back exactly.
"""

from __future__ import annotations

from dataclasses import field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from dalbrowser.transfer.model import ConflictPolicy, Direction, JobState
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    import sqlite3


def to_column(text: str) -> str | bytes:
    """Return ``text`` for a column; a blob when UTF-8 cannot carry it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_column(value: str | bytes) -> str:
    """Return what ``to_column`` was given."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


@record(frozen=False, kw_only=True)
class JobRow:
    """One job. ``profile`` and ``source_profile`` are JSON texts without secrets.

    The remote side of an upload or download is ``profile``, ``bucket``, ``key``; a copy
    has its source in the ``source_`` fields. ``root`` is the chosen local folder below which
    ``local_path`` must stay, empty when the person named the exact path. ``etag``,
    ``version`` and ``mtime`` (epoch seconds) are the remote source's where they are known
    beforehand. ``fresh`` says that nothing had the target's name when this was planned.
    ``sent`` says that the whole target may have been written in one request or renaming.
    ``trouble`` is why a folder could not be expanded, apart from what of it has failed.
    ``made`` is the ETag of the object that a copy made and verified.
    ``priority`` is its rank among those of its batch where somebody changed it, else 0.
    ``compared`` is what stood at the target when a sync looked (see ``transfer.compared``);
    of a folder it says that its files come from a written plan, and ``version`` what chose
    them. Empty for all other jobs.
    """

    id: int = 0
    batch: int = 0
    parent: int | None = None
    is_folder: bool = False
    direction: Direction
    state: JobState = JobState.QUEUED
    policy: ConflictPolicy = ConflictPolicy.ASK
    profile: str
    bucket: str
    key: str
    source_profile: str = ""
    source_bucket: str = ""
    source_key: str = ""
    local_path: str = ""
    root: str = ""
    total: int | None = None
    done: int = 0
    resent: int = 0
    attempts: int = 0
    error: str = ""
    note: str = ""
    integrity: str = ""
    etag: str = ""
    version: str = ""
    mtime: float | None = None
    fresh: bool = False
    begun: bool = False
    sent: bool = False
    made: str = ""
    trouble: str = ""
    compared: str = ""
    priority: int = 0
    created: float = 0.0
    finished: float | None = None

    @property
    def within_bucket(self) -> bool:
        """Whether the source of a copy is in the bucket of its target, by one connection."""
        source = (self.source_profile, self.source_bucket)
        return source == (self.profile, self.bucket)


@record(frozen=False, kw_only=True)
class UploadRow:
    """A multipart upload. ``state`` is ``intent`` (about to be created), ``begun``,
    ``completing`` or ``aborting``; the source's identity is the one it was begun with.
    """

    job: int
    state: str
    upload_id: str = ""
    part_size: int = 0
    size: int = 0
    mtime_ns: int = 0
    dev: int = 0
    inode: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    intended: float = 0.0


@record()
class PartRow:
    """One part: ``md5`` is of the bytes we sent, ``etag`` what the server answered.

    ``crc`` is a checksum of the same bytes (``crc64nvme:`` and base64) where the service keeps
    one.
    ``done`` is false for a part that was on its way; such a row proves nothing.
    """

    number: int
    size: int
    etag: str
    md5: str
    done: bool
    crc: str = ""


@record(frozen=False, kw_only=True)
class DownloadRow:
    """A download in place: the temporary file and the object it is pinned to."""

    job: int
    temp: str
    etag: str = ""
    version: str = ""
    size: int = 0
    mtime: float | None = None


@record(frozen=False, kw_only=True)
class PlanRow:
    """A folder still to be expanded: ``source`` is read from ``cursor`` on, into ``target``."""

    id: int = 0
    job: int
    source: str
    target: str
    cursor: str = ""
    fresh: bool = False


_EXACT = frozenset(
    {
        "key",
        "bucket",
        "source_bucket",
        "source_key",
        "local_path",
        "root",
        "error",
        "note",
        "trouble",
    }
)
_ENUMS: dict[str, type[Direction] | type[JobState] | type[ConflictPolicy]] = {
    "direction": Direction,
    "state": JobState,
    "policy": ConflictPolicy,
}
_BOOLS = frozenset({"is_folder", "fresh", "begun", "sent"})

JOB_COLUMNS = tuple(item.name for item in fields(JobRow))
_all_of = attrgetter(*JOB_COLUMNS)


def job_values(row: JobRow, connections: dict[str, int]) -> dict[str, Any]:
    """Return the columns of a job; ``connections`` maps a profile's JSON to its row."""
    values: dict[str, Any] = dict(zip(JOB_COLUMNS, _all_of(row), strict=True))
    for name in _ENUMS:
        values[name] = values[name]._value_
    for name in _EXACT:
        text = values[name]
        if not text.isascii():
            values[name] = to_column(text)
    for name in ("profile", "source_profile"):
        text = values[name]
        values[name] = connections[text] if text else None
    return values


def job_from(record: sqlite3.Row, connections: dict[int, str]) -> JobRow:
    """Return the job in one result row."""
    values: dict[str, Any] = {}
    for name in JOB_COLUMNS:
        value = record[name]
        if name in _ENUMS:
            value = _ENUMS[name](value)
        elif name in _EXACT:
            value = from_column(value)
        elif name in ("profile", "source_profile"):
            value = connections[value] if value is not None else ""
        elif name in _BOOLS:
            value = bool(value)
        values[name] = value
    return JobRow(**values)
