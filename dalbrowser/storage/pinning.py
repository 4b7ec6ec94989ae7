"""One version of an object: a reading keeps to the one that it saw first.

Invariant: bytes of two versions are never taken for one object's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError

if TYPE_CHECKING:
    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import Metadata


def pinned(args: OpRead, seen: Metadata, *, if_match: bool) -> OpRead:
    """Return ``args`` bound to the version ``seen``, as far as the service can be told.

    A weak ETag never matches in If-Match (RFC 9110, 8.8.3.2), so it is only compared.
    """
    if if_match and seen.etag and not seen.etag.startswith("W/"):
        return replace(args, if_match=seen.etag)
    return args


def require_same(first: Metadata, now: Metadata) -> None:
    """Raise ``ConditionNotMatch`` when ``now`` is another version of the object than ``first``."""
    if first.etag and now.etag:
        same = first.etag == now.etag
    else:
        same = (first.last_modified, first.content_length) == (
            now.last_modified,
            now.content_length,
        )
    if not same:
        raise replaced_meanwhile()


def replaced_meanwhile() -> StorageError:
    """Return the error for an object that changed while it was being read."""
    return StorageError(
        ErrorKind.CONDITION_NOT_MATCH,
        "The object was replaced while it was being read; read it again from the beginning.",
        status=ErrorStatus.PERMANENT,
    )
