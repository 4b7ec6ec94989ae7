"""Deadlines: for each call, and between the bytes of a body; never for a whole body.

Sits inside retry, so that a call that stalls is made again. Connecting has a deadline of its
own, in the HTTP client. Invariants: a call that a server keeps alive with bytes is never cut;
a limit of the rate that a person set is no silence of the server.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar, cast

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.layers.around import AroundAccessor
from dalbrowser.storage.net.pace import is_resting
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import FullBody, ReadReply

T = TypeVar("T")

_PAGES = frozenset({"list.next_page", "list_multiparts.next_page", "list_parts.next_page"})
"""Calls that bring up to megabytes. Over a network the HTTP client watches their bytes; a disk
that says nothing has only the deadline of a call."""

_UNBOUNDED = frozenset(
    {
        "read_whole",
        "write_whole",
        "copy",
        "rename",
        "copy_multipart",
        "complete_multipart",
        "delete_batch",
        "write.write",
        "write.close",
        "write.abort",
        "write_multipart.write",
        "write_multipart.close",
        "write_multipart.abort",
    }
)
"""Calls that move a body, however slowly, or behind which a server or a disk does; the HTTP
client watches the bytes of those, and for how long a server that is at work says nothing."""


@record(kw_only=True)
class TimeoutLayer:
    """Seconds: ``call`` for one request that moves no data, ``between`` two blocks of a body."""

    call: float = 60.0
    between: float = 60.0

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with deadlines."""
        return _TimeoutAccessor(inner, self)

    def deadline(self, step: str, *, local: bool = False) -> float | None:
        """Return the seconds that ``step`` may take, ``None`` for no limit.

        ``local`` says that no network is between here and the bytes.
        """
        if step in _UNBOUNDED or (step in _PAGES and not local):
            return None
        return self.call


class _TimeoutAccessor(AroundAccessor):
    def __init__(self, inner: Accessor, layer: TimeoutLayer) -> None:
        super().__init__(inner)
        self._layer = layer
        self._scheme = inner.info().scheme
        self._local = inner.info().local

    async def around(self, step: str, path: str, call: Callable[[], Awaitable[T]]) -> T:
        seconds = self._layer.deadline(step, local=self._local)
        if seconds is None:
            return await call()
        try:
            async with asyncio.timeout(seconds):
                return await call()
        except TimeoutError:
            # Only ours: what a service raises is a StorageError by now.
            raise self._expired(step, path, seconds) from None

    async def read(self, path: str, args: OpRead) -> ReadReply:
        reply = await self.around("read", path, lambda: self.inner.read(path, args))
        seconds = self._layer.between
        reply.body = _WatchedBody(
            cast("FullBody", reply.body), seconds, lambda: self._expired("read", path, seconds)
        )
        return reply

    def _expired(self, step: str, path: str, seconds: float) -> StorageError:
        return StorageError(
            ErrorKind.UNEXPECTED,
            f"Nothing came back within {seconds:g} seconds; check the network and whether"
            " the server is up.",
            status=ErrorStatus.TEMPORARY,
            operation=step.partition(".")[0],
            path=path,
            service=self._scheme,
        )


class _WatchedBody:
    """A body whose every block has a deadline, kept by one timer for all of them.

    ``asyncio.timeout`` around each block would cost several times what the block's own way
    through the layers does. The timer looks whether the block under way is late, and
    otherwise sleeps until it could be.
    """

    def __init__(
        self, inner: FullBody, seconds: float, expired: Callable[[], StorageError]
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[object] | None = None
        self._since = 0.0
        self._late = False

    async def read(self, size: int) -> bytes:
        """Read one block in time."""
        task, before = self._begin()
        try:
            return await self._inner.read(size)
        except asyncio.CancelledError:
            self._raise_if_late(task, before)
            raise
        finally:
            self._waiting = None

    async def next(self) -> bytes | None:
        """Stream one block in time."""
        task, before = self._begin()
        try:
            return await self._inner.next()
        except asyncio.CancelledError:
            self._raise_if_late(task, before)
            raise
        finally:
            self._waiting = None

    async def seek(self, offset: int, whence: int) -> int:
        """Move; a completed body sends no request for it."""
        return await self._inner.seek(offset, whence)

    async def aclose(self) -> None:
        """Give up the body."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._inner.aclose()

    def _begin(self) -> tuple[asyncio.Task[object], int]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of the loop runs in a task
        self._since = self._loop.time()
        self._waiting = task
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)
        return task, task.cancelling()

    def _look(self) -> None:
        """Cancel the block under way if it is late; sleep on, or until the next block."""
        self._timer = None
        if self._waiting is None:
            return
        if is_resting(self._waiting):
            self._since = self._loop.time()
        left = self._since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._late = True
            self._waiting.cancel()

    def _raise_if_late(self, task: asyncio.Task[object], before: int) -> None:
        """Turn our own cancellation into the error, unless somebody else cancelled as well."""
        if self._late:
            self._late = False
            if task.uncancel() <= before:
                raise self._expired() from None
