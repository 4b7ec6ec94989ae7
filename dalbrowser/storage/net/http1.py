"""A transport of httpx over asyncio's own connections, for large bodies and many requests.

Why not httpx's default: 1 GiB took it 1.8 s of processor time and a small request 0.8 ms,
on the 2 cores that also do everything else. Headers travel in ``extensions["headers"]``, of
a request as pairs of text, of a reply by name: ``httpx.Headers`` costs as much as signing a
request. ``extensions["route"]`` is what a connection is kept by.
Invariants: the request line holds ``extensions["target"]`` byte for byte; a connection is
used again only when request and reply are over to the byte, and nothing came after them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net import proxied
from dalbrowser.storage.net.dial import dial
from dalbrowser.storage.net.framing import Head, chunk_size, reply_head, request_head
from dalbrowser.storage.net.link import clock

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from dalbrowser.storage.net.link import Link
    from dalbrowser.storage.net.proxy import Route

_TOGETHER = 64 * 1024
"""Bytes of a body that still leave in one piece with the head."""

_HEAD_END = b"\r\n\r\n"


class Http1Transport(httpx.AsyncBaseTransport):
    """Connections by route, used again last in first out; at most ``limit`` at once."""

    def __init__(self, context: ssl.SSLContext, *, limit: int, keepalive: float) -> None:
        self._context = context
        self._keepalive = keepalive
        self._slots = asyncio.Semaphore(limit)
        self._idle: dict[Route, list[Link]] = {}
        self._links: set[Link] = set()
        self._sweep: asyncio.TimerHandle | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the reply once its head is there."""
        await self._slots.acquire()
        link: Link | None = None
        try:
            route: Route = request.extensions["route"]
            timeout = request.extensions["timeout"]
            link = self._reuse(route) or await self._open(route, timeout["connect"])
            whole = await _send(link, request, route, timeout["write"], timeout["read"])
            head = await _receive(link, request.method, timeout["read"])
            if route.proxy is not None:
                proxied.refuse_its_own(head, route, route.proxy)
        except BaseException:
            self._drop(link)
            raise
        stream = ReplyStream(self, link, route, head, timeout["read"], whole=whole)
        if head.length == 0:
            await stream.aclose()
        return httpx.Response(
            head.status,
            stream=stream,
            extensions={"http_version": b"HTTP/1.1", "headers": head.headers},
        )

    async def aclose(self) -> None:
        """Close every connection and wait until the loop has let them go."""
        links = list(self._links)
        if self._sweep is not None:
            self._sweep.cancel()
        for link in links:
            link.abort()
        self._idle.clear()
        self._links.clear()
        if links:
            await asyncio.wait([link.lost for link in links], timeout=1)

    def release(self, link: Link, route: Route, *, reusable: bool) -> None:
        """Take a connection back when its exchange is over."""
        if not reusable or link.ended or link.has_data or link.has_unsent:
            self._drop(link)
            return
        self._slots.release()
        loop = asyncio.get_running_loop()
        link.idle_since = clock()
        self._idle.setdefault(route, []).append(link)
        if self._sweep is None:
            self._sweep = loop.call_later(self._keepalive, self._expire, loop)

    def _drop(self, link: Link | None) -> None:
        self._slots.release()
        if link is not None:
            self._links.discard(link)
            link.abort()

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has been idle too long, and look again when the next one is.

        One timer for all: most connections are used again long before they are too old.
        """
        self._sweep = None
        now = clock()
        oldest = now - self._keepalive
        for links in self._idle.values():
            for link in [link for link in links if link.idle_since <= oldest or link.ended]:
                links.remove(link)
                self._links.discard(link)
                link.abort()
        waiting = [link.idle_since for links in self._idle.values() for link in links]
        if waiting:
            rest = max(0.0, min(waiting) + self._keepalive - now)
            self._sweep = loop.call_later(rest, self._expire, loop)

    def _reuse(self, route: Route) -> Link | None:
        idle = self._idle.get(route)
        while idle:
            link = idle.pop()
            # No timer has rung while the computer slept, and whoever was there may have forgotten.
            fresh = clock() - link.idle_since < self._keepalive
            if fresh and not link.ended and not link.has_data:
                return link
            self._links.discard(link)
            link.abort()
        return None

    async def _open(self, route: Route, deadline: float) -> Link:
        if route.proxy is not None:
            link = await proxied.connect(route, route.proxy, self._context, deadline)
        else:
            link = await self._dial(route, deadline)
        self._links.add(link)
        return link

    async def _dial(self, route: Route, deadline: float) -> Link:
        scheme, host, port, name, *_ = route
        tls = (self._context, name) if scheme == "https" else (None, None)
        try:
            async with asyncio.timeout(deadline):
                return await dial(host, port, *tls)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error


class ReplyStream(httpx.AsyncByteStream):
    """The body of a reply, block by block as it comes from the connection."""

    def __init__(
        self,
        transport: Http1Transport,
        link: Link,
        route: Route,
        head: Head,
        deadline: float,
        *,
        whole: bool,
    ) -> None:
        self._transport = transport
        self._link = link
        self._route = route
        self._deadline = deadline
        self._keep = head.keep and whole
        self._chunked = head.chunked
        self._to_close = head.length is None and not head.chunked
        self._left = head.length or 0
        self._over = head.length == 0
        self._closed = False
        self._begun = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Return the next block; raises ``ReadError`` when the body ends early."""
        if self._over or self._closed:
            raise StopAsyncIteration
        if self._chunked and not self._left:
            await self._next_chunk()
            if self._over:
                raise StopAsyncIteration
        data = await self._link.read(self._deadline)
        if self._to_close:
            if not data:
                self._over, self._keep = True, False
                raise StopAsyncIteration
            return data
        if not data:
            raise httpx.ReadError("the body ended early")
        if len(data) > self._left:
            self._link.unread(data[self._left :])
            data = data[: self._left]
        self._left -= len(data)
        if not self._left and not self._chunked:
            self._end()
        return data

    @property
    def announced(self) -> int | None:
        """How many bytes are still to come, where that was said."""
        return None if self._to_close or self._chunked else self._left

    async def gather(self) -> bytes:
        """Return all that was announced; raises as the iteration does."""
        blocks: list[bytes] = []
        while self._left and not self._closed:
            blocks.append(await self.__anext__())
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        if not self._closed:
            self._closed = True
            self._transport.release(self._link, self._route, reusable=self._over and self._keep)

    async def _next_chunk(self) -> None:
        if self._begun and await self._link.read_until(b"\r\n", self._deadline):
            raise httpx.RemoteProtocolError("a chunk of the reply is longer than it said")
        self._begun = True
        self._left = chunk_size(await self._link.read_until(b"\r\n", self._deadline))
        if not self._left:
            while await self._link.read_until(b"\r\n", self._deadline):
                continue  # Trailer fields say nothing that is needed here.
            self._end()

    def _end(self) -> None:
        self._over = True
        if self._link.has_data:
            self._keep = False
            raise StorageError(
                ErrorKind.CONTENT_TRUNCATED,
                "The server sent more bytes than it had announced, so the body cannot be"
                " trusted. Try again; if it stays, report it to whoever runs the server.",
                status=ErrorStatus.TEMPORARY,
            )


async def _send(
    link: Link, request: httpx.Request, route: Route, deadline: float, silence: float
) -> bool:
    """Write the request; whether all of it was sent. Each wait to write and to read is bounded.

    A server may answer before it has read the body (and close): its answer counts.
    """
    extensions = request.extensions
    headers = extensions["headers"]
    if route.prefix:
        headers = proxied.with_its_own(headers, route, request.method)
    head = request_head(request.method, extensions["target"], headers, route.prefix)
    pending: list[bytes] = [head]
    size = len(head)
    try:
        async for block in request.stream:  # type: ignore[union-attr]
            if pending and size + len(block) <= _TOGETHER:
                pending.append(block)
                size += len(block)
                continue
            if pending:
                await link.write(b"".join(pending), deadline)
                pending = []
            if await _is_answered(link, request.method, silence):
                return False
            await link.write(block, deadline)
        if pending:
            await link.write(b"".join(pending), deadline)
    except httpx.WriteError:
        if not link.has_data:
            raise
        return False
    return True


async def _is_answered(link: Link, method: str, deadline: float) -> bool:
    """Whether the reply has begun. Interim ones (100 Continue) are passed over: they say go on."""
    while link.has_data:
        raw = await link.read_until(_HEAD_END, deadline)
        if reply_head(raw, method).status >= 200:
            link.unread(raw + _HEAD_END)
            return True
    return False


async def _receive(link: Link, method: str, deadline: float) -> Head:
    """Read the head of the reply, past any interim ones."""
    while True:
        head = reply_head(await link.read_until(_HEAD_END, deadline), method)
        if head.status >= 200:
            return head
