"""The HTTP client: one pool of connections for one operator, on the loop that first uses it.

Invariants: no redirect is followed, so credentials reach no other host; no cookie is kept;
no content encoding is asked for or undone, so bytes arrive as stored; each target leaves
exactly as written (see ``wire``); every failure is a ``StorageError``.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

import httpx

from dalbrowser import __version__
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net.failures import exchange_failure
from dalbrowser.storage.net.http1 import Http1Transport
from dalbrowser.storage.net.observe import redact_headers, redact_url
from dalbrowser.storage.net.pace import current_pace, resting
from dalbrowser.storage.net.proxy import Proxies
from dalbrowser.storage.net.trust import clear_context, tls_context
from dalbrowser.storage.net.wire import exact_target
from dalbrowser.storage.types import HttpExchange
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from dalbrowser.storage.net.http1 import ReplyStream
    from dalbrowser.storage.net.message import HttpRequest, Origin
    from dalbrowser.storage.net.proxy import Route
    from dalbrowser.storage.types import Data

T = TypeVar("T")

USER_AGENT = f"dalbrowser/{__version__}"
_OWN = frozenset({"host", "accept-encoding"})
"""Headers that are sent in any case, as they are given or as they are by themselves."""
_BLOCK = 512 * 1024
"""Bytes handed to the socket at once: large enough that the loop turns seldom, small
enough that an upload's progress and the connection's write deadline mean something."""


@record()
class ClientOptions:
    """Deadlines in seconds and limits. There is no limit on the whole time of a body.

    ``connect`` bounds the opening of a connection, ``idle`` the silence between bytes: after
    a minute of it the link is taken for gone. ``proxy`` is empty for the environment's, ``none``
    for none, or an address; user and password may be in it, or beside it.
    """

    connect: float = 10.0
    idle: float = 60.0
    connections: int = 128
    keepalive: float = 20.0
    ca_file: str = ""
    verify: bool = True
    proxy: str = field(default="", repr=False)
    proxy_user: str = ""
    proxy_password: str = field(default="", repr=False)


class _Blocks(httpx.AsyncByteStream):
    """A request's body: views of the caller's blocks, no copy."""

    def __init__(self, body: list[Data]) -> None:
        self._body = body
        self._pace = current_pace()
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pace = self._pace
        for block in self._body:
            view, start = memoryview(block), 0
            while start < len(view):
                piece = view[start : start + (_BLOCK if pace is None else pace.step)]
                start += len(piece)
                if pace is not None:
                    await pace.sending(len(piece))
                # h11 joins whatever buffers it is given; bytes is only its annotation.
                yield piece  # type: ignore[misc]
                self.sent += len(piece)


class HttpReply:
    """A reply whose body is still on the wire. Read it to the end or close it.

    ``headers`` are by name in lower case: a dict, because a reply is asked for twenty of them.
    ``received`` are the bytes of the body so far.
    """

    def __init__(
        self,
        response: httpx.Response,
        route: Route,
        done: Callable[[HttpReply, StorageError | None], None],
    ) -> None:
        self.status = response.status_code
        self.headers = response.extensions["headers"]
        self._route = route
        self._done = done
        self._blocks = cast("ReplyStream", response.stream)
        self._pace = current_pace()
        self.received = 0
        self._closed = False

    @property
    def content_length(self) -> int | None:
        """The length that the server announced for this body, if it did."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else None

    async def next(self) -> bytes | None:
        """Return the next block as it came from the wire, or ``None`` at the end."""
        if self._closed:
            return None
        block = await self._checked(self._block())
        if block is None:
            await self._close(None)
        return block

    async def _block(self) -> bytes | None:
        async for block in self._blocks:
            if block:
                return await self._counted(block)
        return None

    async def read_all(self, limit: int) -> bytes:
        """Return the whole body; raises ``Unexpected`` when it is longer than ``limit`` bytes."""
        body, whole = await self.read_up_to(limit)
        if not whole:
            raise StorageError(
                ErrorKind.UNEXPECTED,
                f"{self._route} answered with more than {limit} bytes where a short text"
                " belongs. Check that the endpoint is the right kind of server.",
            )
        return body

    async def read_up_to(self, limit: int) -> tuple[bytes, bool]:
        """Return at most ``limit`` bytes, and whether that was all; then let the reply go."""
        announced = self._blocks.announced
        if announced is not None and announced <= limit and not self._closed:
            return await self._gathered(), True
        parts: list[bytes] = []
        left = limit
        try:
            while (block := await self.next()) is not None:
                parts.append(block[:left])
                if len(block) > left:
                    return b"".join(parts), False
                left -= len(block)
        finally:
            await self.aclose()
        return b"".join(parts), True

    async def _gathered(self) -> bytes:
        """Return what was announced, in one step."""
        try:
            return await self._checked(self._all())
        finally:
            await self.aclose()

    async def _all(self) -> bytes:
        return await self._counted(await self._blocks.gather())

    async def _checked(self, step: Coroutine[None, None, T]) -> T:
        """Take a step of the body; what breaks it closes the reply, and is told with its words."""
        try:
            return await step
        except StorageError as error:
            await self._close(error)
            raise
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            failure = exchange_failure(error, str(self._route), in_body=True)
            await self._close(failure)
            raise failure from error

    async def _counted(self, block: bytes) -> bytes:
        self.received += len(block)
        if self._pace is not None:
            with resting():
                await self._pace.received(len(block))
        return block

    async def aclose(self) -> None:
        """Let the connection go; it is reused only when the body was read to its end."""
        if not self._closed:
            await self._close(None)

    async def _close(self, error: StorageError | None) -> None:
        self._closed = True
        self._done(self, error)
        try:
            await self._blocks.aclose()
        except (httpx.HTTPError, httpx.StreamError, OSError):
            return  # The connection is gone, which is what closing it was for.


class HttpClient:
    """Sends requests. Bound to the event loop that sends the first one."""

    def __init__(self, options: ClientOptions | None = None) -> None:
        self._options = options or ClientOptions()
        self._transport: httpx.AsyncBaseTransport | None = None
        self._opening = asyncio.Lock()
        chosen = self._options
        self._proxies = Proxies(
            chosen.proxy, chosen.proxy_user, chosen.proxy_password, chosen.ca_file
        )
        self._routes: dict[Origin, Route] = {}
        self._proven: set[Route] = set()
        self._answered: Route | None = None
        self._sinks: list[Callable[[HttpExchange], None]] = []
        self._numbers = itertools.count(1)
        self._closed = False

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        """Report every exchange to ``sink`` once its body has ended."""
        self._sinks.append(sink)

    async def send(self, request: HttpRequest) -> HttpReply:
        """Send ``request`` once and return its reply, whatever the status."""
        target = exact_target(request.target)
        route = self._routes.get(request.origin) or await self._route(request.origin)
        transport = self._transport or await self._open(route)
        body = _Blocks([block for block in request.body if len(block)])
        headers = self._headers(request)
        done = self._watch(request, headers, body)
        outgoing = httpx.Request(
            request.method,
            _base(request.origin),
            stream=body,
            extensions=self._extensions(request, target, headers, route),
        )
        try:
            response = await transport.handle_async_request(outgoing)
        except StorageError as error:
            self._forget_routes()
            done(None, error)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            self._forget_routes()
            proven = route in self._proven
            failure = exchange_failure(error, str(route), in_body=False, proven=proven)
            done(None, failure)
            raise failure from error
        except asyncio.CancelledError:
            done(None, StorageError(ErrorKind.UNEXPECTED, "Cancelled."))
            raise
        if route is not self._answered:
            self._answered = route
            self._proven.add(route)
        return HttpReply(response, route, done)

    async def aclose(self) -> None:
        """Close every connection; safe to call twice."""
        self._closed = True
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _route(self, origin: Origin) -> Route:
        route = self._routes[origin] = await self._proxies.route(origin)
        return route

    def _forget_routes(self) -> None:
        """Ask again how to get there: a computer that moved may have another proxy, or none."""
        self._routes.clear()
        self._proxies.forget()

    async def _open(self, route: Route) -> httpx.AsyncBaseTransport:
        async with self._opening:
            if self._closed:
                raise StorageError(
                    ErrorKind.UNEXPECTED, "The operator is closed; make another one."
                )
            if self._transport is None:
                options = self._options
                context = clear_context()
                if route.scheme == "https":
                    context = await asyncio.to_thread(
                        tls_context, options.ca_file, verify=options.verify
                    )
                self._transport = Http1Transport(
                    context, limit=options.connections, keepalive=options.keepalive
                )
            return self._transport

    def _headers(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return all headers that will be sent, in order."""
        given = request.headers
        headers = [("host", given.get("host", request.origin.authority))]
        headers += [(name, value) for name, value in given.items() if name not in _OWN]
        encoding = given.get("accept-encoding", "identity")
        headers += [("user-agent", USER_AGENT), ("accept", "*/*"), ("accept-encoding", encoding)]
        if request.body or request.method in {"PUT", "POST"}:
            headers.append(("content-length", str(request.size)))
        return headers

    def _extensions(
        self, request: HttpRequest, target: bytes, headers: list[tuple[str, str]], route: Route
    ) -> dict[str, object]:
        idle = request.idle or self._options.idle
        return {
            "target": target,
            "headers": headers,
            "route": route,
            "timeout": {
                "connect": self._options.connect,
                "read": idle,
                "write": idle,
                "pool": None,
            },
        }

    def _watch(
        self, request: HttpRequest, headers: list[tuple[str, str]], body: _Blocks
    ) -> Callable[[HttpReply | None, StorageError | None], None]:
        """Return what to call once, when the exchange is over."""
        if not self._sinks:
            return _unwatched
        number = next(self._numbers)
        started, begun = datetime.now(UTC), time.monotonic()

        def done(reply: HttpReply | None, error: StorageError | None) -> None:
            names = reply.headers if reply is not None else {}
            exchange = HttpExchange(
                id=number,
                method=request.method,
                url=redact_url(f"{request.origin}{request.target}"),
                status=reply.status if reply is not None else None,
                started=started,
                seconds=time.monotonic() - begun,
                sent=body.sent,
                received=reply.received if reply is not None else 0,
                request_id=names.get("x-amz-request-id") or names.get("x-request-id"),
                request_headers=redact_headers(headers),
                response_headers=redact_headers(names.items()),
                error=error.message if error else None,
            )
            for sink in self._sinks:
                sink(exchange)

        return done


def _unwatched(_reply: HttpReply | None, _error: StorageError | None) -> None:
    """Tell nobody."""


@lru_cache(maxsize=256)
def _base(origin: Origin) -> httpx.URL:
    """Return the URL that the pool keys its connections by; it never carries a path."""
    return httpx.URL(scheme=origin.scheme, host=origin.connect_host, port=origin.port, path="/")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the server's own wish in seconds (RFC 9110, 10.2.3; the seconds form)."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def status_of(code: int) -> ErrorStatus:
    """Whether an HTTP status is worth trying again."""
    again = code in {408, 409, 429, 500, 502, 503, 504}
    return ErrorStatus.TEMPORARY if again else ErrorStatus.PERMANENT
