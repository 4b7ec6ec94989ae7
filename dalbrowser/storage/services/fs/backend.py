"""The fs service: declares what a file system can do, and delegates to threads.

Invariant: no call here blocks the loop. What a file system cannot do atomically (a
conditional overwrite by ETag) or cannot keep (metadata without extended attributes) is
declared off, not imitated.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from dalbrowser.storage.accessor import Accessor
from dalbrowser.storage.capability import Capability
from dalbrowser.storage.context import AccessorInfo
from dalbrowser.storage.errors import ErrorKind, StorageError, unsupported
from dalbrowser.storage.options import OpCopy, OpDelete, OpRead, OpStat
from dalbrowser.storage.services.fs import meta
from dalbrowser.storage.services.fs.config import FsConfig
from dalbrowser.storage.services.fs.core import Core
from dalbrowser.storage.services.fs.lister import FsLister
from dalbrowser.storage.services.fs.multipart import PARTS_MAX, Uploads
from dalbrowser.storage.services.fs.parts import FsPartWriter, PartFile
from dalbrowser.storage.services.fs.pool import Pool
from dalbrowser.storage.services.fs.reader import FsReader
from dalbrowser.storage.services.fs.root import Root, absolute, segments
from dalbrowser.storage.services.fs.temporary import TemporaryFile
from dalbrowser.storage.services.fs.writer import FsWriter, copy_file, fill
from dalbrowser.storage.types import ReadReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopyMultipart,
        OpCreateDir,
        OpCreateMultipart,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpRename,
        OpWrite,
        OpWriteMultipart,
    )
    from dalbrowser.storage.services.fs.multipart import StoredPart
    from dalbrowser.storage.types import Metadata, MultipartUpload, Part

T = TypeVar("T")

_PAGE = 1000
_READ = os.O_RDONLY | os.O_NOFOLLOW


class Fs(Accessor):
    """The files under one folder; see ``docs.md``."""

    scheme: ClassVar[str] = "fs"
    config_type: ClassVar[type] = FsConfig

    def __init__(self, config: FsConfig) -> None:
        path = absolute(config.root)
        attributes = _attributes_at(path)
        self._root = Root(path, durable=config.durable)
        self._core = Core(self._root, attributes=attributes)
        self._uploads = Uploads(self._core)
        self._pool = Pool()
        capability = _capability(attributes=attributes)
        self._info = AccessorInfo(
            scheme=self.scheme,
            name="",
            root=path.rstrip("/") + "/",
            native=capability,
            capability=capability,
            listed=meta.ALL_KEYS,
            local=True,
        )

    @classmethod
    def from_config(cls, config: FsConfig) -> Fs:
        """Build the accessor; the folder may be missing until it is used."""
        return cls(config)

    def info(self) -> AccessorInfo:
        return self._info

    async def aclose(self) -> None:
        self._pool.close()

    async def check(self) -> None:
        await self._pool.run(self._core.check)

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        await self._pool.run(self._core.create_dir, path)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        return await self._pool.run(self._core.stat, path, args)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        fd, st, metadata = await self._open(path, args)
        start, end = args.range.resolve(st.st_size)
        reader = FsReader(self._pool, fd, st, start, end - start)
        wanted = args.range
        if wanted.start > st.st_size or (wanted.start == st.st_size > 0 and wanted.size != 0):
            reader.close()
            raise StorageError(
                ErrorKind.RANGE_NOT_SATISFIED,
                f"The file has {st.st_size} bytes, so nothing begins at {wanted.start}.",
            )
        return ReadReply(metadata, reader, start, end - start)

    async def write(self, path: str, args: OpWrite) -> FsWriter:
        file = await self._new_file(path, append=args.append)
        return FsWriter(
            self._pool,
            file,
            meta.given(args),
            append=args.append,
            exclusive=args.if_not_exists,
            size=args.content_length,
        )

    async def list(self, path: str, args: OpList) -> FsLister:
        segments(path[: path.rfind("/") + 1])
        return FsLister(self._pool, self._core, path, args)

    async def delete(self, path: str, args: OpDelete) -> None:
        await self._pool.run(self._core.delete, path)

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        condition = OpRead(if_match=args.if_match)
        fd, st, _ = await self._open(source, condition)
        try:
            extra = await self._pool.run(meta.load, fd) if self._core.attributes else {}
            file = await self._new_file(target)
            exclusive = args.if_not_exists
            return await copy_file(self._pool, fd, st, file, extra, exclusive=exclusive)
        finally:
            await self._pool.release(os.close, fd)

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        call = self._core.rename
        try:
            await self._pool.run(call, source, target, exclusive=args.if_not_exists)
        except StorageError as error:
            other_disk = error.context.get("errno") == "EXDEV"
            if not other_disk or not await self._pool.run(self._core.is_file, source):
                raise
            await self._move(source, target, args)

    async def _move(self, source: str, target: str, args: OpRename) -> None:
        """Rename to where another file system is mounted: a copy, then a delete."""
        before = await self.stat(source, OpStat())
        same = OpCopy(if_match=before.etag, if_not_exists=args.if_not_exists)
        await self.copy(source, target, same)
        # Who wrote the source meanwhile keeps it, and has a copy of what it was.
        await self.stat(source, OpStat(if_match=before.etag))
        await self.delete(source, OpDelete())

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        drop = partial(self._uploads.abort, path)
        return await self._pool.acquire(drop, partial(self._uploads.create, path, args))

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> FsPartWriter:
        file = await self._part(path, args.upload_id, args.number)
        return FsPartWriter(self._pool, file, args)

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        condition = OpRead(if_match=args.if_match)
        fd, st, _ = await self._open(args.source, condition)
        try:
            start, end = args.range.resolve(st.st_size)
            file = await self._part(path, args.upload_id, args.number)
            try:
                await fill(self._pool, file, fd, start, end - start)
                return await self._pool.run(file.commit, end - start, None)
            except BaseException:
                await self._pool.release(file.discard)
                raise
        finally:
            await self._pool.release(os.close, fd)

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        if args.if_match is not None:
            raise unsupported("if_match on a write", "a file system cannot do it atomically.")
        return await _Completion(self._pool, self._core, self._uploads, path, args).run(parts)

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        await self._pool.run(self._uploads.abort, path, args.upload_id)

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> _Pages[MultipartUpload]:
        return _Pages(await self._pool.run(self._uploads.uploads, path), args.limit)

    async def list_parts(self, path: str, args: OpListParts) -> _Pages[Part]:
        return _Pages(await self._pool.run(self._uploads.parts, path, args.upload_id), args.limit)

    async def _part(self, path: str, upload_id: str, number: int) -> PartFile:
        if not 1 <= number <= PARTS_MAX:
            raise StorageError(
                ErrorKind.INVALID_INPUT, f"A part's number is 1 to {PARTS_MAX}, not {number}."
            )
        call = partial(PartFile, self._uploads, path, upload_id, number)
        return await self._pool.acquire(PartFile.discard, call)

    async def _open(self, path: str, args: OpRead) -> tuple[int, os.stat_result, Metadata]:
        return await self._pool.acquire(_close_first, partial(self._core.open_read, path, args))

    async def _new_file(self, path: str, *, append: bool = False) -> TemporaryFile:
        call = partial(self._core.new_file, path, append=append)
        return await self._pool.acquire(TemporaryFile.discard, call)


class _Completion:
    """Joins the parts of one upload into its object."""

    def __init__(
        self, pool: Pool, core: Core, uploads: Uploads, path: str, args: OpCompleteMultipart
    ) -> None:
        self._pool = pool
        self._core = core
        self._uploads = uploads
        self._path = path
        self._args = args

    async def run(self, parts: Sequence[Part]) -> Metadata:
        folder = await self._pool.acquire(os.close, self._folder)
        try:
            metadata = await self._pool.run(self._uploads.published, self._path, folder)
            if metadata is None:
                stored = await self._pool.run(self._uploads.choose, folder, parts)
                metadata = await self._join(folder, stored)
        finally:
            await self._pool.release(os.close, folder)
        await self._pool.release(self._uploads.drop, self._args.upload_id)
        return metadata

    def _folder(self) -> int:
        with self._uploads.open(self._path, self._args.upload_id) as folder:
            return os.dup(folder)

    async def _join(self, folder: int, stored: Sequence[StoredPart]) -> Metadata:
        run = self._pool.run
        call = partial(self._core.new_file, self._path, tag=self._args.upload_id)
        file = await self._pool.acquire(TemporaryFile.discard, call)
        try:
            for part in stored:
                opened = partial(os.open, part.name, _READ, dir_fd=folder)
                fd = await self._pool.acquire(os.close, opened)
                try:
                    await fill(self._pool, file, fd, 0, (await run(os.fstat, fd)).st_size)
                finally:
                    await self._pool.release(os.close, fd)
            exclusive = self._args.if_not_exists
            return await run(self._uploads.commit, folder, file, exclusive=exclusive)
        except BaseException:
            await self._pool.release(file.discard)
            raise


class _Pages(Generic[T]):
    """Hands out a finished list in pages."""

    def __init__(self, items: Sequence[T], limit: int | None) -> None:
        self._items = items
        self._limit = max(1, limit or _PAGE)
        self._given = 0

    async def next_page(self) -> Sequence[T] | None:
        """Return the next page or ``None`` after the last."""
        page = self._items[self._given : self._given + self._limit]
        self._given += len(page)
        return page or None


def _close_first(opened: tuple[int, os.stat_result, Metadata]) -> None:
    os.close(opened[0])


def _attributes_at(path: str) -> bool:
    """Whether files keep extended attributes at ``path``, or where it is going to be."""
    folder = Path(path)
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return meta.supported(str(folder))


def _capability(*, attributes: bool) -> Capability:
    return Capability(
        stat=True,
        stat_with_if_match=True,
        stat_with_if_none_match=True,
        stat_with_if_modified_since=True,
        stat_with_if_unmodified_since=True,
        read=True,
        read_can_seek=True,
        read_with_range=True,
        read_with_suffix=True,
        read_with_if_match=True,
        read_with_if_none_match=True,
        read_with_if_modified_since=True,
        read_with_if_unmodified_since=True,
        write=True,
        write_can_empty=True,
        write_can_append=True,
        write_can_multi=True,
        write_multi_max_parts=PARTS_MAX,
        write_with_content_type=attributes,
        write_with_content_disposition=attributes,
        write_with_content_encoding=attributes,
        write_with_cache_control=attributes,
        write_with_user_metadata=attributes,
        write_with_if_not_exists=True,
        create_dir=True,
        delete=True,
        copy=True,
        copy_with_if_not_exists=True,
        copy_with_if_match=True,
        rename=True,
        rename_with_if_not_exists=True,
        list=True,
        list_with_limit=True,
        list_with_start_after=True,
        list_with_recursive=True,
        list_with_prefix=True,
        multipart=True,
        multipart_list_uploads=True,
        multipart_list_parts=True,
        multipart_copy=True,
    )
