"""A relay on loopback that lets a transfer be caught in the middle, without any clock.

Invariant: bytes pass unchanged and in order; a gate that is to close lets one request pass
at a time, whole before the next, and holds back what clients send beyond ``allowance``
bytes: how many requests get through does not depend on who is faster. Every connection
ends with the context.
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
        self._turn: object = None
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
            asyncio.ensure_future(self._answer(there, writer, back)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._pass_on(back)
            for end in (back, writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()
            self._ends.discard(task)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(_BLOCK):
            while not self._may_pass(writer, len(block)):
                self._moved.clear()
                await self._moved.wait()
            self.passed += len(block)
            writer.write(block)
            await writer.drain()

    def _may_pass(self, line: object, size: int) -> bool:
        if self._limit is None:
            return True
        if self._turn is None:
            self._turn = line
        return self._turn is line and self.passed + size <= self._limit

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: object
    ) -> None:
        while block := await reader.read(_BLOCK):
            self._pass_on(line)
            writer.write(block)
            await writer.drain()

    def _pass_on(self, line: object) -> None:
        """Give the turn away: the request of ``line`` is answered, or it is cut."""
        if self._turn is line:
            self._turn = None
            self._moved.set()

    async def end(self) -> None:
        """Cut every connection."""
        ends = list(self._ends)
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


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
