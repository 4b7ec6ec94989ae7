"""A fs service on an empty folder, and short forms of its raw calls."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.options import OpDelete, OpList, OpRead, OpStat, OpWrite
from dalbrowser.storage.services.fs import Fs, FsConfig
from dalbrowser.storage.services.fs.pool import THREADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from dalbrowser.storage.types import Metadata


class Disk:
    """The service under test and the folder behind it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fs = Fs(FsConfig(str(root)))

    async def put(self, path: str, data: bytes = b"x", **options: Any) -> Metadata:
        writer = await self.fs.write(path, OpWrite(**options))
        try:
            await writer.write(data)
            return await writer.close()
        except BaseException:
            await writer.abort()
            raise

    async def get(self, path: str, **options: Any) -> bytes:
        reply = await self.fs.read(path, OpRead(**options))
        blocks = []
        try:
            while block := await reply.body.read(1 << 20):
                blocks.append(block)
        finally:
            await reply.body.aclose()
        return b"".join(blocks)

    async def settled(self) -> None:
        """Wait until every call that was begun is over, also those that nobody waits for."""
        gate = threading.Barrier(THREADS)
        await asyncio.gather(*(self.fs._pool.run(gate.wait) for _ in range(THREADS)))

    def open_files(self) -> list[str]:
        """Return what this process holds open below the root (Linux)."""
        found = []
        for item in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(str(item.readlink()))
        return [path for path in found if path.startswith(str(self.root))]

    async def stat(self, path: str, **options: Any) -> Metadata:
        return await self.fs.stat(path, OpStat(**options))

    async def delete(self, path: str) -> None:
        await self.fs.delete(path, OpDelete())

    async def keys(self, path: str = "", **options: Any) -> list[str]:
        lister = await self.fs.list(path, OpList(**options))
        found = []
        try:
            while page := await lister.next_page():
                found += [entry.path for entry in page.entries]
        finally:
            await lister.aclose()
        return found

    def files(self) -> list[str]:
        """Return everything on the disk, hidden files too."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    root = tmp_path / "root"
    root.mkdir()
    disk = Disk(root)
    yield disk
    await disk.fs.aclose()
