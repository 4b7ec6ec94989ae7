"""The values that cross every boundary of the storage library, and the raw bodies' protocols.

Sizes and offsets are bytes; times are aware UTC datetimes; an ETag is kept exactly
as the server wrote it, quotes included. A path is an exact key (see ``paths``).
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum, Flag, auto
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Data = bytes | bytearray | memoryview


class EntryMode(Enum):
    """What an entry is. UNKNOWN is what a listing says when the service did not tell."""

    FILE = "file"
    DIR = "dir"
    UNKNOWN = "unknown"


class Metakey(Flag):
    """The metadata fields that a listing can be asked for.

    ``COMPLETE`` means all that one ``stat`` would bring.
    """

    NONE = 0
    MODE = auto()
    CACHE_CONTROL = auto()
    CONTENT_DISPOSITION = auto()
    CONTENT_LENGTH = auto()
    CONTENT_MD5 = auto()
    CONTENT_RANGE = auto()
    CONTENT_TYPE = auto()
    CONTENT_ENCODING = auto()
    ETAG = auto()
    LAST_MODIFIED = auto()
    VERSION = auto()
    STORAGE_CLASS = auto()
    OWNER = auto()
    USER_METADATA = auto()
    COMPLETE = auto()


@record(frozen=False, kw_only=True)
class Metadata:
    """What is known of one entry. Treat it as immutable; ``dataclasses.replace`` it.

    Not frozen: a listing makes one per key, and a frozen dataclass of this width
    takes about three times as long to build.

    ``known`` says which fields were answered by the service; a known field may still
    be ``None`` (the object has no such header). ``content_length`` is always the whole
    object's, also when a range was read. ``checksums`` maps an algorithm in lower case
    (``crc64nvme``, ``crc32c``, ``sha256``, ``md5``) to base64 text.
    ``is_current`` is ``None`` where versions do not exist or were not asked for, ``tags``
    where they were not asked for or may not be read.
    """

    mode: EntryMode = EntryMode.UNKNOWN
    content_length: int | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    content_md5: str | None = None
    content_range: str | None = None
    etag: str | None = None
    last_modified: datetime | None = None
    version: str | None = None
    is_current: bool | None = None
    is_deleted: bool = False
    storage_class: str | None = None
    owner: str | None = None
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    known: Metakey = Metakey.MODE

    @property
    def is_file(self) -> bool:
        """Whether this is an object with bytes."""
        return self.mode is EntryMode.FILE

    @property
    def is_dir(self) -> bool:
        """Whether this is a folder: a common prefix, or a real directory."""
        return self.mode is EntryMode.DIR

    def knows(self, keys: Metakey) -> bool:
        """Whether every one of ``keys`` was answered."""
        return Metakey.COMPLETE in self.known or keys in self.known


@record(frozen=False)
class Entry:
    """One row of a listing: an exact path (folders end in ``/``) and what is known of it.

    ``error`` is set when metadata beyond the listing was asked for and could not be had.
    """

    path: str
    metadata: Metadata
    error: StorageError | None = None

    @property
    def name(self) -> str:
        """The last segment; a folder's keeps its slash. The key ``a//`` is named ``/``."""
        cut = self.path.rfind("/", 0, len(self.path) - 1)
        return self.path[cut + 1 :]


@record()
class ByteRange:
    """A range of bytes: ``start`` inclusive, ``end`` exclusive, or the ``last`` n bytes.

    ``ByteRange()`` is everything. Raises ``StorageError(INVALID_INPUT)`` when the numbers
    cannot mean a range. ``ByteRange(5, 5)`` and ``ByteRange.suffix(0)`` are empty ranges.
    """

    start: int = 0
    end: int | None = None
    last: int | None = None

    def __post_init__(self) -> None:
        bad = (
            self.start < 0
            or (self.end is not None and self.end < self.start)
            or (self.last is not None and (self.last < 0 or self.start or self.end is not None))
        )
        if bad:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"The byte range start={self.start} end={self.end} last={self.last} means nothing;"
                " give 0 <= start <= end, or the last n >= 0 bytes.",
            )

    @classmethod
    def from_(cls, start: int) -> ByteRange:
        """From ``start`` to the end of the object."""
        return cls(start)

    @classmethod
    def suffix(cls, n: int) -> ByteRange:
        """The last ``n`` bytes; all of them when the object is shorter."""
        return cls(last=n)

    @property
    def is_full(self) -> bool:
        """Whether this is the whole object."""
        return self.start == 0 and self.end is None and self.last is None

    @property
    def size(self) -> int | None:
        """The number of bytes asked for, where the range itself says it."""
        if self.last is not None:
            return self.last
        return None if self.end is None else self.end - self.start

    def resolve(self, length: int) -> tuple[int, int]:
        """Return ``(start, end)`` within an object of ``length`` bytes, clamped to it."""
        if self.last is not None:
            return max(0, length - self.last), length
        end = length if self.end is None else min(self.end, length)
        return min(self.start, end), end

    def to_header(self) -> str | None:
        """Return the HTTP ``Range`` value, or ``None`` for the whole object.

        An empty range has no HTTP form (RFC 9110, 14.1.2) and must not reach this.
        """
        if self.last is not None:
            return f"bytes=-{self.last}"
        if self.end is not None:
            return f"bytes={self.start}-{self.end - 1}"
        return f"bytes={self.start}-" if self.start else None


@record()
class Bucket:
    """A container as the service lists it."""

    name: str
    created: datetime | None = None
    region: str | None = None


@record()
class Part:
    """One part of a multipart upload, as the server confirmed it. Numbers begin at 1."""

    number: int
    size: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)
    last_modified: datetime | None = None


@record()
class MultipartUpload:
    """An upload that was begun and neither completed nor aborted."""

    path: str
    upload_id: str
    initiated: datetime | None = None
    storage_class: str | None = None


@record()
class PresignedRequest:
    """A request that anyone may send until it expires. Its URL is a secret: not in ``repr``."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    expires_at: datetime | None = None


@record(frozen=False)
class Page:
    """One page of a raw listing, in the service's order."""

    entries: list[Entry]


class RawReader(Protocol):
    """A body that is being read. Every service's body has ``read``; see capability for the rest."""

    async def read(self, size: int) -> bytes:
        """Return 1 to ``size`` bytes, or ``b""`` at the end."""
        ...

    async def aclose(self) -> None:
        """Give up the body and its connection; safe to call twice."""
        ...


@runtime_checkable
class SeekableBody(Protocol):
    """A body with native seek (``Capability.read_can_seek``)."""

    async def seek(self, offset: int, whence: int) -> int:
        """Move, relative to the body's own range, and return the new offset in it."""
        ...


@runtime_checkable
class StreamBody(Protocol):
    """A body with a native stream of blocks (``Capability.read_can_next``)."""

    async def next(self) -> bytes | None:
        """Return the next block as it came from the wire, or ``None`` at the end."""
        ...


class FullBody(RawReader, SeekableBody, StreamBody, Protocol):
    """A body after completion: reads, seeks and streams, whatever the service does natively."""


@record(frozen=False)
class ReadReply:
    """What ``Accessor.read`` returns.

    ``metadata`` describes the whole object (``content_length`` is its whole length where
    the service told). ``offset`` is the body's first byte within the object; ``size`` the
    number of bytes announced for the body, ``None`` when the service did not say.
    """

    metadata: Metadata
    body: RawReader
    offset: int = 0
    size: int | None = None


class RawWriter(Protocol):
    """A write in progress. Nothing is visible under the path before ``close`` returns."""

    async def write(self, data: Data) -> None:
        """Take all of ``data``; the caller may reuse the buffer once this returns."""
        ...

    async def close(self) -> Metadata:
        """Commit, and return what the service said of the new object."""
        ...

    async def abort(self) -> None:
        """Leave nothing behind; safe to call twice, and after a failed ``close``."""
        ...


class RawLister(Protocol):
    """A listing in progress."""

    async def next_page(self) -> Page | None:
        """Return the next page, which may be empty, or ``None`` after the last."""
        ...

    async def aclose(self) -> None:
        """Stop; safe to call twice."""
        ...


class RawPartWriter(Protocol):
    """One part in progress."""

    async def write(self, data: Data) -> None:
        """Take all of ``data``."""
        ...

    async def close(self) -> Part:
        """Send what is left and return the part as the server confirmed it."""
        ...

    async def abort(self) -> None:
        """Give the part up; the upload stays usable."""
        ...


class RawUploadLister(Protocol):
    """A listing of incomplete uploads."""

    async def next_page(self) -> Sequence[MultipartUpload] | None:
        """Return the next page or ``None`` after the last."""
        ...


class RawPartLister(Protocol):
    """A listing of the parts of one upload, in order of their numbers."""

    async def next_page(self) -> Sequence[Part] | None:
        """Return the next page or ``None`` after the last."""
        ...


@record()
class DeleteOutcome:
    """What became of one path of a batch delete; ``error`` is ``None`` when it is gone."""

    path: str
    version: str | None = None
    error: StorageError | None = None


@record()
class HttpExchange:
    """One HTTP exchange as the inspector shows it; secrets are redacted before it is made.

    ``started`` is wall-clock time, the durations are seconds on a monotonic clock.
    ``sent`` and ``received`` count body bytes.
    """

    id: int
    method: str
    url: str = field(repr=False)
    status: int | None
    started: datetime
    seconds: float
    sent: int
    received: int
    request_id: str | None
    request_headers: tuple[tuple[str, str], ...] = field(repr=False)
    response_headers: tuple[tuple[str, str], ...] = field(repr=False)
    error: str | None = None
