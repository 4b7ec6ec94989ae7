"""A relay on loopback that lets a transfer be caught in the middle, without any clock.

Invariant: bytes pass unchanged and in order; a closed gate holds back what a client sends
beyond ``allowance`` bytes, and every connection ends with the context.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BLOCK = 64 * 1024


class Gate:
    """Forwards to ``endpoint``. Open at first; ``passed`` counts the bytes sent by clients."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._moved = asyncio.Event()
        self._limit: int | None = None
        self._ends: set[asyncio.Task[None]] = set()
        self.passed = 0
        self.endpoint = ""

    def close_after(self, allowance: int) -> None:
        """Let so many more bytes of clients pass, and no others."""
        self._limit = self.passed + allowance
        self._moved.set()

    def open(self) -> None:
        """Let everything pass."""
        self._limit = None
        self._moved.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._ends.add(task)
        try:
            there, back = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            self._ends.discard(task)
            return
        ways = [
            asyncio.ensure_future(self._send(reader, back)),
            asyncio.ensure_future(_pour(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (back, writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()
            self._ends.discard(task)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(_BLOCK):
            while self._limit is not None and self.passed + len(block) > self._limit:
                self._moved.clear()
                await self._moved.wait()
            self.passed += len(block)
            writer.write(block)
            await writer.drain()

    async def end(self) -> None:
        """Cut every connection."""
        ends = list(self._ends)
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(_BLOCK):
        writer.write(block)
        await writer.drain()


@asynccontextmanager
async def gate(endpoint: str) -> AsyncIterator[Gate]:
    """Run a gate on a free port until the context ends."""
    made = Gate(endpoint)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=_BLOCK)
    made.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await made.end()
        with contextlib.suppress(OSError):
            await server.wait_closed()
