"""The service ``memory``: what it can do, and each operation over its store.

Invariant: it behaves as S3 does (flat keys, folders by their slash, ETags by MD5), so that
what is tried here holds there.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, TypeVar

from dalbrowser.storage.accessor import Accessor
from dalbrowser.storage.capability import Capability
from dalbrowser.storage.context import AccessorInfo
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.oio.batch_delete import delete_each
from dalbrowser.storage.oio.oneshot_write import OneShotWriter
from dalbrowser.storage.oio.paging import Pager
from dalbrowser.storage.oio.part_write import BufferedPartWriter
from dalbrowser.storage.services.memory.body import MemoryBody
from dalbrowser.storage.services.memory.conditions import (
    require_delete,
    require_read,
    require_write,
)
from dalbrowser.storage.services.memory.config import MemoryConfig
from dalbrowser.storage.services.memory.core import (
    Store,
    Upload,
    etag_of,
    etag_of_parts,
    not_found,
    shared_store,
)
from dalbrowser.storage.services.memory.listing import PAGE, list_store
from dalbrowser.storage.types import Metakey, MultipartUpload, Part, ReadReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopy,
        OpCopyMultipart,
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
        Data,
        DeleteOutcome,
        Metadata,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawUploadLister,
        RawWriter,
    )

T = TypeVar("T")

_HASH_HERE = 256 * 1024
"""Bytes up to which an MD5 takes less than a thread switch is worth."""


def _capability(*, versioning: bool) -> Capability:
    return Capability(
        stat=True,
        stat_with_if_match=True,
        stat_with_if_none_match=True,
        stat_with_if_modified_since=True,
        stat_with_if_unmodified_since=True,
        stat_with_version=versioning,
        read=True,
        read_can_seek=True,
        read_can_next=True,
        read_with_range=True,
        read_with_suffix=True,
        read_with_if_match=True,
        read_with_if_none_match=True,
        read_with_if_modified_since=True,
        read_with_if_unmodified_since=True,
        read_with_version=versioning,
        write=True,
        write_can_empty=True,
        write_can_append=True,
        write_can_multi=True,
        write_multi_max_parts=10_000,
        write_with_content_type=True,
        write_with_content_disposition=True,
        write_with_content_encoding=True,
        write_with_cache_control=True,
        write_with_user_metadata=True,
        write_with_if_match=True,
        write_with_if_none_match=True,
        write_with_if_not_exists=True,
        write_with_storage_class=True,
        delete=True,
        delete_with_version=versioning,
        delete_with_if_match=True,
        delete_max_size=1000,
        copy=True,
        copy_with_if_not_exists=True,
        copy_with_if_match=True,
        copy_with_source_version=versioning,
        rename=True,
        rename_with_if_not_exists=True,
        list=True,
        list_with_limit=True,
        list_with_start_after=True,
        list_with_recursive=True,
        list_with_prefix=True,
        list_with_versions=versioning,
        list_with_deleted=versioning,
        multipart=True,
        multipart_list_uploads=True,
        multipart_list_parts=True,
        multipart_copy=True,
    )


class Memory(Accessor):
    """See the module."""

    scheme: ClassVar[str] = "memory"
    config_type: ClassVar[type] = MemoryConfig

    def __init__(self, store: Store, config: MemoryConfig) -> None:
        self._store = store
        self._versioning = config.versioning
        root = config.root.strip("/")
        self._root = f"{root}/" if root else ""
        capability = _capability(versioning=config.versioning)
        self._info = AccessorInfo(
            scheme=self.scheme,
            name=config.name,
            root=self._root,
            native=capability,
            capability=capability,
            listed=~Metakey.NONE,
            local=True,
        )

    @classmethod
    def from_config(cls, config: MemoryConfig) -> Memory:
        """Build the accessor."""
        return cls(shared_store(config.name), config)

    def info(self) -> AccessorInfo:
        return self._info

    async def check(self) -> None:
        """Succeed; memory is always there."""

    async def stat(self, path: str, args: OpStat) -> Metadata:
        metadata = self._store.get(self._root + path, args.version).metadata
        require_read(metadata, args)
        return metadata

    async def read(self, path: str, args: OpRead) -> ReadReply:
        stored = self._store.get(self._root + path, args.version)
        require_read(stored.metadata, args)
        data = stored.data or b""
        start, end = args.range.resolve(len(data))
        if args.range.start and args.range.start >= len(data):
            raise StorageError(
                ErrorKind.RANGE_NOT_SATISFIED,
                f"The range begins at {args.range.start}, the object has {len(data)} bytes.",
            )
        return ReadReply(
            stored.metadata, MemoryBody(memoryview(data)[start:end]), start, end - start
        )

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        key = self._root + path
        check = require_write(
            if_match=args.if_match,
            if_none_match=args.if_none_match,
            if_not_exists=args.if_not_exists,
        )
        check(self._store.current(key))

        async def put(data: Data) -> Metadata:
            while True:
                before = self._store.current(key) if args.append else None
                content = ((before.data if before else None) or b"") + data
                etag = await _hashed(content)
                with self._store.lock:
                    if args.append and self._store.current(key) is not before:
                        continue  # Appended to meanwhile: these bytes go behind those.
                    versioning = self._versioning
                    return self._store.put(
                        key, content, args, etag=etag, versioning=versioning, check=check
                    )

        return OneShotWriter(put)

    async def list(self, path: str, args: OpList) -> RawLister:
        return list_store(self._store, self._root, path, args)

    async def delete(self, path: str, args: OpDelete) -> None:
        self._store.delete(
            self._root + path,
            args.version,
            versioning=self._versioning,
            check=require_delete(args.if_match),
        )

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        return await delete_each(self.delete, items)

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        with self._store.lock:
            stored = self._store.get(self._root + source, args.source_version)
            require_write(if_match=args.if_match)(stored)
            key = self._root + target
            require_write(if_not_exists=args.if_not_exists)(self._store.current(key))
            return self._store.put_copy(key, stored, versioning=self._versioning)

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        with self._store.lock:
            stored = self._store.get(self._root + source, None)
            key = self._root + target
            require_write(if_not_exists=args.if_not_exists)(self._store.current(key))
            self._store.put_copy(key, stored, versioning=self._versioning)
            self._store.delete(
                self._root + source,
                None,
                versioning=self._versioning,
                check=require_write(),
            )

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        upload_id = self._store.next_id()
        self._store.uploads[upload_id] = Upload(self._root + path, args, datetime.now(UTC))
        return upload_id

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        self._upload(path, args.upload_id)

        async def send(data: Data) -> Part:
            content = bytes(data)
            etag = await _hashed(content)
            if args.md5 is not None and etag != f'"{args.md5.hex()}"':
                raise StorageError(
                    ErrorKind.UNEXPECTED, "The part does not have the MD5 given with it."
                )
            return self._put_part(path, args.upload_id, args.number, content, etag)

        return BufferedPartWriter(args.size, send)

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        self._upload(path, args.upload_id)
        stored = self._store.get(self._root + args.source, args.source_version)
        require_write(if_match=args.if_match)(stored)
        data = stored.data or b""
        if (args.range.end or 0) > len(data):
            raise StorageError(
                ErrorKind.RANGE_NOT_SATISFIED,
                f"The range ends at {args.range.end}, the object has {len(data)} bytes.",
            )
        content = data[args.range.start : args.range.end]
        etag = await _hashed(content)
        return self._put_part(path, args.upload_id, args.number, content, etag)

    def _put_part(self, path: str, upload_id: str, number: int, content: bytes, etag: str) -> Part:
        part = Part(number, len(content), etag, last_modified=datetime.now(UTC))
        self._upload(path, upload_id).parts[number] = (part, content)
        return part

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        upload = self._upload(path, args.upload_id)
        blocks = []
        for part in parts:
            held, content = upload.parts.get(part.number, (None, b""))
            if held is None or held.etag != part.etag:
                raise StorageError(
                    ErrorKind.INVALID_INPUT,
                    f"Part {part.number} with ETag {part.etag} is not held; write it again.",
                )
            blocks.append(content)
        check = require_write(if_match=args.if_match, if_not_exists=args.if_not_exists)
        metadata = self._store.put(
            upload.key,
            b"".join(blocks),
            upload.args,
            etag=etag_of_parts(parts),
            versioning=self._versioning,
            check=check,
        )
        self._store.uploads.pop(args.upload_id, None)
        return metadata

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        upload = self._store.uploads.get(args.upload_id)
        if upload is not None and upload.key == self._root + path:
            del self._store.uploads[args.upload_id]

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        prefix, limit = self._root + path, args.limit or PAGE
        found = sorted(
            (upload.key, upload_id, upload.initiated)
            for upload_id, upload in self._store.uploads.items()
            if upload.key.startswith(prefix)
        )
        uploads = [
            MultipartUpload(key[len(self._root) :], upload_id, initiated)
            for key, upload_id, initiated in found
        ]

        async def fetch(token: str | None) -> tuple[Sequence[MultipartUpload], str | None]:
            return _slice(uploads, token, limit)

        return Pager(fetch)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        limit = args.limit or PAGE
        held = self._upload(path, args.upload_id).parts
        parts = [held[number][0] for number in sorted(held)]

        async def fetch(token: str | None) -> tuple[Sequence[Part], str | None]:
            return _slice(parts, token, limit)

        return Pager(fetch)

    def _upload(self, path: str, upload_id: str) -> Upload:
        upload = self._store.uploads.get(upload_id)
        if upload is None or upload.key != self._root + path:
            raise not_found("There is no such upload; it was completed or aborted. Begin another.")
        return upload


async def _hashed(data: bytes) -> str:
    if len(data) <= _HASH_HERE:
        return etag_of(data)
    return await asyncio.to_thread(etag_of, data)


def _slice(items: Sequence[T], token: str | None, limit: int) -> tuple[Sequence[T], str | None]:
    start = int(token or 0)
    end = start + limit
    return items[start:end], str(end) if end < len(items) else None
