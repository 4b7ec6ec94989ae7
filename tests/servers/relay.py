"""A server that passes every request on to a real one, and may change what comes back.

Invariant: what is not changed on purpose arrives as the real server said it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from tests.servers.lying import LyingServer, Seen, response

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}


@dataclass
class Said:
    """What the real server answered, as it may be changed."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


Change = Callable[[Seen, Said], None]
Instead = Callable[[Seen], Said | None]
Asked = Callable[[Seen], bytes]


@asynccontextmanager
async def relay(
    endpoint: str,
    change: Change,
    instead: Instead | None = None,
    *,
    asked: Asked = lambda seen: seen.body,
) -> AsyncIterator[LyingServer]:
    """Run a server before ``endpoint``; ``change`` gets each request and its answer.

    What ``instead`` answers is not passed on at all; ``asked`` is the body that is passed on.
    """
    async with httpx.AsyncClient(timeout=60) as client:

        async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
            own = instead(seen) if instead is not None else None
            if own is not None:
                writer.write(response(own.status, own.headers, len(own.body)) + own.body)
                await writer.drain()
                return
            url = httpx.URL(endpoint).copy_with(raw_path=seen.target)
            headers = {k: v for k, v in seen.headers.items() if k not in _HOP}
            reply = await client.request(seen.method, url, headers=headers, content=asked(seen))
            told = {k: v for k, v in reply.headers.items() if k not in _HOP}
            said = Said(reply.status_code, told, reply.content)
            change(seen, said)
            length = len(said.body)
            if seen.method == "HEAD":
                length = int(reply.headers.get("content-length", "0"))
            writer.write(response(said.status, said.headers, length))
            writer.write(said.body)
            await writer.drain()

        async with LyingServer(answer) as server:
            yield server
