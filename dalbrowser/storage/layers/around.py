"""The base of layers that do the same thing around every request: one hook, all calls.

A step is named ``stat``, ``read``, ``read.next``, ``write.close``, ``list.next_page`` and so
on: the operation, and after a dot the call on the handle that it returned. Invariant: every
call that may send a request passes through ``around`` exactly once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from dalbrowser.storage.layer import LayeredAccessor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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
        FullBody,
        Metadata,
        MultipartUpload,
        Page,
        Part,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawReader,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )

T = TypeVar("T")


class AroundAccessor(LayeredAccessor):
    """Override ``around``; the rest follows. ``presign`` makes no request and passes by."""

    async def around(self, step: str, path: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make ``call``, once or as often as the layer will."""
        return await call()

    async def check(self) -> None:
        await self.around("check", "", self.inner.check)

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        await self.around("create_dir", path, lambda: self.inner.create_dir(path, args))

    async def stat(self, path: str, args: OpStat) -> Metadata:
        return await self.around("stat", path, lambda: self.inner.stat(path, args))

    async def read(self, path: str, args: OpRead) -> ReadReply:
        reply = await self.around("read", path, lambda: self.inner.read(path, args))
        reply.body = AroundBody(self, path, reply.body)
        return reply

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        inner = await self.around("write", path, lambda: self.inner.write(path, args))
        return AroundWriter(self, path, inner)

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        return await self.around(
            "read_whole", path, lambda: self.inner.read_whole(path, args, size)
        )

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        return await self.around(
            "write_whole", path, lambda: self.inner.write_whole(path, args, data, again=again)
        )

    async def list(self, path: str, args: OpList) -> RawLister:
        inner = await self.around("list", path, lambda: self.inner.list(path, args))
        return _AroundLister(self, path, inner)

    async def delete(self, path: str, args: OpDelete) -> None:
        await self.around("delete", path, lambda: self.inner.delete(path, args))

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        return await self.around("delete_batch", "", lambda: self.inner.delete_batch(items))

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        return await self.around("copy", source, lambda: self.inner.copy(source, target, args))

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        await self.around("rename", source, lambda: self.inner.rename(source, target, args))

    async def list_buckets(self) -> Sequence[Bucket]:
        return await self.around("list_buckets", "", self.inner.list_buckets)

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        return await self.around(
            "create_multipart", path, lambda: self.inner.create_multipart(path, args)
        )

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        inner = await self.around(
            "write_multipart", path, lambda: self.inner.write_multipart(path, args)
        )
        return AroundPartWriter(self, path, inner)

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        return await self.around(
            "copy_multipart", path, lambda: self.inner.copy_multipart(path, args)
        )

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        return await self.around(
            "complete_multipart", path, lambda: self.inner.complete_multipart(path, parts, args)
        )

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        await self.around("abort_multipart", path, lambda: self.inner.abort_multipart(path, args))

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        inner = await self.around(
            "list_multiparts", path, lambda: self.inner.list_multiparts(path, args)
        )
        return _AroundUploads(self, path, inner)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        inner = await self.around("list_parts", path, lambda: self.inner.list_parts(path, args))
        return _AroundParts(self, path, inner)


class AroundBody:
    """A body whose every block passes through ``around``."""

    def __init__(self, owner: AroundAccessor, path: str, inner: RawReader) -> None:
        self._owner = owner
        self._path = path
        self._inner = cast("FullBody", inner)

    async def read(self, size: int) -> bytes:
        """Read one block."""
        return await self._owner.around("read.read", self._path, lambda: self._inner.read(size))

    async def next(self) -> bytes | None:
        """Stream one block."""
        return await self._owner.around("read.next", self._path, self._inner.next)

    async def seek(self, offset: int, whence: int) -> int:
        """Move; a completed body sends no request for it."""
        return await self._inner.seek(offset, whence)

    async def aclose(self) -> None:
        """Give up the body."""
        await self._inner.aclose()


class AroundWriter:
    """A writer whose every call passes through ``around``."""

    def __init__(self, owner: AroundAccessor, path: str, inner: RawWriter) -> None:
        self._owner = owner
        self._path = path
        self._inner = inner

    async def write(self, data: Data) -> None:
        """Write one block."""
        await self._owner.around("write.write", self._path, lambda: self._inner.write(data))

    async def close(self) -> Metadata:
        """Commit."""
        return await self._owner.around("write.close", self._path, self._inner.close)

    async def abort(self) -> None:
        """Leave nothing behind."""
        await self._owner.around("write.abort", self._path, self._inner.abort)


class AroundPartWriter:
    """A part's writer whose every call passes through ``around``."""

    def __init__(self, owner: AroundAccessor, path: str, inner: RawPartWriter) -> None:
        self._owner = owner
        self._path = path
        self._inner = inner

    async def write(self, data: Data) -> None:
        """Write one block."""
        await self._owner.around(
            "write_multipart.write", self._path, lambda: self._inner.write(data)
        )

    async def close(self) -> Part:
        """Send the part."""
        return await self._owner.around("write_multipart.close", self._path, self._inner.close)

    async def abort(self) -> None:
        """Give the part up."""
        await self._owner.around("write_multipart.abort", self._path, self._inner.abort)


class _AroundLister:
    def __init__(self, owner: AroundAccessor, path: str, inner: RawLister) -> None:
        self._owner = owner
        self._path = path
        self._inner = inner

    async def next_page(self) -> Page | None:
        return await self._owner.around("list.next_page", self._path, self._inner.next_page)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _AroundUploads:
    def __init__(self, owner: AroundAccessor, path: str, inner: RawUploadLister) -> None:
        self._owner = owner
        self._path = path
        self._inner = inner

    async def next_page(self) -> Sequence[MultipartUpload] | None:
        step = "list_multiparts.next_page"
        return await self._owner.around(step, self._path, self._inner.next_page)


class _AroundParts:
    def __init__(self, owner: AroundAccessor, path: str, inner: RawPartLister) -> None:
        self._owner = owner
        self._path = path
        self._inner = inner

    async def next_page(self) -> Sequence[Part] | None:
        return await self._owner.around("list_parts.next_page", self._path, self._inner.next_page)
