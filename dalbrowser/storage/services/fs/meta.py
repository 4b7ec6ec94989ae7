"""Metadata of a file: what ``lstat`` tells, and what is kept in one extended attribute.

Invariant: the ETag is ``"mtime_ns-size-inode"``. A write of ours always makes a new inode and
a modification time of the full clock, so no two contents share an ETag.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.types import EntryMode, Metadata, Metakey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.options import OpCreateMultipart, OpRead, OpStat, OpWrite

ATTRIBUTE = "user.dalbrowser.metadata"
"""Holds a JSON object with the headers and user metadata that a writer gave."""

HEADERS = ("content_type", "content_disposition", "content_encoding", "cache_control")
ATTRIBUTE_KEYS = (
    Metakey.CONTENT_TYPE
    | Metakey.CONTENT_DISPOSITION
    | Metakey.CONTENT_ENCODING
    | Metakey.CACHE_CONTROL
    | Metakey.USER_METADATA
)
FREE_KEYS = (
    Metakey.MODE
    | Metakey.CONTENT_LENGTH
    | Metakey.ETAG
    | Metakey.LAST_MODIFIED
    | Metakey.CONTENT_MD5
    | Metakey.CONTENT_RANGE
    | Metakey.VERSION
    | Metakey.STORAGE_CLASS
    | Metakey.OWNER
)
ALL_KEYS = FREE_KEYS | ATTRIBUTE_KEYS | Metakey.COMPLETE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def supported(folder: str) -> bool:
    """Whether files under ``folder`` keep extended attributes; asks without writing."""
    if not hasattr(os, "getxattr"):
        return False
    try:
        os.getxattr(folder, ATTRIBUTE)
    except OSError as error:
        return error.errno == errno.ENODATA
    return True


def etag(st: os.stat_result) -> str:
    """Return the ETag of a file in this state, quotes included."""
    return f'"{st.st_mtime_ns}-{st.st_size}-{st.st_ino}"'


def modified_at(st: os.stat_result) -> datetime | None:
    """Return when the bytes were last changed; ``None`` for a time beyond the calendar."""
    try:
        when = _EPOCH + timedelta(microseconds=st.st_mtime_ns // 1000)
    except OverflowError:
        return None
    # The first and the last year are beyond it in some time zones.
    return when if MINYEAR < when.year < MAXYEAR else None


def describe(
    st: os.stat_result, extra: Mapping[str, Any] | None = None, known: Metakey = ALL_KEYS
) -> Metadata:
    """Return the metadata of what ``st`` is; anything but files and folders is UNKNOWN."""
    modified = modified_at(st)
    if stat.S_ISDIR(st.st_mode):
        return Metadata(mode=EntryMode.DIR, last_modified=modified, known=ALL_KEYS)
    regular = stat.S_ISREG(st.st_mode)
    metadata = Metadata(
        mode=EntryMode.FILE if regular else EntryMode.UNKNOWN,
        content_length=st.st_size if regular else None,
        etag=etag(st),
        last_modified=modified,
        known=known,
    )
    if extra:
        metadata.user_metadata = extra.get("user_metadata", {})
        for name in HEADERS:
            setattr(metadata, name, extra.get(name))
    return metadata


def given(args: OpWrite | OpCreateMultipart) -> dict[str, Any]:
    """Return what a writer asked to keep beside the bytes, empty when nothing."""
    extra: dict[str, Any] = {name: getattr(args, name) for name in HEADERS if getattr(args, name)}
    if args.user_metadata:
        extra["user_metadata"] = dict(args.user_metadata)
    return extra


def load(target: int | str) -> dict[str, Any]:
    """Return what is kept beside the bytes of a descriptor or path; empty when there is nothing.

    A damaged or foreign attribute counts as nothing: it must not hide the file.
    """
    try:
        raw = os.getxattr(target, ATTRIBUTE, follow_symlinks=isinstance(target, int))
        value = json.loads(raw)
    except (OSError, ValueError, AttributeError):
        return {}
    return value if isinstance(value, dict) else {}


def save(fd: int, extra: Mapping[str, Any]) -> None:
    """Keep ``extra`` beside the bytes of an open file; nothing to keep clears nothing.

    Raises ``Unsupported`` where the file system keeps none, but for a content type alone.
    """
    if not extra:
        return
    try:
        os.setxattr(fd, ATTRIBUTE, json.dumps(extra, ensure_ascii=False).encode())
    except OSError as error:
        if error.errno in {errno.E2BIG, errno.ENOSPC, errno.ERANGE}:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                "The metadata is larger than this file system keeps with a file (mostly about"
                " 4 KiB in all); give less of it.",
            ) from error
        if error.errno != errno.ENOTSUP:
            raise
        # Another file system than the root's is mounted here. A content type goes by the name.
        if set(extra) - {"content_type"}:
            raise StorageError(
                ErrorKind.UNSUPPORTED,
                "The file system mounted here keeps no metadata with a file; leave it out, or"
                " use another folder.",
            ) from error


def check(st: os.stat_result, args: OpStat | OpRead) -> None:
    """Raise ``ConditionNotMatch`` unless the file in this state meets every condition."""
    own = etag(st)
    modified = modified_at(st)
    failed = None
    if args.if_match is not None and args.if_match not in {own, "*"}:
        failed = f"its ETag is {own} now, not {args.if_match}"
    elif args.if_none_match is not None and args.if_none_match in {own, "*"}:
        failed = f"its ETag is still {own}"
    elif modified is None:
        pass  # Beyond the calendar: no condition can speak of it.
    elif args.if_modified_since is not None and modified <= args.if_modified_since:
        failed = f"it was last changed {modified.isoformat()}"
    elif args.if_unmodified_since is not None and modified > args.if_unmodified_since:
        failed = f"it was changed {modified.isoformat()}"
    if failed:
        raise StorageError(
            ErrorKind.CONDITION_NOT_MATCH, f"The file does not meet the condition: {failed}."
        )
