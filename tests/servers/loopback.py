"""The life of a server of this process: a port of loopback, a task for each connection.

Invariant: it stops with its context and leaves no task behind.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from typing import Self


class LoopbackServer(ABC):
    """Accepts in its context; serves each connection until it ends or the context does.

    ``breaks`` are the errors that say no more than that one side went.
    """

    breaks: type[Exception] = ConnectionError

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port that the system chose."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk over one connection."""

    async def end(self, writer: asyncio.StreamWriter) -> None:
        """End one connection that was served."""
        writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.serve(reader, writer)
        except (self.breaks, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # One side went, or the test is over.
        finally:
            self._tasks.discard(task)
            await self.end(writer)
