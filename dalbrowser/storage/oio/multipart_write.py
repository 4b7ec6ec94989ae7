"""The writer of services with multipart uploads: cuts parts, keeps several under way, in order.

Invariants: a call that raises has taken nothing of its data and may be made again (so the
retry layer can); memory is bounded by ``concurrent + 1`` chunks and the block last given;
nothing is visible before ``complete``; ``abort`` cancels what is under way first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Protocol

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.storage.types import Data, Metadata, Part

MAX_PARTS = 10_000
"""Parts of one upload in S3 and everything that follows it (S3 User Guide, "Amazon S3
multipart upload limits")."""
_MIB = 1024 * 1024


def is_unchangeable(view: memoryview) -> bool:
    """Whether nobody can change the bytes of ``view``, so that they need not be copied."""
    return view.readonly and isinstance(view.obj, bytes)


class MultipartBackend(Protocol):
    """What a service gives to ``MultipartWriter``. Each method is one request.

    ``data`` stays unchanged until the method returns, and may be sent again if it raises.
    """

    async def single(self, data: Data) -> Metadata:
        """Write the whole object in one request; ``data`` may be empty."""
        ...

    async def begin(self) -> str:
        """Begin an upload and return its id."""
        ...

    async def part(self, upload_id: str, number: int, data: Data) -> Part:
        """Send part ``number`` (from 1) and return it as the server confirmed it."""
        ...

    async def complete(self, upload_id: str, parts: Sequence[Part]) -> Metadata:
        """Turn ``parts``, in order of their numbers, into the object."""
        ...

    async def abort(self, upload_id: str) -> None:
        """Drop the upload; succeeds when it is already gone."""
        ...


def part_size(
    chunk: int,
    total: int | None = None,
    *,
    min_size: int | None = None,
    max_size: int | None = None,
    max_parts: int | None = MAX_PARTS,
) -> int:
    """Return the bytes of one part: ``chunk``, within the limits, so that ``total`` fits.

    The result is raised to whole MiB when ``total`` would need more than ``max_parts``.
    Raises ``InvalidInput`` when no allowed size can hold ``total`` bytes.
    """
    if chunk < 1:
        raise StorageError(ErrorKind.INVALID_INPUT, f"A chunk of {chunk} bytes holds nothing.")
    size = max(chunk, min_size or 1)
    if max_size is not None:
        size = min(size, max_size)
    if total is not None and max_parts is not None and size * max_parts < total:
        needed = ceil(total / max_parts)
        size = ceil(needed / _MIB) * _MIB
        if max_size is not None and size > max_size:
            size = needed
    if max_size is not None and size > max_size:
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"{total} bytes do not fit into {max_parts} parts of at most {max_size} bytes;"
            " split the object.",
        )
    return size


class MultipartWriter:
    """A ``RawWriter`` over a ``MultipartBackend``.

    ``chunk`` is the size of every part but the last, in bytes; an object of at most one
    chunk is written by ``single``. ``concurrent`` parts are under way at once. A failed part
    is kept and sent again by the next call. What went wrong behind a call that had already
    taken its data is raised by the next call, before that takes anything. ``prepare`` is told
    of the one part that will be sent next, by number and bytes, while it waits for its turn:
    what can be done without the server (hashing) is done by then.
    """

    def __init__(
        self,
        backend: MultipartBackend,
        *,
        chunk: int,
        concurrent: int = 1,
        max_parts: int | None = MAX_PARTS,
        prepare: Callable[[int, Data], None] | None = None,
    ) -> None:
        if chunk < 1 or concurrent < 1:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"chunk={chunk} and concurrent={concurrent} must both be at least 1.",
            )
        self._backend = backend
        self._chunk = chunk
        self._concurrent = concurrent
        self._max_parts = max_parts
        self._prepare = prepare
        self._buffer: bytearray | memoryview = bytearray()
        self._cut = 0
        self._waiting: deque[tuple[int, Data]] = deque()
        self._running: dict[asyncio.Task[Part], tuple[int, Data]] = {}
        self._parts: dict[int, Part] = {}
        self._upload_id: str | None = None
        self._deferred: Exception | None = None
        self._done: Metadata | None = None
        self._aborted = False

    @property
    def upload_id(self) -> str | None:
        """The upload's id once one was begun."""
        return self._upload_id

    async def write(self, data: Data) -> None:
        """Take all of ``data``; waits only while ``concurrent`` parts are under way."""
        self._require_open()
        self._raise_deferred()
        await self._start_waiting()
        self._take(data)
        try:
            await self._start_waiting()
        except Exception as error:
            self._deferred = error

    async def close(self) -> Metadata:
        """Send what is left and commit; after a failure it may be called again."""
        if self._done is not None:
            return self._done
        self._require_open()
        self._raise_deferred()
        if self._upload_id is None and not self._cut:
            self._done = await self._backend.single(self._buffer)
        else:
            if self._buffer:
                self._queue(self._buffer)
                self._buffer = bytearray()
            await self._start_waiting()
            while self._running:
                await self._collect(wait=True)
                await self._start_waiting()
            assert self._upload_id is not None  # noqa: S101 - a cut part implies an upload
            parts = [self._parts[number] for number in sorted(self._parts)]
            self._done = await self._backend.complete(self._upload_id, parts)
        return self._done

    async def abort(self) -> None:
        """Cancel the parts under way and drop the upload; nothing is left behind."""
        if self._done is not None:
            return
        self._aborted = True
        self._waiting.clear()
        self._buffer = bytearray()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._running.clear()
        if self._upload_id is not None:
            await self._backend.abort(self._upload_id)
            self._upload_id = None

    def _require_open(self) -> None:
        if self._aborted or self._done is not None:
            raise StorageError(
                ErrorKind.INVALID_INPUT, "The writer is already closed; open another one."
            )

    def _raise_deferred(self) -> None:
        if self._deferred is not None:
            error, self._deferred = self._deferred, None
            raise error

    def _take(self, data: Data) -> None:
        """Cut ``data`` into parts; a part is cut only once a byte follows it.

        So the last part is never empty, and one chunk exactly is still a single write.
        """
        view = memoryview(data).cast("B")
        if self._max_parts is not None:
            self._require_room(len(view))
        kept = is_unchangeable(view)
        at = 0
        if self._buffer:
            at = min(self._chunk - len(self._buffer), len(view))
            if at:
                self._append(view[:at])
            if at < len(view):
                self._queue(self._buffer)
                self._buffer = bytearray()
        while len(view) - at > self._chunk:
            block = view[at : at + self._chunk]
            self._queue(block if kept else bytes(block))
            at += self._chunk
        if at < len(view):
            self._buffer = view[at:] if kept else bytearray(view[at:])

    def _append(self, more: memoryview) -> None:
        if isinstance(self._buffer, memoryview):
            self._buffer = bytearray(self._buffer)
        self._buffer += more

    def _require_room(self, size: int) -> None:
        room = (self._max_parts or 0) - self._cut
        if len(self._buffer) + size > room * self._chunk:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"More than {self._max_parts} parts of {self._chunk} bytes would be needed;"
                " give a larger chunk, or the whole content_length beforehand.",
            )

    def _queue(self, data: Data) -> None:
        self._cut += 1
        self._waiting.append((self._cut, data))

    async def _start_waiting(self) -> None:
        """Put every waiting part under way, as slots come free; raise what failed meanwhile."""
        await self._collect(wait=False)
        while self._waiting:
            if self._upload_id is None:
                self._upload_id = await self._backend.begin()
            if len(self._running) >= self._concurrent and self._prepare is not None:
                self._prepare(*self._waiting[0])
            while len(self._running) >= self._concurrent:
                await self._collect(wait=True)
            number, data = self._waiting.popleft()
            task = asyncio.create_task(self._backend.part(self._upload_id, number, data))
            self._running[task] = (number, data)

    async def _collect(self, *, wait: bool) -> None:
        if not self._running:
            return
        if wait:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        failure: BaseException | None = None
        for task in [task for task in self._running if task.done()]:
            number, data = self._running.pop(task)
            if task.cancelled():
                error: BaseException | None = asyncio.CancelledError()
            else:
                error = task.exception()
            if error is None:
                self._parts[number] = task.result()
            else:
                self._waiting.appendleft((number, data))
                failure = failure or error
        if failure is not None:
            raise failure
