"""A proxy on the loopback interface that spoils a share of the exchanges, by lot.

One request a connection, so that each can be spoiled by itself: reset before or after the
server has it, cut in the middle of the answer, held up, late, or answered 500, 503, 429; on
demand also 403, as when credentials have expired.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BLOCK = 65536
FAULTS = ("reset", "lost-answer", "cut", "stall", "late", "500", "503", "429")
EXPIRED = "403"
_LATE = 0.3
_ERROR = (
    b"HTTP/1.1 %d Spoiled\r\nConnection: close\r\nContent-Type: application/xml\r\n"
    b"Content-Length: %d\r\n\r\n%b"
)
_BODY = b"<Error><Code>%b</Code><Message>spoiled by the test</Message></Error>"
_CODES = {
    "500": b"InternalError",
    "503": b"SlowDown",
    "429": b"TooManyRequests",
    EXPIRED: b"ExpiredToken",
}


class FaultProxy:
    """Forwards to ``endpoint``; spoils ``share`` of the requests. ``spoiled`` counts by fault.

    A session token that was called expired stays so, whatever the lot says later.
    """

    def __init__(
        self, endpoint: str, share: float, seed: int = 1, faults: tuple[str, ...] = FAULTS
    ) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._share = share
        self._faults = faults
        self.expired: set[bytes] = set()
        self._lot = random.Random(seed)
        self.spoiled: Counter[str] = Counter()
        self.endpoint = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which carries one request."""
        try:
            await self._exchange(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        fault = self._lot.choice(self._faults) if self._lot.random() < self._share else ""
        token = _field(head, b"x-amz-security-token")
        if fault == EXPIRED:
            self.expired.add(token)
        if token in self.expired:
            fault = EXPIRED
        self.spoiled[fault] += 1
        if fault == "reset":
            writer.transport.abort()
            return
        body = await reader.readexactly(int(_field(head, b"content-length") or 0))
        if fault in ("stall", "late"):
            await asyncio.sleep(_LATE)
        if fault == "stall":
            writer.transport.abort()
            return
        if fault in _CODES:
            text = _BODY % _CODES[fault]
            writer.write(_ERROR % (int(fault), len(text), text))
            await writer.drain()
            return
        answer = await self._forward(head, body)
        if fault == "lost-answer":
            writer.transport.abort()
            return
        writer.write(answer[: len(answer) // 2] if fault == "cut" else answer)
        await writer.drain()
        if fault == "cut":
            writer.transport.abort()

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            lines = [
                line
                for line in head[:-4].split(b"\r\n")
                if not line.lower().startswith(b"connection:")
            ]
            writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


def _field(head: bytes, wanted: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == wanted:
            return value.strip()
    return b""


@asynccontextmanager
async def spoiling(
    endpoint: str, share: float, seed: int = 1, faults: tuple[str, ...] = FAULTS
) -> AsyncIterator[FaultProxy]:
    """Run a proxy on a free port until the context ends."""
    proxy = FaultProxy(endpoint, share, seed, faults)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0, limit=_BLOCK)
    proxy.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
