"""A layer wraps an accessor into an accessor; this is the base that passes everything on.

Invariant: a layer that overrides nothing changes nothing. One that changes what is
possible overrides ``info`` next to the operation that it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dalbrowser.storage.accessor import Accessor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.storage.context import AccessorInfo
    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopy,
        OpCopyMultipart,
        OpCreateDir,
        OpCreateMultipart,
        OpDelete,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpPresign,
        OpRead,
        OpRename,
        OpStat,
        OpWrite,
        OpWriteMultipart,
    )
    from dalbrowser.storage.types import (
        Bucket,
        Data,
        DeleteOutcome,
        HttpExchange,
        Metadata,
        Part,
        PresignedRequest,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )


class Layer(Protocol):
    """Anything that can wrap an accessor; configuration lives in the layer object."""

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with this layer around it."""
        ...


class LayeredAccessor(Accessor):
    """Passes every operation on to ``inner``."""

    def __init__(self, inner: Accessor) -> None:
        self.inner = inner

    def info(self) -> AccessorInfo:
        return self.inner.info()

    async def aclose(self) -> None:
        await self.inner.aclose()

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        self.inner.observe(sink)

    async def check(self) -> None:
        await self.inner.check()

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        await self.inner.create_dir(path, args)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        return await self.inner.stat(path, args)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        return await self.inner.read(path, args)

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        return await self.inner.write(path, args)

    def takes_whole(self) -> bool:
        """A layer that sees to reads or writes in its own way is not passed by."""
        own, base = type(self), LayeredAccessor
        reads = own.read is base.read or own.read_whole is not base.read_whole
        writes = own.write is base.write or own.write_whole is not base.write_whole
        return reads and writes and self.inner.takes_whole()

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        return await self.inner.read_whole(path, args, size)

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        return await self.inner.write_whole(path, args, data, again=again)

    async def list(self, path: str, args: OpList) -> RawLister:
        return await self.inner.list(path, args)

    async def delete(self, path: str, args: OpDelete) -> None:
        await self.inner.delete(path, args)

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        return await self.inner.delete_batch(items)

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        return await self.inner.copy(source, target, args)

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        await self.inner.rename(source, target, args)

    async def presign(self, path: str, args: OpPresign) -> PresignedRequest:
        return await self.inner.presign(path, args)

    async def list_buckets(self) -> Sequence[Bucket]:
        return await self.inner.list_buckets()

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        return await self.inner.create_multipart(path, args)

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        return await self.inner.write_multipart(path, args)

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        return await self.inner.copy_multipart(path, args)

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        return await self.inner.complete_multipart(path, parts, args)

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        await self.inner.abort_multipart(path, args)

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        return await self.inner.list_multiparts(path, args)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        return await self.inner.list_parts(path, args)
