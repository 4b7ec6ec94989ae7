"""Completes what a service lacks from what it has; native ability always goes first.

Bodies: native seek and stream stay as they are; a missing stream is cut from ``read``
(``StreamableReader``), a missing seek is a new ranged request (``ByRangeSeekableReader``),
and a body that has neither gets both. Every body is checked against its announced length.

Invariant: a completed ability means exactly what the native one would; where it cannot,
the capability stays off and the answer is ``Unsupported``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.layers.error_context import Where, range_text
from dalbrowser.storage.layers.server_copy import copy_any_size, rename_by_copy
from dalbrowser.storage.oio.batch_delete import delete_each
from dalbrowser.storage.oio.body import (
    ByRangeSeekableReader,
    CheckedBody,
    EmptyBody,
    StreamableReader,
)
from dalbrowser.storage.oio.listing import (
    FilteredLister,
    LimitedLister,
    RecursiveLister,
    SortedLister,
)
from dalbrowser.storage.options import OpList, OpStat, OpWrite
from dalbrowser.storage.paths import is_dir_path, parent
from dalbrowser.storage.pinning import pinned
from dalbrowser.storage.types import ByteRange, EntryMode, Metadata, Metakey, ReadReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.capability import Capability
    from dalbrowser.storage.context import AccessorInfo
    from dalbrowser.storage.options import OpCopy, OpCreateDir, OpDelete, OpRead, OpRename
    from dalbrowser.storage.types import DeleteOutcome, RawLister

_BATCH = 1000
"""Paths of one simulated batch delete; as many as S3 takes natively."""


def completed(native: Capability) -> Capability:
    """Return what is possible after completion."""
    listing = native.list
    return replace(
        native,
        read_can_seek=native.read and (native.read_can_seek or native.read_with_range),
        read_can_next=native.read,
        read_with_suffix=native.read_with_suffix or (native.read_with_range and native.stat),
        create_dir=native.create_dir or (native.write and native.write_can_empty),
        delete_max_size=native.delete_max_size or (_BATCH if native.delete else None),
        rename=native.rename or (native.copy and native.delete and native.stat),
        rename_with_if_not_exists=native.rename_with_if_not_exists
        or (not native.rename and native.copy_with_if_not_exists and native.delete and native.stat),
        list_with_limit=listing,
        list_with_start_after=listing,
        list_with_recursive=listing,
        list_with_prefix=listing,
    )


class CompleteLayer:
    """Applied to every operator, around the error context."""

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` completed."""
        return CompleteAccessor(inner)


class CompleteAccessor(LayeredAccessor):
    """See the module."""

    def __init__(self, inner: Accessor) -> None:
        super().__init__(inner)
        info = inner.info()
        self._native = info.native
        self._info = replace(info, capability=completed(info.native))

    def info(self) -> AccessorInfo:
        return self._info

    async def stat(self, path: str, args: OpStat) -> Metadata:
        if not path:
            return Metadata(mode=EntryMode.DIR, known=Metakey.MODE | Metakey.COMPLETE)
        try:
            return await self.inner.stat(path, args)
        except StorageError as error:
            missing = error.kind is ErrorKind.NOT_FOUND
            if not (missing and is_dir_path(path) and self._native.list and args == OpStat()):
                raise
            if await self._is_prefix(path):
                return Metadata(mode=EntryMode.DIR, known=Metakey.MODE | Metakey.COMPLETE)
            raise

    async def _is_prefix(self, path: str) -> bool:
        """Whether anything lies under the folder ``path``."""
        lister = await self.list(path, OpList(recursive=self._native.list_with_recursive, limit=1))
        try:
            while (page := await lister.next_page()) is not None:
                if page.entries:
                    return True
        finally:
            await lister.aclose()
        return False

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        if not path:
            return
        if self._native.create_dir or not (self._native.write and self._native.write_can_empty):
            await self.inner.create_dir(path, args)
            return
        guarded = self._native.write_with_if_not_exists
        if not guarded and self._native.stat and await self._exists(path):
            return
        try:
            await self._write_marker(path, OpWrite(if_not_exists=guarded, content_length=0))
        except StorageError as error:
            # It exists already, perhaps with bytes of its own, and must not be overwritten.
            if not guarded or error.kind is not ErrorKind.CONDITION_NOT_MATCH or error.is_temporary:
                raise

    async def _write_marker(self, path: str, args: OpWrite) -> None:
        writer = await self.inner.write(path, args)
        try:
            await writer.close()
        except BaseException:
            await writer.abort()
            raise

    async def _exists(self, path: str) -> bool:
        try:
            await self.inner.stat(path, OpStat())
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return False
            raise
        return True

    async def read(self, path: str, args: OpRead) -> ReadReply:
        wanted = args.range
        if wanted.size == 0 or (wanted.last is not None and not self._native.read_with_suffix):
            metadata = await self.inner.stat(path, args.as_stat())
            start, end = wanted.resolve(metadata.content_length or 0)
            if start == end:
                return ReadReply(metadata, EmptyBody(), start, 0)
            args = pinned(args, metadata, if_match=self._native.read_with_if_match)
            args = replace(args, range=ByteRange(start, end))
        try:
            reply = await self._open(path, args)
        except StorageError as error:
            # HTTP has no range that an empty object satisfies (RFC 9110, 14.1.2).
            if error.kind is not ErrorKind.RANGE_NOT_SATISFIED or args.range.start:
                raise
            metadata = await self.inner.stat(path, args.as_stat())
            if metadata.content_length:
                raise
            return ReadReply(metadata, EmptyBody(), 0, 0)
        if not self._native.read_can_seek and self._native.read_with_range:
            reply.body = ByRangeSeekableReader(
                partial(self._open, path),
                args,
                reply,
                if_match=self._native.read_with_if_match,
            )
        return reply

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        metadata, data = await self.inner.read_whole(path, args, size)
        if len(data) != size or metadata.content_length not in (None, size):
            where = Where(self._info.scheme, "read", path)
            reply = ReadReply(metadata, EmptyBody(), 0, len(data))
            raise where.name(_wrong_range(ByteRange(0, size), reply))
        return metadata, data

    async def _open(self, path: str, args: OpRead) -> ReadReply:
        """Open a body that streams and is checked."""
        reply = await self.inner.read(path, args)
        try:
            size = _announced(args.range, reply)
        except StorageError as error:
            await reply.body.aclose()
            where = Where(self._info.scheme, "read", path, range_text(args.range))
            raise where.name(error) from None
        reply.size = size
        body = CheckedBody(reply.body, size)
        reply.body = body if self._native.read_can_next else StreamableReader(body)
        return reply

    async def list(self, path: str, args: OpList) -> RawLister:
        native = self._native
        prefix, folder = path, path
        if not is_dir_path(path) and not native.list_with_prefix:
            folder = parent(path)
        sorted_walk = args.start_after is not None and not native.list_with_start_after
        lister = await self._list_folder(folder, args, sorted_walk=sorted_walk)
        if folder != prefix or sorted_walk:
            lister = FilteredLister(
                lister, prefix=prefix, start_after=args.start_after if sorted_walk else None
            )
        if args.limit is not None and not native.list_with_limit:
            lister = LimitedLister(lister, args.limit)
        return lister

    async def _list_folder(self, folder: str, args: OpList, *, sorted_walk: bool) -> RawLister:
        native = self._native
        asked = args
        if sorted_walk:
            asked = replace(asked, start_after=None)
        if asked.limit is not None and not native.list_with_limit:
            asked = replace(asked, limit=None)
        if asked.recursive and not native.list_with_recursive:
            level = replace(asked, recursive=False, start_after=None)
            return RecursiveLister(
                lambda each: self.inner.list(each, level),
                folder,
                ordered=args.start_after is not None,
                start_after=args.start_after,
            )
        lister = await self.inner.list(folder, asked)
        return SortedLister(lister) if sorted_walk else lister

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        if self._native.delete_max_size is not None:
            return await self.inner.delete_batch(items)
        return await delete_each(self.inner.delete, items)

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        if args.source_bucket is not None:
            # How large the source is can be asked of its own bucket only, by who copies.
            return await self.inner.copy(source, target, args)
        return await copy_any_size(self.inner, source, target, args)

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        if self._native.rename or not completed(self._native).rename:
            await self.inner.rename(source, target, args)
        else:
            await rename_by_copy(self.inner, source, target, if_not_exists=args.if_not_exists)


def _announced(wanted: ByteRange, reply: ReadReply) -> int | None:
    """Return the bytes that the body must have; refuse a body that is not the range asked for."""
    length = reply.metadata.content_length
    if length is None:
        if wanted.last is None and reply.offset != wanted.start:
            raise _wrong_range(wanted, reply)
        return reply.size
    start, end = wanted.resolve(length)
    if reply.offset != start or (reply.size is not None and reply.size != end - start):
        raise _wrong_range(wanted, reply)
    return end - start


def _wrong_range(wanted: ByteRange, reply: ReadReply) -> StorageError:
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"Asked for bytes {range_text(wanted) or '0..'}, the server sent {reply.size} bytes"
        f" from {reply.offset} of {reply.metadata.content_length}; it, or a proxy before it,"
        " does not honour ranges.",
    )
