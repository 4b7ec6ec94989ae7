"""Finished ranges of a download: brought to the disk together, then written to the journal.

Invariant: a range is in the journal only after a flush that began when all its bytes were
written; and never more ranges wait for that than are fetched at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import TransferError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.localfile import PartFile


class RangeRecord:
    """The record of one download; ``recorded`` hears how many ranges became safe."""

    def __init__(
        self, ctx: RunContext, job_id: int, file: PartFile, recorded: Callable[[int], None]
    ) -> None:
        self._ctx = ctx
        self._job_id = job_id
        self._file = file
        self._recorded = recorded
        self._pending: list[tuple[int, int]] = []
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    async def add(self, start: int, stop: int) -> None:
        """Take a range whose bytes are written; waits while too many are on their way."""
        self._pending.append((start, stop))
        self._some.set()
        if len(self._pending) >= self._ctx.options.parts_per_file:
            self._room.clear()
        await self._room.wait()

    def close(self) -> None:
        """Say that no more ranges come."""
        self._closed = True
        self._some.set()

    async def run(self) -> None:
        """Flush and record until closed and through."""
        while self._pending or not self._closed:
            await self._some.wait()
            self._some.clear()
            await self._record()

    async def rest(self) -> None:
        """Record what is left when the fetching was stopped; a disk that refuses is known."""
        with contextlib.suppress(TransferError):
            await self._record()

    async def _record(self) -> None:
        group = list(self._pending)
        if not group:
            return
        await self._ctx.to_the_end(self._file.flush)
        await self._ctx.journal.intervals_done(self._job_id, group)
        del self._pending[: len(group)]
        self._room.set()
        self._recorded(len(group))
