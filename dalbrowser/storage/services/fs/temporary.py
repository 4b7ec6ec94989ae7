"""A file that is being written: beside its target, hidden, locked, nameless until published.

Invariant: until ``publish`` nothing is visible under the target's key, and after ``discard``
nothing is left, not even the folders that were made for it. Every call takes the file's
lock, so that one that outlives its cancelled caller never meets a closed descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import threading
import time
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.services.fs import meta
from dalbrowser.storage.services.fs.atomic import copy_slice, rename_exclusive, write_all
from dalbrowser.storage.services.fs.root import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.services.fs.root import Place, Root


_TRIES = 5
"""How often a file is begun; each further time, another was quicker."""


class TemporaryFile:
    """Owns ``place`` once it is built. All methods block: call them in a thread.

    ``tag`` makes the file's name foreseeable (an upload's id), so that a second try takes over
    what a crash left; without it the name is random.
    """

    def __init__(self, root: Root, place: Place, tag: str | None = None) -> None:
        self._root = root
        self._place = place
        self._lock = threading.Lock()
        self._name = ""
        self._fd = -1
        self.size = 0
        for _ in range(_TRIES):
            if self._begin(tag):
                return
        raise _busy()

    def _begin(self, tag: str | None) -> bool:
        """Make the file and lock it; ``False`` where somebody took it in between."""
        self._name = TEMPORARY_PREFIX + (tag or secrets.token_hex(8))
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if tag else os.O_EXCL)
        self._fd = os.open(self._name, flags, 0o666, dir_fd=self._place.fd)
        taken = False
        try:
            taken = self._take(tag)
        finally:
            if not taken:
                if not tag:
                    with contextlib.suppress(OSError):
                        os.unlink(self._name, dir_fd=self._place.fd)
                os.close(self._fd)
                self._fd = -1
        return taken

    def _take(self, tag: str | None) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                if tag:
                    raise _busy() from error
                return False
            # A file system without locks: only the clearing of old leftovers needs them.
        # Before the lock, who had it may have given it another name, or cleared it away.
        try:
            there = os.stat(self._name, dir_fd=self._place.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if tag and not os.path.samestat(there, os.fstat(self._fd)):
            return False
        os.ftruncate(self._fd, 0)
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append ``data``; a call that raises has taken nothing of it and may be made again."""
        with self._lock:
            write_all(self._at_end(), data)
            self.size += memoryview(data).nbytes

    def copy(self, source: int, offset: int, size: int) -> int:
        """Append a slice of an open file; return its length, 0 at that file's end."""
        with self._lock:
            count = copy_slice(source, offset, self._at_end(), size)
            self.size += count
            return count

    def finish(self, extra: Mapping[str, Any]) -> os.stat_result:
        """Give the file its metadata and the replaced file's permissions; put it on the disk."""
        with self._lock:
            fd = self._open()
            before = self._place.lstat_or_none()
            if before is not None and stat.S_ISREG(before.st_mode):
                with contextlib.suppress(PermissionError):
                    os.fchmod(fd, stat.S_IMODE(before.st_mode))
            os.ftruncate(fd, self.size)
            meta.save(fd, extra)
            touch(fd)
            self._root.sync(fd)
            return os.fstat(fd)

    def publish(self, *, exclusive: bool) -> os.stat_result:
        """Give the file its name, at once and whole; ``exclusive`` refuses to replace."""
        with self._lock:
            fd, place = self._open(), self._place
            if exclusive:
                try:
                    rename_exclusive(self._name, place.fd, place.name, place.fd)
                except FileExistsError:
                    raise exists() from None
            else:
                os.rename(self._name, place.name, src_dir_fd=place.fd, dst_dir_fd=place.fd)
            self._root.sync_folder(place)
            st = os.fstat(fd)
            self._close()
            return st

    def append_to(self) -> os.stat_result:
        """Add the bytes to the end of the target; on a failure the target is as it was."""
        with self._lock:
            place, fd = self._place, self._open()
            target = os.open(place.name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=place.fd)
            try:
                fcntl.flock(target, fcntl.LOCK_EX)
                before = os.fstat(target).st_size
                try:
                    self._append(fd, target, before)
                except BaseException:
                    os.ftruncate(target, before)
                    raise
                st = os.fstat(target)
            finally:
                os.close(target)
            os.unlink(self._name, dir_fd=place.fd)
            self._close()
            return st

    def _append(self, fd: int, target: int, before: int) -> None:
        os.lseek(target, before, os.SEEK_SET)
        offset = 0
        while count := copy_slice(fd, offset, target, self.size - offset):
            offset += count
        touch(target)
        self._root.sync(target)

    def discard(self) -> None:
        """Leave nothing behind; safe to call twice and after ``publish``."""
        with self._lock:
            if self._fd < 0:
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=self._place.fd)
            self._close()
        self._root.remove_made(self._place.made)

    def _open(self) -> int:
        if self._fd < 0:
            raise StorageError(ErrorKind.INVALID_INPUT, "This write has ended already.")
        return self._fd

    def _at_end(self) -> int:
        """Return the descriptor where the bytes taken end: a failed write may have left some."""
        fd = self._open()
        os.lseek(fd, self.size, os.SEEK_SET)
        return fd

    def _close(self) -> None:
        os.close(self._fd)
        self._fd = -1
        self._place.close()


def _busy() -> StorageError:
    return StorageError(
        ErrorKind.UNEXPECTED,
        "Another program is completing the same upload just now; look again soon.",
        status=ErrorStatus.TEMPORARY,
    )


def touch(fd: int) -> None:
    """Stamp a file with the full clock: the kernel's own stamp moves in steps of milliseconds."""
    now = time.time_ns()
    os.utime(fd, ns=(now, now))


def exists() -> StorageError:
    """Return the error of a write that must not replace, and would have."""
    return StorageError(
        ErrorKind.CONDITION_NOT_MATCH,
        "Something of this name exists already and was left as it is; choose another name.",
    )


def clear_leftovers(folder: int) -> None:
    """Remove what crashed writes left in an open folder: temporaries that nobody holds locked."""
    with os.scandir(folder) as scan:
        names = [item.name for item in scan]
    for name in names:
        if not name.startswith(TEMPORARY_PREFIX):
            continue
        with contextlib.suppress(OSError):
            fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=folder)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=folder)
            finally:
                os.close(fd)
