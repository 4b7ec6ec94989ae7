"""The public read handle: positions, chunks, prefetch, many ranges, always of one version.

Invariants: positions count from the beginning of the reader's own range; every request
after the first is pinned to the ETag first seen, so bytes of two versions are never mixed;
without ``chunk`` blocks pass through as they came from the service.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Self, cast

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.pinning import pinned, replaced_meanwhile, require_same
from dalbrowser.storage.spans import Group, cut, join
from dalbrowser.storage.types import ByteRange
from dalbrowser.storage.whole import compare, drain, witness_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from types import TracebackType

    from dalbrowser.storage.checksums import Witness
    from dalbrowser.storage.context import RawAccess
    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import FullBody, Metadata, ReadReply

_BLOCK = 1024 * 1024
"""Bytes asked for at once when the caller does not say; large enough that awaiting costs little."""


class Reader:
    """Reads one object, or one range of it. Use it as an async context manager.

    ``chunk`` in bytes reads by requests of that size, ``concurrent`` at a time, with
    ``prefetch`` more chunks kept ready ahead of the position. ``gap`` is the default of
    ``fetch``. Without ``chunk`` there is one request, and blocks pass through.
    ``verify_checksum`` compares a whole object, read in order, with the checksum that its
    reply carries, where that covers all of it; other bytes raise before the last is handed on.
    """

    def __init__(
        self,
        access: RawAccess,
        path: str,
        args: OpRead,
        *,
        chunk: int | None = None,
        concurrent: int = 1,
        prefetch: int = 0,
        gap: int | None = None,
        verify_checksum: bool = True,
    ) -> None:
        if (chunk is not None and chunk < 1) or concurrent < 1 or prefetch < 0 or (gap or 0) < 0:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"chunk={chunk} and concurrent={concurrent} must be at least 1,"
                f" prefetch={prefetch} and gap={gap} at least 0.",
                operation="read",
                path=path,
            )
        self._access = access
        self._path = path
        self._args = args
        self._chunk = chunk
        self._concurrent = concurrent
        self._prefetch = prefetch
        self._gap = gap or 0
        self._verify = verify_checksum and args.range.is_full
        self._witness: Witness | None = None
        self._if_match = access.info().capability.read_with_if_match
        self._metadata: Metadata | None = None
        self._pinned: OpRead | None = None
        self._start: int | None = None if args.range.last is not None else args.range.start
        self._end = args.range.end
        self._at = 0
        self._body: FullBody | None = None
        self._body_base = 0
        self._body_at = 0
        self._rest = memoryview(b"")
        self._ahead: deque[tuple[int, asyncio.Task[bytes]]] = deque()
        self._ahead_at = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def metadata(self) -> Metadata | None:
        """The whole object's metadata; ``None`` before the first read or ``stat``."""
        return self._metadata

    async def stat(self) -> Metadata:
        """Return the whole object's metadata, asking for it if nothing was read yet."""
        if self._metadata is None:
            self._see(await self._access.stat(self._path, self._args.as_stat()))
        assert self._metadata is not None  # noqa: S101 - _see has set it
        return self._metadata

    def tell(self) -> int:
        """Return the position, in bytes from the beginning of the range."""
        return self._at

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move and return the new position; makes a request only to learn the end.

        Right of the range is allowed and reads empty; left of it raises ``InvalidInput``.
        """
        if whence == os.SEEK_SET:
            target = offset
        elif whence == os.SEEK_CUR:
            target = self._at + offset
        elif whence == os.SEEK_END:
            target = await self._size() + offset
        else:
            raise self._invalid(f"whence={whence} is none of SEEK_SET, SEEK_CUR and SEEK_END.")
        if target < 0:
            raise self._invalid(
                f"The seek leads {-target} bytes left of the range; seek to 0 or right of it."
            )
        self._at = target
        return target

    async def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, fewer only at the end; all that is left when negative."""
        if size == 0:
            return b""
        blocks: list[bytes] = []
        missing = size
        while size < 0 or missing > 0:
            block = await self._some(missing if size > 0 else None)
            if not block:
                break
            blocks.append(block)
            missing -= len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the blocks from the position to the end, as they come."""
        while block := await self._some(None):
            yield block

    async def fetch(self, ranges: Sequence[ByteRange], *, gap: int | None = None) -> list[bytes]:
        """Return the bytes of many ranges, in the order asked, in as few requests as is wise.

        Ranges count from the beginning of the reader's range, are clamped to it, and may
        overlap; those at most ``gap`` bytes apart are read together. The position stays.
        """
        gap = self._gap if gap is None else gap
        first: list[memoryview] = []
        if self._metadata is None:
            first = await self._fetch_first(ranges, gap)
        spans = [await self._span(wanted) for wanted in ranges]
        joined = join(spans, gap)
        slots = asyncio.Semaphore(self._concurrent)

        async def load(start: int, end: int) -> memoryview:
            async with slots:
                return memoryview(await self._load(start, end))

        async with Group() as group:
            tasks = [group.start(load(start, end)) for start, end in joined[len(first) :]]
        loaded = first + [task.result() for task in tasks]
        return [cut(span, joined, loaded) for span in spans]

    async def _fetch_first(self, ranges: Sequence[ByteRange], gap: int) -> list[memoryview]:
        """Load the first joined span alone: it pins the version and brings the length."""
        joined = join([await self._span(wanted) for wanted in ranges], gap)
        if self._metadata is not None or not joined:
            return []
        try:
            return [memoryview(await self._load(*joined[0]))]
        except StorageError as error:
            if error.kind is not ErrorKind.RANGE_NOT_SATISFIED:
                raise
            await self.stat()
            return []

    async def aclose(self) -> None:
        """Give up the body and whatever is being read ahead; safe to call twice."""
        await self._drop_ahead()
        body, self._body = self._body, None
        if body is not None:
            await body.aclose()

    def _invalid(self, message: str) -> StorageError:
        return StorageError(ErrorKind.INVALID_INPUT, message, operation="read", path=self._path)

    def _see(self, metadata: Metadata) -> None:
        """Pin the version at the first sight of it, require it ever after."""
        if self._metadata is None:
            self._metadata = metadata
            if metadata.content_length is not None:
                self._start, self._end = self._args.range.resolve(metadata.content_length)
            if self._verify and metadata.checksums:
                self._witness = witness_of(metadata)
        else:
            require_same(self._metadata, metadata)

    def _bound(self) -> OpRead:
        """Return the arguments of the next request: of the version seen, once one was."""
        if self._pinned is None and self._metadata is not None:
            self._pinned = pinned(self._args, self._metadata, if_match=self._if_match)
        return self._pinned or self._args

    async def _size(self) -> int:
        """Return the bytes of the reader's range, asking for the object's length if need be."""
        if self._metadata is None or self._start is None or self._end is None:
            await self.stat()
        if self._start is None or self._end is None:
            raise self._invalid("The service does not say how long the object is.")
        return self._end - self._start

    async def _some(self, limit: int | None) -> bytes:
        """Return at least one byte from the position on, at most ``limit``; empty at the end."""
        if self._witness is not None:
            self._witness.require()
        length_known = self._metadata is not None and self._start is not None
        if length_known and self._end is not None and self._at >= self._end - (self._start or 0):
            return b""
        if self._chunk is None:
            block = await self._from_body(limit)
        else:
            block = await self._from_chunks(limit)
        if self._witness is not None and block:
            await compare(self._witness, self._at, block, self._path)
        self._at += len(block)
        return block

    async def _from_body(self, limit: int | None) -> bytes:
        body = await self._reach()
        if body is None:
            return b""
        block = await (body.next() if limit is None else body.read(limit)) or b""
        self._body_at += len(block)
        if block and self._end is not None and self._body_at == self._end - (self._start or 0):
            # The body must end here too: one that goes on is refused (ContentTruncated) before
            # its last block is handed on, and one that ends gives its connection back.
            await body.next()
        return block

    async def _reach(self) -> FullBody | None:
        """Return the body at the position, opening or seeking as is cheapest."""
        if self._body is not None and self._at < self._body_base:
            body, self._body = self._body, None
            await body.aclose()
        if self._body is None:
            if self._at and self._start is None:
                await self._size()
            if self._at and self._end is not None and self._at >= self._end - (self._start or 0):
                return None
            reply = await self._open(self._at)
            if reply is None:
                return None
            self._body = cast("FullBody", reply.body)
            self._body_base = self._body_at = self._at
        elif self._body_at != self._at:
            await self._body.seek(self._at - self._body_base, os.SEEK_SET)
            self._body_at = self._at
        return self._body

    async def _open(self, at: int) -> ReadReply | None:
        """Open a body at ``at``, or return ``None`` when a seek led right of the end."""
        if at:
            start = (self._start or 0) + at
            args = replace(self._bound(), range=ByteRange(start, self._end))
        else:
            args = self._bound()
        try:
            reply = await self._access.read(self._path, args)
        except StorageError as error:
            self._require_past_end(error)
            if at and error.kind is ErrorKind.RANGE_NOT_SATISFIED:
                await self.stat()
                return None
            raise
        try:
            self._see(reply.metadata)
        except StorageError:
            await reply.body.aclose()
            raise
        return reply

    def _require_past_end(self, error: StorageError) -> None:
        """Raise when nothing is where the version seen has bytes: a shorter one is there now."""
        length = None if self._metadata is None else self._metadata.content_length
        if error.kind is ErrorKind.RANGE_NOT_SATISFIED and length is not None:
            found = replaced_meanwhile()
            found.operation, found.path = "read", self._path
            raise found from error

    async def _from_chunks(self, limit: int | None) -> bytes:
        if not self._rest or self._ahead_at != self._at:
            self._rest = memoryview(await self._next_chunk())
        block = self._rest if limit is None else self._rest[:limit]
        self._rest = self._rest[len(block) :]
        self._ahead_at = self._at + len(block)
        whole = block.obj
        if isinstance(whole, bytes) and len(block) == len(whole):
            return whole
        return bytes(block)

    async def _next_chunk(self) -> bytes:
        """Return the chunk at the position, and keep the window ahead of it full."""
        if self._ahead and self._ahead[0][0] != self._at:
            await self._drop_ahead()
        if not self._ahead:
            if self._metadata is None:
                if self._start is None:
                    await self._size()
                else:
                    return await self._first_chunk()
            if await self._size() <= self._at:
                return b""
            self._fill(self._at)
        _, task = self._ahead[0]
        try:
            chunk = await task
        except BaseException:
            await self._drop_ahead()
            raise
        self._ahead.popleft()
        self._fill(self._at + len(chunk))
        return chunk

    async def _first_chunk(self) -> bytes:
        """Read one chunk alone: it pins the version and brings the length."""
        begin = (self._start or 0) + self._at
        end = begin + (self._chunk or _BLOCK)
        if self._end is not None:
            end = min(end, self._end)
        if begin >= end:
            await self.stat()
            return b""
        try:
            return await self._whole(replace(self._bound(), range=ByteRange(begin, end)))
        except StorageError as error:
            if self._at and error.kind is ErrorKind.RANGE_NOT_SATISFIED:
                await self.stat()
                return b""
            raise

    def _fill(self, at: int) -> None:
        """Put requests under way from ``at`` on until the window is full or the end is reached."""
        chunk = self._chunk or _BLOCK
        begin = self._ahead[-1][0] + chunk if self._ahead else at
        size = None if self._end is None else self._end - (self._start or 0)
        while size is not None and begin < size and len(self._ahead) < self._window():
            span = (begin, min(begin + chunk, size))
            self._ahead.append((begin, asyncio.create_task(self._load(*span))))
            begin += chunk

    def _window(self) -> int:
        return max(self._concurrent, 1) + self._prefetch

    async def _drop_ahead(self) -> None:
        self._rest = memoryview(b"")
        if not self._ahead:
            return
        tasks = [task for _, task in self._ahead]
        self._ahead.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _load(self, start: int, end: int) -> bytes:
        """Return bytes ``start`` to ``end`` of the reader's range, in one request."""
        base = self._start or 0
        return await self._whole(replace(self._bound(), range=ByteRange(base + start, base + end)))

    async def _whole(self, args: OpRead) -> bytes:
        try:
            reply = await self._access.read(self._path, args)
        except StorageError as error:
            self._require_past_end(error)
            raise
        try:
            self._see(reply.metadata)
            return await drain(cast("FullBody", reply.body))
        finally:
            await reply.body.aclose()

    async def _span(self, wanted: ByteRange) -> tuple[int, int]:
        """Return a range of ``fetch`` as start and end within the reader's range."""
        if wanted.last is None and wanted.end is not None and self._start is not None:
            if self._end is None:
                return wanted.start, wanted.end
            return wanted.resolve(self._end - self._start)
        return wanted.resolve(await self._size())
