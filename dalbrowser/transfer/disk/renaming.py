"""Giving a file a name that nobody has, in one step. Everything here blocks.

Invariant: a name that is taken stays as it is; where the system has a call for it, there is
no moment in which the file has both names, or the new one has another file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_FDCWD = -100
_NOREPLACE = 1
"""``RENAME_NOREPLACE`` (renameat2(2)): refuse a name that is taken."""

_NO_SUCH_CALL = (errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def rename_free(old: str, new: str) -> None:
    """Rename ``old`` to a free name; raises ``FileExistsError`` when it is taken."""
    if os.name == "nt":
        os.rename(old, new)  # noqa: PTH104 -- refuses an existing target there
    elif not _renamed_at_once(old, new):
        _link_and_unlink(old, new)


def remove_twin(path: str, other: str) -> None:
    """Remove the name ``path`` where it is a second one of the file ``other``.

    Such a one is left by a kill between the two steps of a renaming by a link.
    """
    with contextlib.suppress(OSError):
        if os.path.samestat(os.lstat(path), os.lstat(other)):
            os.unlink(path)  # noqa: PTH108


def _renamed_at_once(old: str, new: str) -> bool:
    """Rename by the system's own call; false where it, or the file system, has none."""
    call = _renameat2()
    if not call:
        return False
    number = call(os.fsencode(old), os.fsencode(new))
    if number in _NO_SUCH_CALL:
        return False
    if number:
        raise OSError(number, os.strerror(number), old, None, new)
    return True


@lru_cache(maxsize=1)
def _renameat2() -> Callable[[bytes, bytes], int] | None:
    """Return a function that renames and returns the error's number; ``None`` without one."""
    if sys.platform != "linux":
        return None
    import ctypes  # noqa: PLC0415 - start-up time: a look at a folder renames nothing

    found = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if found is None:
        return None

    def call(old: bytes, new: bytes) -> int:
        failed = found(_AT_FDCWD, old, _AT_FDCWD, new, _NOREPLACE)
        return ctypes.get_errno() if failed else 0

    return call


def _link_and_unlink(old: str, new: str) -> None:
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links here (FAT, some network mounts): take the name first, empty.
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        os.replace(old, new)  # noqa: PTH105
    else:
        os.unlink(old)  # noqa: PTH108
