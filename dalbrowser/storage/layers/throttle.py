"""Bounds the bytes per second of everything that one operator reads and writes.

Invariant: over any time the bytes passed are at most ``burst + rate * seconds``.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpRead, OpWrite, OpWriteMultipart
    from dalbrowser.storage.types import (
        Data,
        FullBody,
        Metadata,
        Part,
        RawPartWriter,
        RawWriter,
        ReadReply,
    )


@record(kw_only=True)
class ThrottleLayer:
    """``rate`` in bytes per second; ``burst`` bytes may pass at once (one second's by default).

    ``clock`` and ``sleep`` can be replaced in tests.
    """

    rate: float
    burst: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def __post_init__(self) -> None:
        if self.rate <= 0 or (self.burst is not None and self.burst <= 0):
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                f"rate={self.rate} and burst={self.burst} must be more than nothing.",
            )

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` throttled."""
        return _ThrottledAccessor(inner, _Bucket(self))


class _Bucket:
    """A token bucket that may go into debt: a block passes whole, the next one waits."""

    def __init__(self, layer: ThrottleLayer) -> None:
        self._layer = layer
        self._burst = layer.burst or layer.rate
        self._tokens = self._burst
        self._seen = layer.clock()

    async def take(self, size: int) -> None:
        """Wait until ``size`` bytes more may have passed; who gives up gives them back."""
        now = self._layer.clock()
        self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._layer.rate)
        self._seen = now
        self._tokens -= size
        if self._tokens < 0:
            try:
                await self._layer.sleep(-self._tokens / self._layer.rate)
            except asyncio.CancelledError:
                self._tokens += size
                raise


class _ThrottledAccessor(LayeredAccessor):
    def __init__(self, inner: Accessor, bucket: _Bucket) -> None:
        super().__init__(inner)
        self._bucket = bucket

    async def read(self, path: str, args: OpRead) -> ReadReply:
        reply = await self.inner.read(path, args)
        reply.body = _ThrottledBody(cast("FullBody", reply.body), self._bucket)
        return reply

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        return _ThrottledWriter(await self.inner.write(path, args), self._bucket)

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        return _ThrottledPart(await self.inner.write_multipart(path, args), self._bucket)


class _ThrottledBody:
    def __init__(self, inner: FullBody, bucket: _Bucket) -> None:
        self._inner = inner
        self._bucket = bucket

    async def read(self, size: int) -> bytes:
        block = await self._inner.read(size)
        await self._bucket.take(len(block))
        return block

    async def next(self) -> bytes | None:
        block = await self._inner.next()
        await self._bucket.take(len(block or b""))
        return block

    async def seek(self, offset: int, whence: int) -> int:
        return await self._inner.seek(offset, whence)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _ThrottledWriter:
    def __init__(self, inner: RawWriter, bucket: _Bucket) -> None:
        self._inner = inner
        self._bucket = bucket

    async def write(self, data: Data) -> None:
        await self._bucket.take(memoryview(data).nbytes)
        await self._inner.write(data)

    async def close(self) -> Metadata:
        return await self._inner.close()

    async def abort(self) -> None:
        await self._inner.abort()


class _ThrottledPart:
    def __init__(self, inner: RawPartWriter, bucket: _Bucket) -> None:
        self._inner = inner
        self._bucket = bucket

    async def write(self, data: Data) -> None:
        await self._bucket.take(memoryview(data).nbytes)
        await self._inner.write(data)

    async def close(self) -> Part:
        return await self._inner.close()

    async def abort(self) -> None:
        await self._inner.abort()
