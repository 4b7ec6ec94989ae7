"""The local folders that many small files arrive in: made, no link, with room on their disk.

Looking at each folder on the way for each file of 16 KiB cost more than writing the file.
Invariant: what is taken for granted was seen a moment ago, by the same rules as for a single
file; a disk that is nearly full is asked each time. Everything here blocks.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from dalbrowser.transfer.disk import localfile
from dalbrowser.transfer.disk.localnames import make_parents
from dalbrowser.transfer.model import MiB

if TYPE_CHECKING:
    from collections.abc import Callable

_TRUSTED = 0.25
"""Seconds for which a folder is taken to be what it was: less than a request may take."""

_PLENTY = 256 * MiB
"""Bytes free from which on a disk is not asked for each file: so much may be written between."""

_MOST = 1000
"""Folders that are remembered."""


class TargetFolders:
    """What was seen lately. Used from the threads of the disk; a race costs one look more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: dict[tuple[str, str], float] = {}
        self._free: dict[str, tuple[float, int]] = {}

    def prepare(self, root: str, path: str) -> os.stat_result | None:
        """Make the folders between ``root`` (if any) and ``path``; return what stands there."""
        self.make_parents(root, path)
        return localfile.stat_or_none(path)

    def make_parents(self, root: str, path: str) -> None:
        """Make the folders between ``root`` (if any) and ``path``, unless that was just done."""
        key, now = (root, os.path.dirname(path)), self._clock()  # noqa: PTH120 -- exact names
        if not root or now - self._made.get(key, -_TRUSTED) < _TRUSTED:
            return
        make_parents(root, path)
        if len(self._made) >= _MOST:
            self._made.clear()
        self._made[key] = now

    def require_room(self, path: str, size: int) -> None:
        """Raise ``TargetUnwritableError`` unless the disk has room for ``size`` bytes more."""
        folder, now = os.path.dirname(path) or ".", self._clock()  # noqa: PTH120
        seen, free = self._free.get(folder, (-_TRUSTED, 0))
        if now - seen >= _TRUSTED or free - size < _PLENTY:
            seen, free = now, localfile.require_room(path, size, size)
        if len(self._free) >= _MOST:
            self._free.clear()
        self._free[folder] = seen, free - size

    def forget(self, path: str) -> None:
        """A folder was not what it had been: look again."""
        folder = os.path.dirname(path)  # noqa: PTH120
        for key in [key for key in self._made if key[1] == folder]:
            del self._made[key]
