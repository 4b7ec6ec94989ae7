"""Real operators over memory and files, with every request to them recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.layer import LayeredAccessor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpRead, OpStat
    from dalbrowser.storage.types import Metadata, ReadReply


@dataclass
class Recorder:
    """A layer that notes what was asked of the service."""

    reads: list[tuple[str, int, int | None, str | None]] = field(default_factory=list)
    stats: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Where it is set, reads wait for it, and ``waiting`` counts those that came so far."""
    waiting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def layer(self, inner: Accessor) -> Accessor:
        return _Recording(inner, self)


class _Recording(LayeredAccessor):
    def __init__(self, inner: Accessor, notes: Recorder) -> None:
        super().__init__(inner)
        self._notes = notes

    async def read(self, path: str, args: OpRead) -> ReadReply:
        self._notes.reads.append((path, args.range.start, args.range.end, args.if_match))
        if self._notes.gate is not None:
            self._notes.waiting.release()
            await self._notes.gate.wait()
        return await super().read(path, args)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        self._notes.stats.append(path)
        return await super().stat(path, args)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=["memory", "fs"])
async def op(
    request: pytest.FixtureRequest, tmp_path: Path, recorder: Recorder
) -> AsyncIterator[Operator]:
    """An operator of each embedded service."""
    config = {"root": str(tmp_path)} if request.param == "fs" else {}
    async with Operator(request.param, **config).layer(recorder) as operator:
        yield operator
