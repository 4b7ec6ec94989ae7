"""Bodies: the length check, and what completes a body that cannot stream or seek.

Invariants: a body that ends early or late is never handed on as success; a body opened
again after a seek is of the version that was opened first.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError, unsupported
from dalbrowser.storage.pinning import pinned, require_same
from dalbrowser.storage.types import ByteRange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import FullBody, RawReader, ReadReply

STREAM_BLOCK = 1024 * 1024
"""Bytes of one block cut from a body that has only ``read``."""


class EmptyBody:
    """The body of an empty range; needs no request."""

    async def read(self, size: int) -> bytes:
        """Return nothing."""
        return b""

    async def next(self) -> bytes | None:
        """Return the end."""
        return None

    async def seek(self, offset: int, whence: int) -> int:
        """Move; there is nothing at any place."""
        return seek_target(offset, whence, at=0, size=0)

    async def aclose(self) -> None:
        """Do nothing."""


class BlockBody:
    """A body over an iterator of blocks, as HTTP gives them: streams natively, cuts for ``read``.

    ``close`` gives up the connection.
    """

    def __init__(
        self, blocks: AsyncIterator[bytes], close: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._blocks = blocks
        self._close = close
        self._rest = memoryview(b"")

    async def next(self) -> bytes | None:
        """Return the next block that is not empty, or ``None`` at the end."""
        if self._rest:
            rest, self._rest = bytes(self._rest), memoryview(b"")
            return rest
        async for block in self._blocks:
            if block:
                return block
        return None

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes of one block, ``b""`` at the end."""
        if size <= 0:
            return b""
        if not self._rest:
            block = await self.next()
            if block is None or len(block) <= size:
                return block or b""
            self._rest = memoryview(block)
        head, self._rest = self._rest[:size], self._rest[size:]
        return bytes(head)

    async def aclose(self) -> None:
        """Give up the body."""
        self._rest = memoryview(b"")
        if self._close is not None:
            close, self._close = self._close, None
            await close()


class CheckedBody:
    """Counts the bytes of a body against the number announced.

    Fewer raise ``ContentIncomplete`` (temporary: the rest can be asked for again), more
    raise ``ContentTruncated``. ``size`` of ``None`` is a body of unknown length.
    """

    __slots__ = ("_at", "_inner", "_size")

    def __init__(self, inner: RawReader, size: int | None) -> None:
        self._inner = inner
        self._size = size
        self._at = 0

    async def read(self, size: int) -> bytes:
        """Read and count."""
        block = await self._inner.read(size)
        self._count(len(block), ended=not block and size > 0)
        return block

    async def next(self) -> bytes | None:
        """Stream and count."""
        block = await cast("FullBody", self._inner).next()
        self._count(len(block or b""), ended=block is None)
        return block

    async def seek(self, offset: int, whence: int) -> int:
        """Seek natively."""
        self._at = await cast("FullBody", self._inner).seek(offset, whence)
        return self._at

    async def aclose(self) -> None:
        """Give up the body."""
        await self._inner.aclose()

    def _count(self, taken: int, *, ended: bool) -> None:
        if self._size is None:
            return
        self._at += taken
        if ended and self._at < self._size:
            raise StorageError(
                ErrorKind.CONTENT_INCOMPLETE,
                f"The body ended after {self._at} of the {self._size} bytes announced;"
                " the connection was cut. Try again.",
                status=ErrorStatus.TEMPORARY,
            )
        if taken and self._at > self._size:
            raise StorageError(
                ErrorKind.CONTENT_TRUNCATED,
                f"The body went on past the {self._size} bytes announced; the server, or"
                " something between here and there, is wrong, and nothing of it can be trusted.",
            )


class StreamableReader:
    """Gives a stream to a body that has only ``read``."""

    __slots__ = ("_block", "_inner")

    def __init__(self, inner: RawReader, block: int = STREAM_BLOCK) -> None:
        self._inner = inner
        self._block = block

    async def read(self, size: int) -> bytes:
        """Read natively."""
        return await self._inner.read(size)

    async def next(self) -> bytes | None:
        """Read one block."""
        return await self._inner.read(self._block) or None

    async def seek(self, offset: int, whence: int) -> int:
        """Seek natively, where the body can."""
        return await cast("FullBody", self._inner).seek(offset, whence)

    async def aclose(self) -> None:
        """Give up the body."""
        await self._inner.aclose()


class ByRangeSeekableReader:
    """Gives seek to a body that has none: drops it and opens a range at the new position.

    ``open_range`` opens a body that streams. A seek alone makes no request; the next read does.
    """

    def __init__(
        self,
        open_range: Callable[[OpRead], Awaitable[ReadReply]],
        args: OpRead,
        reply: ReadReply,
        *,
        if_match: bool,
    ) -> None:
        self._open_range = open_range
        self._args = args
        self._if_match = if_match
        self._first = reply.metadata
        self._start = reply.offset
        self._size = _size_of(args, reply)
        self._body: FullBody | None = cast("FullBody", reply.body)
        self._at = 0

    async def read(self, size: int) -> bytes:
        """Read at the position."""
        body = await self._reach()
        if body is None or size <= 0:
            return b""
        block = await body.read(size)
        self._at += len(block)
        return block

    async def next(self) -> bytes | None:
        """Stream from the position."""
        body = await self._reach()
        if body is None:
            return None
        block = await body.next()
        if block is not None:
            self._at += len(block)
        return block

    async def seek(self, offset: int, whence: int) -> int:
        """Move; right of the range reads empty, left of it raises ``InvalidInput``."""
        target = seek_target(offset, whence, at=self._at, size=self._size)
        if target != self._at:
            await self.aclose()
            self._at = target
        return target

    async def aclose(self) -> None:
        """Give up the body; a later read would open it again."""
        body, self._body = self._body, None
        if body is not None:
            await body.aclose()

    async def _reach(self) -> FullBody | None:
        if self._body is None:
            if self._size is not None and self._at >= self._size:
                return None
            end = None if self._size is None else self._start + self._size
            here = ByteRange(self._start + self._at, end)
            args = pinned(self._args, self._first, if_match=self._if_match)
            reply = await self._open_range(replace(args, range=here))
            try:
                require_same(self._first, reply.metadata)
            except StorageError:
                await reply.body.aclose()
                raise
            self._body = cast("FullBody", reply.body)
        return self._body


def seek_target(offset: int, whence: int, *, at: int, size: int | None) -> int:
    """Return where a seek leads, counted from the beginning of the range.

    Raises ``InvalidInput`` left of the range, ``Unsupported`` from an end that is unknown.
    """
    if whence == os.SEEK_SET:
        target = offset
    elif whence == os.SEEK_CUR:
        target = at + offset
    elif whence == os.SEEK_END:
        if size is None:
            raise unsupported("seeking from the end of a body of unknown length")
        target = size + offset
    else:
        raise StorageError(ErrorKind.INVALID_INPUT, f"whence={whence} is none of 0, 1 and 2.")
    if target < 0:
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"The seek leads {-target} bytes left of the range; seek to 0 or right of it.",
        )
    return target


def _size_of(args: OpRead, reply: ReadReply) -> int | None:
    if reply.size is not None:
        return reply.size
    if reply.metadata.content_length is None:
        return None
    start, end = args.range.resolve(reply.metadata.content_length)
    return end - start
