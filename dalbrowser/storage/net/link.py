"""One connection: bytes in and out with back-pressure and deadlines.

Invariants: at most about 1 MiB is buffered in either direction; whoever waits is woken by
data, by the connection's end or by the deadline; a link that was aborted is not used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import sslproto
from collections import deque
from typing import TYPE_CHECKING, cast

import httpx

from dalbrowser.storage.net.framing import MAX_HEAD

if TYPE_CHECKING:
    import ssl

    from dalbrowser.storage.types import Data

_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def clock() -> float:
    """Return seconds that go on while the computer sleeps, which a loop's own may not count.

    Linux: CLOCK_BOOTTIME; macOS: CLOCK_MONOTONIC (its manual says so); Windows: any.
    """
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


_HIGH = 1024 * 1024
_LOW = 256 * 1024


class Link(asyncio.Protocol):
    """A protocol whose bytes are pulled. Used by one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._blocks: deque[bytes] = deque()
        self._buffered = 0
        self._reading = True
        self._readable: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._full = False
        self._ended = False
        self._due = 0.0
        self._alarm: asyncio.Handle | None = None
        self._rings_at = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self.lost: asyncio.Future[None] = loop.create_future()
        self.idle_since = 0.0

    @property
    def ended(self) -> bool:
        """Whether the peer has closed, or the connection is gone."""
        return self._ended

    @property
    def has_data(self) -> bool:
        """Whether bytes wait to be read."""
        return bool(self._blocks)

    @property
    def has_unsent(self) -> bool:
        """Whether bytes that were written still wait for the socket to take them."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH, low=_LOW)

    def data_received(self, data: bytes) -> None:
        self._blocks.append(data)
        self._buffered += len(data)
        if self._buffered > _HIGH and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        _wake(self._readable)
        _wake(self._writable)

    def eof_received(self) -> bool:
        self._ended = True
        _wake(self._readable)
        _wake(self._writable)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        _wake(self._readable)
        _wake(self._writable)
        self._silence()
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writable)

    def abort(self) -> None:
        """Close at once; what was not sent is dropped."""
        self._ended = True
        self._silence()
        # What is gone already has no loop any more, and asyncio's own transport raises then;
        # that of TLS does when a handshake has failed, too (CPython 3.11.2).
        if self._transport is not None and not self.lost.done():
            with contextlib.suppress(AttributeError):
                self._transport.abort()

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Speak TLS from here on, also within TLS; ``name`` is whom the certificate must be for.

        Raises as ``create_connection`` does; the link is to be aborted then.
        """
        if self._transport is None:
            raise ConnectionResetError("the connection is gone")
        under = self._transport
        if isinstance(under, sslproto._SSLProtocolTransport):
            under = cast("asyncio.Transport", _Outer(under))
        made = await self._loop.start_tls(under, self, context, server_hostname=name)
        if made is None or made.is_closing() or self._ended:
            # A loop may call that success when the peer goes in the middle of it.
            raise ConnectionResetError("the connection ended")
        self.connection_made(made)

    async def write(self, data: Data, deadline: float) -> None:
        """Hand ``data`` to the socket; waits, at most ``deadline`` seconds, while it is full.

        Whoever has an answer to read waits no longer: the peer may take no more bytes.
        """
        if self._ended or self._transport is None or self._transport.is_closing():
            raise httpx.WriteError("the connection is closed")
        self._transport.write(data)
        while self._full and not self._ended and not self._blocks:
            self._writable = self._loop.create_future()
            if not await self._wait(self._writable, deadline):
                raise httpx.WriteTimeout("the server takes no more bytes")

    async def read(self, deadline: float) -> bytes:
        """Return the next bytes, or ``b""`` at the end; waits at most ``deadline`` seconds."""
        while not self._blocks:
            if self._ended:
                return b""
            self._readable = self._loop.create_future()
            if not await self._wait(self._readable, deadline):
                raise httpx.ReadTimeout("the server sends nothing")
        data = self._blocks.popleft()
        self._buffered -= len(data)
        if not self._reading and self._buffered < _LOW and self._transport is not None:
            self._reading = True
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Put bytes back that belong to what comes next."""
        if data:
            self._blocks.appendleft(data)
            self._buffered += len(data)

    async def read_until(self, mark: bytes, deadline: float) -> bytes:
        """Return the bytes before ``mark`` and drop it; at most ``MAX_HEAD`` of them."""
        found = b""
        while True:
            data = await self.read(deadline)
            if not data:
                text = "the connection ended" if found else "Server disconnected without a reply"
                raise httpx.RemoteProtocolError(text)
            searched = max(0, len(found) - len(mark) + 1)
            found += data
            at = found.find(mark, searched)
            if at >= 0:
                self.unread(found[at + len(mark) :])
                return found[:at]
            if len(found) > MAX_HEAD:
                raise httpx.RemoteProtocolError("the head of the reply does not end")

    async def _wait(self, waiter: asyncio.Future[None], deadline: float) -> bool:
        """Wait until ``waiter`` is woken; whether that was before the deadline.

        One timer serves all the waits of a link: it is set again only when it rings early.
        """
        self._due = self._loop.time() + deadline
        self._waiter = waiter
        if self._alarm is None or self._rings_at > self._due:
            self._silence()
            self._set_alarm()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled() and not _being_cancelled():
                return False
            raise
        finally:
            self._waiter = None
        return True

    def _ring(self) -> None:
        """End the wait that is due; wait on for one that began since."""
        self._alarm = None
        if self._waiter is None:
            return
        if self._loop.time() < self._due:
            self._set_alarm()
        else:
            self._waiter.cancel()

    def _set_alarm(self) -> None:
        # Kept here too: the handles of Qt's loop do not tell when they are due.
        self._rings_at = self._due
        self._alarm = self._loop.call_at(self._due, self._ring)

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


class _Outer:
    """A TLS transport that TLS is spoken within: asyncio's own cannot break off there.

    Its ``_force_close`` raises ``TypeError`` (CPython 3.11 and 3.12, fixed in 3.13).
    """

    _start_tls_compatible = True

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def _force_close(self, exc: BaseException | None) -> None:
        del exc
        self._transport.abort()


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
