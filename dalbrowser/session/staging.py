"""Objects as local files, for programs that can open nothing else: downloaded, then lent out.

Invariants: what is lent was downloaded and verified by the transfers, into a folder that is
this user's alone below the cache; nothing larger than the limits is fetched unasked; what an
earlier run left behind is removed, and what this one made at its end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.session.browse import Measure
from dalbrowser.transfer import ConflictPolicy, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.session.session import Session
    from dalbrowser.storage import Metadata

    Item = tuple[Location, Metadata]

MOST_FILES = 20
MOST_BYTES = 32 * 1024 * 1024
"""What is fetched for a drag that may end nowhere: so much comes within the time a hand needs
from one window to the next (3 s at 100 Mbit/s), and costs next to nothing if it was in vain."""
_STALE = 24 * 3600.0
"""Seconds after which what another run staged is removed, whoever has its number now."""
_FOLDER = "dragged"
_FRESH = 60.0
"""Seconds for which a staged folder stands for the folder itself; a file does by its ETag."""


class StagingError(Exception):
    """It cannot be staged; the message is a sentence. ``too_large``: by the limits alone."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


class Staging:
    """The staging folder of one window."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._root = session.folders.cache / _FOLDER
        self._own: Path | None = None
        self._known: dict[tuple[object, ...], tuple[float, list[Path]]] = {}

    async def stage(self, items: Sequence[Item]) -> list[Path]:
        """Download items, unless they are there by now, and return one path for each.

        Raises ``StagingError``, and what measuring and downloading raise.
        """
        key = tuple((place, found.etag, found.content_length) for place, found in items)
        known = self._known.get(key)
        if known is not None and _holds(known[0], items):
            paths = known[1]
            if await asyncio.to_thread(lambda: all(path.exists() for path in paths)):
                return paths
        measured = await self._measure(items)
        if too_large(measured):
            raise StagingError("This is more than is fetched for a drag.", too_large=True)
        folder = await asyncio.to_thread(self._new_folder)
        transfers = self._session.transfers
        # Into an empty folder: only two names of this very drag could meet.
        ids = await transfers.download(items, folder, ConflictPolicy.KEEP_BOTH)
        try:
            views = await transfers.wait(ids)
        except asyncio.CancelledError:
            await asyncio.shield(transfers.cancel(ids))
            raise
        failed = [view for view in views if view.state is not JobState.DONE]
        if failed or len(views) < len(items):
            why = failed[0].error or failed[0].words if failed else "a transfer was removed"
            raise StagingError(f"It could not be fetched: {why}")
        paths = [Path(view.local_path) for view in views]
        self._known[key] = (time.monotonic(), paths)
        return paths

    async def _measure(self, items: Sequence[Item]) -> Measure:
        files = [found for place, found in items if not place.is_folder]
        folders = [place for place, _ in items if place.is_folder]
        total = measure_files(files)
        if folders and not too_large(total):
            below = await self._session.measure(folders, MOST_FILES + 1)
            total.objects += below.objects
            total.bytes += below.bytes
            total.complete = below.complete
        return total

    def _new_folder(self) -> Path:
        if self._own is None:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_stale(self._root)
            self._own = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._root))
        return Path(tempfile.mkdtemp(dir=self._own))

    def remove(self) -> None:
        """Delete all that this window staged; blocks. Nothing may be staged afterwards."""
        self._known.clear()
        own, self._own = self._own, None
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)


def measure_files(files: Sequence[Metadata]) -> Measure:
    """Add up files; one of unknown size makes it incomplete."""
    sizes = [found.content_length for found in files]
    return Measure(len(files), sum(size or 0 for size in sizes), None not in sizes)


def too_large(measured: Measure) -> bool:
    """Whether it is more than is fetched for a drag, or not known to be less."""
    return not measured.complete or measured.objects > MOST_FILES or measured.bytes > MOST_BYTES


def remove_stale(root: Path) -> None:
    """Delete what processes that are gone staged, and what is a day old; blocks."""
    now = time.time()
    for folder in root.iterdir():
        number = folder.name.partition("-")[0]
        try:
            old = now - folder.stat().st_mtime > _STALE
        except OSError:
            continue
        if old or not number.isdigit() or not _lives(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _holds(since: float, items: Sequence[Item]) -> bool:
    by_etag = all(not place.is_folder and found.etag for place, found in items)
    return by_etag or time.monotonic() - since < _FRESH


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
