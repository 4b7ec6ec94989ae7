"""The four conditions of HTTP, as a memory object answers them (RFC 9110, 13.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from dalbrowser.storage.options import OpRead, OpStat
    from dalbrowser.storage.services.memory.core import Stored
    from dalbrowser.storage.types import Metadata


def require_read(metadata: Metadata, args: OpStat | OpRead) -> None:
    """Raise ``ConditionNotMatch`` unless ``metadata`` meets every condition of ``args``."""
    modified = metadata.last_modified
    _require_etag(metadata, args.if_match)
    if args.if_none_match is not None and args.if_none_match in ("*", metadata.etag):
        raise _mismatch(f"its ETag is {metadata.etag}")
    _require_time(modified, args.if_modified_since, lambda had, asked: had > asked)
    _require_time(modified, args.if_unmodified_since, lambda had, asked: had <= asked)


def require_write(
    *,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_not_exists: bool = False,
) -> Callable[[Stored | None], None]:
    """Return the check of the current object that a write makes before it replaces it."""

    def check(current: Stored | None) -> None:
        if current is not None:
            if if_not_exists or if_none_match in ("*", current.metadata.etag):
                raise _mismatch("it exists already")
            _require_etag(current.metadata, if_match)
        elif if_match is not None:
            raise _mismatch("it does not exist")

    return check


def require_delete(if_match: str | None) -> Callable[[Stored | None], None]:
    """Return the check of the current object before a delete; deleting nothing succeeds."""

    def check(current: Stored | None) -> None:
        if current is not None:
            _require_etag(current.metadata, if_match)

    return check


def _require_etag(metadata: Metadata, if_match: str | None) -> None:
    if if_match is not None and if_match not in ("*", metadata.etag):
        raise _mismatch(f"its ETag is {metadata.etag}, not {if_match}")


def _require_time(
    modified: datetime | None,
    asked: datetime | None,
    holds: Callable[[datetime, datetime], bool],
) -> None:
    if asked is not None and modified is not None and not holds(modified, asked):
        raise _mismatch(f"it was last modified at {modified.isoformat()}")


def _mismatch(why: str) -> StorageError:
    return StorageError(
        ErrorKind.CONDITION_NOT_MATCH,
        f"The object does not meet the condition: {why}; look at it anew before trying again.",
    )
