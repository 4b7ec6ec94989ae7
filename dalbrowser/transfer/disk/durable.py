"""Small files that are in place: brought to the disk together, then called done in the journal.

Invariant: the journal says *done* of a downloaded file only after its bytes and its name
were flushed; a power cut before that leaves a job that looks again, never a lost file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from dalbrowser.transfer.journal import JobRow

_log = logging.getLogger(__name__)

_LAG = 0.2
"""Seconds that a finished file may wait for company, unless somebody waits for it."""

_ONE_BY_ONE = 8
"""Files that are flushed each by itself; above, the file system is flushed as a whole.

Each by itself is a commit of the file system's own journal: 64 of them took 190 ms, and all
at once 13 (ext4).
"""


class DurableEnds:
    """Gathers the ends of small downloads; ``record`` writes a row with the next commit.

    ``refused`` hears of one that the disk did not take for good, and why.
    """

    def __init__(
        self,
        disk: Executor,
        record: Callable[[JobRow], None],
        refused: Callable[[JobRow, OSError], None],
    ) -> None:
        self._disk = disk
        self._record = record
        self._refused = refused
        self._pending: list[JobRow] = []
        self._task: asyncio.Task[None] | None = None
        self._awaited = asyncio.Event()

    def add(self, row: JobRow) -> None:
        """Take the row of a download that is done and in place."""
        self._pending.append(row)
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())

    async def drain(self) -> None:
        """Return once all that was added is recorded; from now on nothing waits for company."""
        while self._task is not None:
            self._awaited.set()
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            while self._pending:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awaited.wait(), _LAG)
                group, self._pending = self._pending, []
                await self._flush(group)
        finally:
            self._task = None
            self._awaited.clear()

    async def _flush(self, group: list[JobRow]) -> None:
        paths = [row.local_path for row in group]
        try:
            await asyncio.get_running_loop().run_in_executor(self._disk, flush_files, paths)
        except OSError as error:
            _log.exception("%d downloaded files could not be brought to the disk", len(group))
            for row in group:
                self._refused(row, error)
            return
        for row in group:
            self._record(row)


def flush_files(paths: Sequence[str]) -> None:
    """Bring files and their names to the disk; one that was moved away meanwhile is fine."""
    folders = {os.path.dirname(path) or "." for path in paths}  # noqa: PTH120
    if len(paths) > _ONE_BY_ONE and sys.platform == "linux":
        devices: dict[int, str] = {}
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                devices[os.stat(folder).st_dev] = folder  # noqa: PTH116
        if all(_flush_system(folder) for folder in devices.values()):
            return
    for path in (*paths, *(folders if os.name != "nt" else ())):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            _flush_one(path)


def _flush_one(path: str) -> None:
    fd = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _flush_system(folder: str) -> bool:
    """Flush the file system of a folder; false where this system has no call for it."""
    import ctypes  # noqa: PLC0415 - start-up time: few commands flush so much

    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        return False
    fd = os.open(folder, os.O_RDONLY)
    try:
        if call(fd):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(fd)
    return True
