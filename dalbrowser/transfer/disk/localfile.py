"""The local end of a download: a temporary file beside the target, then the real name at once.

Invariant: the target's name never holds anything but a whole file, and a file that stands
there is replaced only when that was asked for. Everything here blocks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dalbrowser.transfer.disk.localnames import unwritable
from dalbrowser.transfer.disk.renaming import rename_free
from dalbrowser.transfer.model import TargetUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LONGEST = 255
_AT_ONCE = 512
"""Blocks of one call to the system, which takes 1,024 at most."""

_SUFFIX = ".dalpart"
_TINY = 256 * 1024
"""Bytes that a small download may keep in memory before it touches the disk."""

_RESERVE = 16 * 1024 * 1024
"""Bytes left free beside the download, for the journal and everybody else."""


def temp_name(target: str, number: int = 1) -> str:
    """Return the name of the temporary file for ``target``: ``.<name>.dalpart`` beside it."""
    folder, name = os.path.split(target)
    mark = "" if number == 1 else f".{number}"
    room = _LONGEST - len(os.fsencode(f".{mark}{_SUFFIX}"))
    if len(os.fsencode(name)) > room:
        tag = "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
        while len(os.fsencode(name)) > room - len(tag):
            name = name[:-1]
        name += tag
    return os.path.join(folder, f".{name}{mark}{_SUFFIX}")  # noqa: PTH118 -- exact names


def stat_or_none(path: str) -> os.stat_result | None:
    """Return what stands at a local name, links not followed."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unwritable(path, error) from error


def remove(path: str) -> None:
    """Remove a temporary file; none is fine."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)  # noqa: PTH108


class ForeignFileError(TargetUnwritableError):
    """A temporary file is not the one that was written, although it has its name."""


def is_own(found: os.stat_result, wrote: os.stat_result) -> bool:
    """Whether what stands there is the file that was written.

    By its size and its time; where that is another by now (set by us, or by a server), by its
    number, which alone says nothing: it is given to the next file once one is removed.
    """
    same = found.st_mtime_ns == wrote.st_mtime_ns or os.path.samestat(found, wrote)
    return same and found.st_size == wrote.st_size


def remove_own(path: str, wrote: os.stat_result | None) -> None:
    """Remove a temporary file as it was when it was closed; what is another stays."""
    found = stat_or_none(path)
    if found is not None and wrote is not None and is_own(found, wrote):
        remove(path)


def placed_if(digest: str, md5: str | None, place: Callable[[], None]) -> bool:
    """``place`` a whole file unless ``md5`` is another digest; false also if its name is taken."""
    if md5 is not None and digest != md5:
        return False
    try:
        place()
    except FileExistsError:
        return False
    return True


def require_room(path: str, missing: int, size: int) -> int:
    """Raise unless ``missing`` of the ``size`` bytes of a file have room; return what is free."""
    free = shutil.disk_usage(os.path.dirname(path) or ".").free  # noqa: PTH120
    if missing > 0 and free < missing + min(_RESERVE, size):
        message = (
            f"The disk has {free:,} bytes free and {missing:,} are needed for"
            f" {path}; make room and resume."
        )
        raise TargetUnwritableError(message)
    return free


class Writable(Protocol):
    """What a download writes to."""

    def holds(self, count: int) -> bool:
        """Whether ``hold`` would take ``count`` more bytes."""
        ...

    def hold(self, data: bytes) -> None:
        """Keep the next bytes without blocking."""
        ...

    def write(self, offset: int, blocks: Sequence[bytes]) -> None:
        """Write ``blocks``, one after the other, at ``offset``; blocks the thread."""
        ...


class PartFile:
    """An open temporary file. ``keep`` opens an existing one as it is, else it is a new one.

    What has its name is then removed, and never written to: it may have another name, too.
    """

    def __init__(self, path: str, *, keep: bool = False) -> None:
        self.path = path
        self.wrote: os.stat_result | None = None
        """The file as it was when it was closed."""
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        flags |= getattr(os, "O_NOFOLLOW", 0)
        try:
            if not keep:
                flags |= os.O_CREAT | os.O_EXCL
                _remove_regular(path)
            self._fd = os.open(path, flags, 0o666)
        except OSError as error:
            raise unwritable(path, error) from error
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self.close()
            raise _irregular(path)

    @property
    def size(self) -> int:
        """The file's length in bytes."""
        return os.fstat(self._fd).st_size

    @property
    def allocated(self) -> int:
        """Bytes that really lie on the disk (a sparse file has fewer than its length)."""
        facts = os.fstat(self._fd)
        return int(getattr(facts, "st_blocks", facts.st_size // 512)) * 512

    def reserve(self, size: int) -> None:
        """Give the file its whole length, sparse, once there is room for what is missing."""
        require_room(self.path, size - self.allocated, size)
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def holds(self, count: int) -> bool:
        """Never: bytes of a range go to the disk as they come."""
        del count
        return False

    def hold(self, data: bytes) -> None:
        """Not for this kind of file."""
        raise NotImplementedError

    def write(self, offset: int, blocks: Sequence[bytes]) -> None:
        """Write all of ``blocks``, one after the other, at ``offset``."""
        try:
            for first in range(0, len(blocks), _AT_ONCE):
                some = blocks[first : first + _AT_ONCE]
                offset = self._write_some(offset, some)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _write_some(self, offset: int, blocks: Sequence[bytes]) -> int:
        end = offset + sum(map(len, blocks))
        # Without joining them first: that copy would hold up every other thread.
        written = os.pwritev(self._fd, blocks, offset) if hasattr(os, "pwritev") else 0
        view = memoryview(b"".join(blocks))[written:] if offset + written < end else None
        while view:
            view = view[os.pwrite(self._fd, view, end - len(view)) :]
        return end

    def read(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes that were written at ``offset``."""
        try:
            data = os.pread(self._fd, size, offset)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if len(data) != size:
            message = f"{self.path} was cut short by somebody else; cancel, then fetch it again."
            raise TargetUnwritableError(message)
        return data

    def flush(self) -> None:
        """Bring what was written to the disk itself."""
        try:
            getattr(os, "fdatasync", os.fsync)(self._fd)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def close(self) -> None:
        """Close; safe to call twice."""
        if self._fd >= 0:
            self.wrote = os.fstat(self._fd)
            os.close(self._fd)
            self._fd = -1


def _remove_regular(path: str) -> None:
    """Remove the name of a file; none is fine, anything else is left to a person."""
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(facts.st_mode):
        raise _irregular(path)
    remove(path)


def _irregular(path: str) -> TargetUnwritableError:
    return TargetUnwritableError(f"{path} is not a regular file; remove it and resume.")


class SmallFile:
    """A temporary file that one stream fills in order, held in memory while it is tiny.

    So a small file costs one visit to the disk's threads, and not one a step.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self._size = size
        self._held = bytearray()
        self._file: PartFile | None = None
        self._digest = hashlib.md5(usedforsecurity=False)

    @property
    def wrote(self) -> os.stat_result | None:
        """The file as it was when it was closed."""
        return self._file.wrote if self._file is not None else None

    @property
    def is_held(self) -> bool:
        """Whether the disk was not touched yet."""
        return self._file is None

    def holds(self, count: int) -> bool:
        """Whether ``count`` more bytes are only kept for now."""
        return self._file is None and len(self._held) + count <= _TINY

    def hold(self, data: bytes) -> None:
        """Keep bytes; never blocks."""
        self._held += data

    def write(self, offset: int, blocks: Sequence[bytes]) -> None:
        """Write the next bytes; blocks the thread."""
        file = self._opened()
        file.write(offset, blocks)
        for block in blocks:
            self._digest.update(block)

    def finish(self, md5: str | None, place: Callable[[], None]) -> tuple[str, bool]:
        """Write what is held, close the file, and ``place`` it when its MD5 is ``md5``.

        Returns the MD5, and whether the file is in place: not when its name is taken.
        ``None`` asks for no comparison. Blocks.
        """
        self._opened().close()
        digest = self._digest.hexdigest()
        return digest, placed_if(digest, md5, place)

    def discard(self) -> None:
        """Close and remove the file; none is fine."""
        if self._file is not None:
            self._file.close()
            remove_own(self.path, self._file.wrote)

    def _opened(self) -> PartFile:
        if self._file is None:
            self._file = PartFile(self.path)
            self._file.reserve(self._size)
            if self._held:
                self._file.write(0, [bytes(self._held)])
            self._digest.update(self._held)
            self._held.clear()
        return self._file


def publish(
    temp: str,
    target: str,
    *,
    replace: bool,
    mtime: float | None,
    durable: bool,
    wrote: os.stat_result | None = None,
) -> None:
    """Give a finished file its real name in one step, and its time.

    Who may read and run the file that it replaces may do so with this one, and nobody else.
    Raises ``FileExistsError`` when the name is taken and ``replace`` is false, and
    ``ForeignFileError`` when ``temp`` is not the file that was written by this process.
    """
    try:
        if wrote is not None and not is_own(os.lstat(temp), wrote):
            raise _foreign(temp)
        if mtime is not None:
            _set_time(temp, nanoseconds(mtime))
        if replace:
            _keep_mode(temp, target)
            os.replace(temp, target)  # noqa: PTH105
        else:
            rename_free(temp, target)
        if durable:
            _sync_folder(os.path.dirname(target) or ".")  # noqa: PTH120
    except FileExistsError:
        raise
    except OSError as error:
        raise unwritable(target, error) from error


def _foreign(temp: str) -> ForeignFileError:
    return ForeignFileError(
        f"{temp} is not the file that was written: another program, perhaps on another machine,"
        " downloads to the same place. Let it end, then retry."
    )


def _keep_mode(temp: str, target: str) -> None:
    """Give a file the permissions of the one that it is about to replace, if there is one."""
    try:
        facts = os.lstat(target)
    except FileNotFoundError:
        return
    if stat.S_ISREG(facts.st_mode):
        with contextlib.suppress(OSError):  # a disk without permissions
            os.chmod(temp, stat.S_IMODE(facts.st_mode) & 0o777)  # noqa: PTH101


def _set_time(path: str, moment: int) -> None:
    """Set a file's time, where its disk keeps such a one; without it its bytes are the same."""
    with contextlib.suppress(OSError, OverflowError):
        os.utime(path, ns=(moment, moment))


def nanoseconds(moment: float) -> int:
    """Return seconds since the epoch as the file system is given them."""
    return round(moment * 1_000_000_000)


def _sync_folder(folder: str) -> None:
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def is_folder(path: str) -> bool:
    """Whether a local name is a folder, or a link to one."""
    return Path(path).is_dir()
