"""A forward proxy on loopback: tunnels and absolute-form, recorded, and spoiled at will.

Names may be mapped to ports of this machine, so that a test needs no name server. Invariant: it
stops with its context and leaves no task behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.servers.loopback import LoopbackServer

if TYPE_CHECKING:
    import ssl

_HOP = ("proxy-", "connection:", "keep-alive:")


@dataclass(frozen=True, slots=True)
class Asked:
    """One head as it arrived."""

    line: str
    headers: dict[str, str] = field(repr=False)

    @property
    def is_tunnel(self) -> bool:
        """Whether a tunnel was asked for."""
        return self.line.startswith("CONNECT ")


Instead = Callable[[Asked, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(data: bytes, *, then_close: bool = True) -> Instead:
    """Answer with these very bytes."""

    async def answer(_: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if not then_close:
            await reader.read()

    return answer


def stalls() -> Instead:
    """Take the request and never answer."""

    async def answer(_: Asked, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    return answer


class ForwardProxy(LoopbackServer):
    """The proxy. What ``instead`` does takes the place of passing on; ``asked`` holds every head.

    ``links`` counts connections; after ``cut_after`` bytes in either direction all of them break,
    once, and so do the next ``away`` as soon as they are made. ``passed`` counts the bytes that
    went towards origins.
    """

    breaks = OSError

    def __init__(
        self, names: dict[str, int] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls)
        self.asked: list[Asked] = []
        self.links = 0
        self.open = 0
        self.instead: Instead | None = None
        self.cut_after: int | None = None
        self.away = 0
        self.passed = 0
        self.cuts = 0
        self._refusing = 0
        self._names = names or {}
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The address."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection that is open."""
        self.cuts += 1
        self._refusing, self.away = self.away, 0
        for writer in list(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count a connection, and pass on what comes over it."""
        self._writers.add(writer)
        self.links += 1
        self.open += 1
        try:
            await self._serve(reader, writer)
        finally:
            self.open -= 1
            self._writers.discard(writer)

    async def end(self, writer: asyncio.StreamWriter) -> None:
        """Break it off: a proxy that goes says nothing."""
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            self._refusing -= 1
            return
        raw = await reader.readuntil(b"\r\n\r\n")
        line, *fields = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {
            name.lower(): text.strip() for name, _, text in (f.partition(":") for f in fields)
        }
        asked = Asked(line, headers)
        self.asked.append(asked)
        if self.instead is not None:
            await self.instead(asked, reader, writer)
            await writer.drain()
            return
        method, target, version = line.split(" ")
        split = urlsplit(f"//{target}" if asked.is_tunnel else target)
        assert split.hostname is not None
        port = self._names.get(split.hostname, split.port or 80)
        there, away = await asyncio.open_connection("127.0.0.1", port)
        self._writers.add(away)
        try:
            if asked.is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                kept = [f for f in fields if not f.lower().startswith(_HOP)]
                path = target.split("/", 3)[3]
                head = [f"{method} /{path} {version}", *kept, "Connection: close", "", ""]
                away.write("\r\n".join(head).encode("latin-1"))
            await self._pump_both(reader, writer, there, away)
        finally:
            self._writers.discard(away)
            away.transport.abort()

    async def _pump_both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        away: asyncio.StreamWriter,
    ) -> None:
        ways = [
            asyncio.ensure_future(self._pump(reader, away, up=True)),
            asyncio.ensure_future(self._pump(there, writer, up=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool
    ) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
            self.passed += len(data) if up else 0
            if self.cut_after is not None:
                self.cut_after -= len(data)
                if self.cut_after <= 0:
                    self.cut_after = None
                    self.cut()
