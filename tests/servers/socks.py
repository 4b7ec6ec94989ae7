"""A SOCKS 5 proxy on loopback that records what was asked, and refuses as it is told.

Names may be mapped to ports of this machine. Invariant: it stops with its context and leaves no
task behind.
"""

from __future__ import annotations

import asyncio
import ipaddress

from tests.servers.loopback import LoopbackServer


class SocksProxy(LoopbackServer):
    """The proxy. ``asked`` holds hosts and ports, ``known`` the ``user:password`` that it wants.

    ``answer`` is the code of its replies, where they are no success; ``instead`` are bytes that
    take the place of the first reply.
    """

    breaks = OSError

    def __init__(self, names: dict[str, int] | None = None, known: bytes = b"") -> None:
        super().__init__()
        self.asked: list[tuple[str, int]] = []
        self.known = known
        self.answer = 0
        self.instead: bytes | None = None
        self._names = names or {}

    @property
    def url(self) -> str:
        """The address."""
        return f"socks5://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, and relay what follows it."""
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if self.instead is not None:
            writer.write(self.instead)
            return
        wanted = 2 if self.known else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if self.known:
            await reader.readexactly(1)
            user, password = [await self._text(reader) for _ in range(2)]
            right = user + b":" + password == self.known
            writer.write(b"\x01" + (b"\x00" if right else b"\x01"))
            if not right:
                return
        host, port = await self._place(reader)
        self.asked.append((host, port))
        if self.answer:
            writer.write(bytes([5, self.answer, 0, 1]) + bytes(6))
            return
        there, away = await asyncio.open_connection("127.0.0.1", self._names.get(host, port))
        # In three pieces, and with a name where most answer an address.
        for piece in (b"\x05\x00\x00", b"\x03\x04her", b"e\x00\x50"):
            writer.write(piece)
            await asyncio.sleep(0)
        ways = [asyncio.ensure_future(_pump(*way)) for way in ((reader, away), (there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            away.close()

    async def _place(self, reader: asyncio.StreamReader) -> tuple[str, int]:
        *_, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await self._text(reader)).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        return host, int.from_bytes(await reader.readexactly(2), "big")

    async def _text(self, reader: asyncio.StreamReader) -> bytes:
        (length,) = await reader.readexactly(1)
        return await reader.readexactly(length)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
