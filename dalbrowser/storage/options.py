"""The arguments of each raw operation, one frozen record an operation.

The public API builds these from keyword arguments; a layer changes one with
``dataclasses.replace``. Times are aware datetimes, ETags are as the server wrote them.
"""

from __future__ import annotations

from dataclasses import field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.types import ByteRange, Metakey
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

T = TypeVar("T")


def made(kind: type[T], options: Mapping[str, Any], operation: str, path: str) -> T:
    """Return the record of ``options``; one that does not exist is ``InvalidInput``."""
    names = _names(kind)  # type: ignore[arg-type]
    if not names.issuperset(options):
        unknown = sorted(set(options) - names)
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"There is no option {', '.join(map(repr, unknown))}; {operation} takes"
            f" {', '.join(sorted(names))}.",
            operation=operation,
            path=path,
        )
    return kind(**options)


@cache
def _names(kind: type[Any]) -> frozenset[str]:
    return frozenset(item.name for item in fields(kind))


@record(kw_only=True)
class OpCreateDir:
    """Arguments of ``create_dir``."""


@record(kw_only=True)
class OpStat:
    """Arguments of ``stat``. The ``override_`` fields change the answer of presigned requests.

    ``tags`` asks for the object's tags, which may cost a request more where it has some.
    """

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None
    override_cache_control: str | None = None
    override_content_disposition: str | None = None
    override_content_type: str | None = None
    version: str | None = None
    tags: bool = False


@record(kw_only=True)
class OpRead:
    """Arguments of ``read``."""

    range: ByteRange = field(default_factory=ByteRange)
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None
    override_cache_control: str | None = None
    override_content_disposition: str | None = None
    override_content_type: str | None = None
    version: str | None = None

    def as_stat(self) -> OpStat:
        """Return the arguments of a ``stat`` of the same version, under the same conditions."""
        return OpStat(
            if_match=self.if_match,
            if_none_match=self.if_none_match,
            if_modified_since=self.if_modified_since,
            if_unmodified_since=self.if_unmodified_since,
            version=self.version,
        )


@record(kw_only=True)
class OpWrite:
    """Arguments of ``write``.

    ``chunk`` is the size of one part in bytes (the service's own choice when ``None``),
    ``concurrent`` the parts under way at once. ``content_length`` is the whole size where
    the caller knows it. ``checksum`` names the algorithm to protect the object with
    (``crc64nvme``, ``crc32c``, ``sha256``) or is ``None`` for the service's own choice.
    ``md5`` (16 bytes) of the whole object, where the caller has hashed it already, saves the
    hashing for a service that sends a digest along, and that then refuses other bytes.
    """

    append: bool = False
    chunk: int | None = None
    concurrent: int = 1
    content_length: int | None = None
    content_type: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    cache_control: str | None = None
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    if_match: str | None = None
    if_none_match: str | None = None
    if_not_exists: bool = False
    storage_class: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: str | None = None
    checksum: str | None = None
    md5: bytes | None = field(default=None, repr=False)


@record(kw_only=True)
class OpList:
    """Arguments of ``list``.

    ``limit`` is the size of one page, not of the whole listing. ``start_after`` is an exact
    key, exclusive. ``versions`` brings every version, ``deleted`` delete markers too.
    ``concurrent`` bounds the stats that fill in what ``metakey`` asks for beyond the listing.
    """

    recursive: bool = False
    limit: int | None = None
    start_after: str | None = None
    versions: bool = False
    deleted: bool = False
    metakey: Metakey = Metakey.NONE
    concurrent: int = 8


@record(kw_only=True)
class OpDelete:
    """Arguments of ``delete``."""

    version: str | None = None
    if_match: str | None = None


@record(kw_only=True)
class OpCopy:
    """Arguments of ``copy``. ``if_match`` is a condition on the source.

    ``source_bucket`` names another container of the same server; the source is then its
    exact key there, whatever the root.
    ``chunk`` and ``concurrent`` govern a copy made in parts (over ``copy_max_size``).
    ``source_size`` in bytes, where the caller knows it, saves the stat that would ask.
    """

    if_not_exists: bool = False
    if_match: str | None = None
    source_version: str | None = None
    source_bucket: str | None = None
    source_size: int | None = None
    chunk: int | None = None
    concurrent: int = 4


@record(kw_only=True)
class OpRename:
    """Arguments of ``rename``."""

    if_not_exists: bool = False


@record(kw_only=True)
class OpPresign:
    """Arguments of ``presign``: which operation, and for how long."""

    operation: OpStat | OpRead | OpWrite | OpDelete
    expires: timedelta


@record(kw_only=True)
class OpCreateMultipart:
    """Arguments of ``create_multipart``; each means what it means in ``OpWrite``.

    ``tags_from`` is an exact path whose tags (of ``tags_version``) the object shall get, as
    far as they can be read; a service without tags ignores it. ``tags_bucket`` as
    ``source_bucket`` of ``OpCopy``.
    """

    content_type: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    cache_control: str | None = None
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: str | None = None
    checksum: str | None = None
    tags_from: str | None = None
    tags_version: str | None = None
    tags_bucket: str | None = None


@record(kw_only=True)
class OpWriteMultipart:
    """Arguments of ``write_multipart``. ``size`` in bytes is declared and enforced."""

    upload_id: str
    number: int
    size: int
    checksum: str | None = None
    md5: bytes | None = None
    """The 16 bytes of the part's MD5 where the caller has computed it already."""


@record(kw_only=True)
class OpCopyMultipart:
    """Arguments of ``copy_multipart``: fill one part from a range of an existing object.

    ``source_bucket`` as in ``OpCopy``.
    """

    upload_id: str
    number: int
    source: str
    range: ByteRange
    if_match: str | None = None
    source_version: str | None = None
    source_bucket: str | None = None


@record(kw_only=True)
class OpCompleteMultipart:
    """Arguments of ``complete_multipart``. Conditions hold on the finished object.

    ``tags`` and where they come from are those that the upload was begun with, for a process
    that goes on with an upload of another: some servers take them only once it is finished.
    """

    upload_id: str
    if_not_exists: bool = False
    if_match: str | None = None
    checksum: str | None = None
    checksum_value: str | None = None
    """Base64 of the whole object's checksum, where the caller has it, for the server to verify."""
    tags: Mapping[str, str] = field(default_factory=dict)
    tags_from: str | None = None
    tags_version: str | None = None
    tags_bucket: str | None = None


@record(kw_only=True)
class OpAbortMultipart:
    """Arguments of ``abort_multipart``."""

    upload_id: str


@record(kw_only=True)
class OpListParts:
    """Arguments of ``list_parts``. ``limit`` is the size of one page."""

    upload_id: str
    limit: int | None = None


@record(kw_only=True)
class OpListMultiparts:
    """Arguments of ``list_multiparts``. ``limit`` is the size of one page."""

    limit: int | None = None
