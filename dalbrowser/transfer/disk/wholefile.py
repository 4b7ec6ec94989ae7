"""A small file that came in one step: written, compared and put in place in one visit to the disk.

Invariant: the same as for every download. The bytes are whole under a temporary name before
the real one appears, below folders that are no links, on a disk that has room for them.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from dalbrowser.transfer.disk.localfile import PartFile, placed_if, remove_own
from dalbrowser.transfer.disk.localnames import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.transfer.disk.targetfolders import TargetFolders

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NEW |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class WholeFile:
    """``data`` on its way to the temporary name ``path``, below ``root`` where there is one."""

    def __init__(self, folders: TargetFolders, root: str, path: str, data: bytes) -> None:
        self._folders = folders
        self._root = root
        self._data = data
        self._begun = False
        self.path = path
        self.wrote: os.stat_result | None = None
        """The file as it was when it was closed."""

    def finish(self, md5: str | None, place: Callable[[], None]) -> tuple[str, bool]:
        """Write the file, and ``place`` it when its MD5 is ``md5``. Blocks.

        Returns the MD5, and whether the file is in place: not when its name is taken.
        ``None`` asks for no comparison.
        """
        digest = hashlib.md5(self._data, usedforsecurity=False).hexdigest()
        self._write()
        return digest, placed_if(digest, md5, place)

    def discard(self) -> None:
        """Remove what was written; none is fine."""
        if self._begun:
            remove_own(self.path, self.wrote)

    def _write(self) -> None:
        self._folders.make_parents(self._root, self.path)
        try:
            fd = self._new()
        except FileExistsError:
            # What an earlier try has left, or what somebody planted: that is looked at first.
            self._write_over()
            return
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._begun = True
        try:
            view = memoryview(self._data)
            while view:
                view = view[os.write(fd, view) :]
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            self.wrote = os.fstat(fd)
            os.close(fd)

    def _new(self) -> int:
        try:
            self._folders.require_room(self.path, len(self._data))
            return os.open(self.path, _NEW, 0o666)
        except FileNotFoundError:
            self._folders.forget(self.path)
            self._folders.make_parents(self._root, self.path)
            return os.open(self.path, _NEW, 0o666)

    def _write_over(self) -> None:
        file = PartFile(self.path)
        self._begun = True
        try:
            file.write(0, [self._data])
        finally:
            file.close()
            self.wrote = file.wrote
