"""Two things that Python's ``os`` lacks: a rename that never replaces, and a copy in slices.

Invariant: ``rename_exclusive`` either gives the file its new name or leaves everything as it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from functools import cache
from typing import Any

_RENAME_NOREPLACE = 1
"""linux/fs.h; renameat2(2)."""
_NO_SUCH_CALL = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}
_NO_LINKS = {errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EMLINK}
_NO_FAST_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EBADF}
SLICE = 16 * 1024 * 1024
"""Bytes that one call copies, so that a cancelled copy ends soon."""


@cache
def _renameat2() -> Any | None:
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None


def rename_exclusive(source: str, source_fd: int, target: str, target_fd: int) -> None:
    """Rename, or raise ``FileExistsError`` when the target exists. Both are names in folders.

    Where the kernel or the file system has no such rename (NFS), a hard link and an unlink:
    a crash between the two leaves both names on the same bytes. Where it has no links either
    (most mounts by FUSE), an empty file holds the name until the rename puts the bytes there.
    """
    call = _renameat2()
    if call is not None:
        done = call(
            source_fd, os.fsencode(source), target_fd, os.fsencode(target), _RENAME_NOREPLACE
        )
        if done == 0:
            return
        code = ctypes.get_errno()
        if code not in _NO_SUCH_CALL:
            raise OSError(code, os.strerror(code), target)
    try:
        os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim_and_rename(source, source_fd, target, target_fd)
        return
    with contextlib.suppress(FileNotFoundError):
        os.unlink(source, dir_fd=source_fd)


def _claim_and_rename(source: str, source_fd: int, target: str, target_fd: int) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=target_fd))
    try:
        os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)
    except OSError:
        with contextlib.suppress(OSError):
            if os.stat(target, dir_fd=target_fd, follow_symlinks=False).st_size == 0:
                os.unlink(target, dir_fd=target_fd)
        raise


def copy_slice(source: int, offset: int, target: int, size: int) -> int:
    """Copy up to ``size`` bytes from ``offset`` to where the target stands; 0 at the source's end.

    The kernel copies (and shares blocks where the file system can); elsewhere read and write.
    """
    count = min(size, SLICE)
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source, target, count, offset_src=offset)
        except OSError as error:
            if error.errno not in _NO_FAST_COPY:
                raise
    block = os.pread(source, min(count, 1024 * 1024), offset)
    write_all(target, block)
    return len(block)


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte where the descriptor stands; a short write goes on."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(fd, view) :]
