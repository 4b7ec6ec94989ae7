"""Says in every error what was tried, on what: operation, path, service and range.

Invariant: whatever leaves a service is a ``StorageError`` that names them; what an error
already names is not changed. Cancellation passes through untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layer import LayeredAccessor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from dalbrowser.storage.accessor import Accessor
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
        ByteRange,
        Data,
        DeleteOutcome,
        Metadata,
        MultipartUpload,
        Page,
        Part,
        PresignedRequest,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawReader,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )


class Where:
    """A context manager that names operation, path and service in what is raised under it."""

    __slots__ = ("_operation", "_path", "_range", "_service")

    def __init__(
        self, service: str, operation: str, path: str | None = None, range: str | None = None
    ) -> None:
        self._service = service
        self._operation = operation
        self._path = path
        self._range = range

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        if isinstance(error, StorageError):
            self.name(error)
        elif isinstance(error, Exception):
            raise self.name(
                StorageError(
                    ErrorKind.UNEXPECTED,
                    f"An unforeseen {type(error).__name__} came back: {error}. "
                    "This is a fault of the program; report it.",
                )
            ) from error
        return False

    def name(self, error: StorageError) -> StorageError:
        """Fill in what ``error`` does not name yet."""
        error.operation = error.operation or self._operation
        error.service = error.service or self._service
        if error.path is None:
            error.path = self._path
        if self._range is not None:
            error.context.setdefault("range", self._range)
        return error


def range_text(byte_range: ByteRange) -> str | None:
    """Return a range as errors show it, end exclusive; ``None`` for the whole object."""
    if byte_range.is_full:
        return None
    if byte_range.last is not None:
        return f"last {byte_range.last}"
    return f"{byte_range.start}..{'' if byte_range.end is None else byte_range.end}"


class ErrorContextLayer:
    """Applied innermost to every operator."""

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with its errors named."""
        return _NamingAccessor(inner)


class _NamingAccessor(LayeredAccessor):
    def __init__(self, inner: Accessor) -> None:
        super().__init__(inner)
        self._scheme = inner.info().scheme

    def _where(self, operation: str, path: str | None = None, range: str | None = None) -> Where:
        return Where(self._scheme, operation, path, range)

    async def check(self) -> None:
        with self._where("check"):
            await self.inner.check()

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        with self._where("create_dir", path):
            await self.inner.create_dir(path, args)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        with self._where("stat", path):
            return await self.inner.stat(path, args)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        where = self._where("read", path, range_text(args.range))
        with where:
            reply = await self.inner.read(path, args)
        reply.body = _NamingBody(reply.body, where)
        return reply

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        where = self._where("write", path)
        with where:
            return _NamingWriter(await self.inner.write(path, args), where)

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        try:
            return await self.inner.read_whole(path, args, size)
        except Exception:
            with self._where("read", path):
                raise

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        try:
            return await self.inner.write_whole(path, args, data, again=again)
        except Exception:
            with self._where("write", path):
                raise

    async def list(self, path: str, args: OpList) -> RawLister:
        where = self._where("list", path)
        with where:
            return _NamingLister(await self.inner.list(path, args), where)

    async def delete(self, path: str, args: OpDelete) -> None:
        with self._where("delete", path):
            await self.inner.delete(path, args)

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        with self._where("delete_batch"):
            outcomes = await self.inner.delete_batch(items)
        for outcome in outcomes:
            if outcome.error is not None:
                self._where("delete", outcome.path).name(outcome.error)
        return outcomes

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        with self._where("copy", f"{source} -> {target}"):
            return await self.inner.copy(source, target, args)

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        with self._where("rename", f"{source} -> {target}"):
            await self.inner.rename(source, target, args)

    async def presign(self, path: str, args: OpPresign) -> PresignedRequest:
        with self._where("presign", path):
            return await self.inner.presign(path, args)

    async def list_buckets(self) -> Sequence[Bucket]:
        with self._where("list_buckets"):
            return await self.inner.list_buckets()

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        with self._where("create_multipart", path):
            return await self.inner.create_multipart(path, args)

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        where = self._where("write_multipart", path)
        with where:
            return _NamingPartWriter(await self.inner.write_multipart(path, args), where)

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        with self._where("copy_multipart", path, range_text(args.range)):
            return await self.inner.copy_multipart(path, args)

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        with self._where("complete_multipart", path):
            return await self.inner.complete_multipart(path, parts, args)

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        with self._where("abort_multipart", path):
            await self.inner.abort_multipart(path, args)

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        where = self._where("list_multiparts", path)
        with where:
            return _NamingUploadLister(await self.inner.list_multiparts(path, args), where)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        where = self._where("list_parts", path)
        with where:
            return _NamingPartLister(await self.inner.list_parts(path, args), where)


class _NamingBody:
    """Has ``seek`` and ``next`` also where the service's body has not; capability tells."""

    __slots__ = ("_inner", "_where")

    def __init__(self, inner: RawReader, where: Where) -> None:
        self._inner = inner
        self._where = where

    async def read(self, size: int) -> bytes:
        with self._where:
            return await self._inner.read(size)

    async def next(self) -> bytes | None:
        with self._where:
            block: bytes | None = await self._inner.next()  # type: ignore[attr-defined]
            return block

    async def seek(self, offset: int, whence: int) -> int:
        with self._where:
            reached: int = await self._inner.seek(offset, whence)  # type: ignore[attr-defined]
            return reached

    async def aclose(self) -> None:
        with self._where:
            await self._inner.aclose()


class _NamingWriter:
    __slots__ = ("_inner", "_where")

    def __init__(self, inner: RawWriter, where: Where) -> None:
        self._inner = inner
        self._where = where

    async def write(self, data: Data) -> None:
        with self._where:
            await self._inner.write(data)

    async def close(self) -> Metadata:
        with self._where:
            return await self._inner.close()

    async def abort(self) -> None:
        with self._where:
            await self._inner.abort()


class _NamingPartWriter:
    __slots__ = ("_inner", "_where")

    def __init__(self, inner: RawPartWriter, where: Where) -> None:
        self._inner = inner
        self._where = where

    async def write(self, data: Data) -> None:
        with self._where:
            await self._inner.write(data)

    async def close(self) -> Part:
        with self._where:
            return await self._inner.close()

    async def abort(self) -> None:
        with self._where:
            await self._inner.abort()


class _NamingLister:
    __slots__ = ("_inner", "_where")

    def __init__(self, inner: RawLister, where: Where) -> None:
        self._inner = inner
        self._where = where

    async def next_page(self) -> Page | None:
        with self._where:
            return await self._inner.next_page()

    async def aclose(self) -> None:
        with self._where:
            await self._inner.aclose()


class _NamingUploadLister:
    __slots__ = ("_inner", "_where")

    def __init__(self, inner: RawUploadLister, where: Where) -> None:
        self._inner = inner
        self._where = where

    async def next_page(self) -> Sequence[MultipartUpload] | None:
        with self._where:
            return await self._inner.next_page()


class _NamingPartLister:
    __slots__ = ("_inner", "_where")

    def __init__(self, inner: RawPartLister, where: Where) -> None:
        self._inner = inner
        self._where = where

    async def next_page(self) -> Sequence[Part] | None:
        with self._where:
            return await self._inner.next_page()
