"""The S3 service: what it can do, and each operation as requests of the core.

Invariant: a capability is true only where the configuration says that the server honours
it; every path is prefixed by the root and otherwise untouched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from dalbrowser.storage import oio
from dalbrowser.storage.accessor import Accessor
from dalbrowser.storage.context import AccessorInfo
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpDelete, OpRead, OpStat, OpWrite
from dalbrowser.storage.pinning import replaced_meanwhile
from dalbrowser.storage.services.s3 import deleter, headers, reader, replies
from dalbrowser.storage.services.s3.abilities import MAX_PART, MIN_PART, abilities
from dalbrowser.storage.services.s3.config import S3Config, with_preset
from dalbrowser.storage.services.s3.core import SLOW, Ask, S3Core
from dalbrowser.storage.services.s3.exact import ExactKeys
from dalbrowser.storage.services.s3.lister import Listings
from dalbrowser.storage.services.s3.neighbours import Neighbours, account_of, server_of
from dalbrowser.storage.services.s3.presigner import presigned
from dalbrowser.storage.services.s3.put import put
from dalbrowser.storage.services.s3.tags import tags_of, told_tags
from dalbrowser.storage.services.s3.uploads import Uploads
from dalbrowser.storage.services.s3.writer import PartWriter, Upload, put_whole
from dalbrowser.storage.types import (
    ByteRange,
    DeleteOutcome,
    EntryMode,
    Metadata,
    Metakey,
    Part,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopy,
        OpCopyMultipart,
        OpCreateDir,
        OpCreateMultipart,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpPresign,
        OpWriteMultipart,
    )
    from dalbrowser.storage.services.s3.credentials import CredentialSource
    from dalbrowser.storage.types import (
        Bucket,
        Data,
        HttpExchange,
        PresignedRequest,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )

DEFAULT_CHUNK = 16 * 1024 * 1024


class S3(Accessor):
    """Amazon S3 and what speaks like it."""

    scheme: ClassVar[str] = "s3"
    config_type: ClassVar[type] = S3Config

    def __init__(self, config: S3Config, source: CredentialSource | None = None) -> None:
        self._config = with_preset(config)
        root = self._config.root.strip("/")
        self._root = f"{root}/" if root else ""
        self._core = S3Core(self._config, source)
        self._exact = ExactKeys(self._core, self._root)
        self._uploads = Uploads(self._core, self._head)
        self._listings = Listings(self._core, self._root)
        self._neighbours = Neighbours(self._core)
        native = abilities(self._config)
        self._info = AccessorInfo(
            self.scheme,
            self._config.bucket,
            self._root,
            native,
            native,
            replies.LISTED,
            server_of(self._config),
            account_of(self._config),
        )

    @classmethod
    def from_config(cls, config: S3Config) -> S3:
        """Build the service; opens no connection, raises ``ConfigInvalid``."""
        return cls(config)

    def info(self) -> AccessorInfo:
        return self._info

    async def aclose(self) -> None:
        await self._core.aclose()

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        self._core.observe(sink)

    async def check(self) -> None:
        if self._config.bucket:
            await self._listings.probe()
        else:
            await self.list_buckets()

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        try:
            key = await self._key(path, writing=True)
        except StorageError as error:
            if error.kind is ErrorKind.UNSUPPORTED and await self._listings.exists(path):
                return  # It needs no object of its own: there are files in it.
            raise
        guarded = self._config.conditional_writes
        try:
            await self._head(key, OpStat())
        except StorageError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
        else:
            return
        try:
            await put(self._core, key, [], OpWrite(if_not_exists=guarded))
        except StorageError as late:
            # Made meanwhile, perhaps with bytes of its own, which must not be overwritten.
            if not guarded or late.kind is not ErrorKind.CONDITION_NOT_MATCH or late.is_temporary:
                raise

    async def stat(self, path: str, args: OpStat) -> Metadata:
        self._core.require_bucket()
        if not path:
            return Metadata(mode=EntryMode.DIR, known=Metakey.COMPLETE | Metakey.MODE)
        try:
            found = await self._head(await self._key(path), args)
        except StorageError as error:
            marker = error.kind is ErrorKind.NOT_FOUND and path.endswith("/")
            if not marker or args.version or not await self._listings.exists(path):
                raise
            return Metadata(mode=EntryMode.DIR, known=Metakey.COMPLETE | Metakey.MODE)
        if path.endswith("/"):
            found.mode = EntryMode.DIR
        return found

    async def read(self, path: str, args: OpRead) -> ReadReply:
        key = await self._key(path)
        if args.range.size == 0:
            return reader.empty(await self._head(key, args.as_stat()), args.range.start)
        try:
            return await self._open(key, args)
        except StorageError as error:
            if error.kind is not ErrorKind.RANGE_NOT_SATISFIED or args.range.last is None:
                raise
        # A suffix of an empty object has no satisfiable range (RFC 9110, 14.1.2), and
        # rclone serve s3 refuses one that is longer than the object.
        metadata = await self._head(key, args.as_stat())
        if not metadata.content_length:
            return reader.empty(metadata, 0)
        return await self._open(key, replace(args, range=ByteRange(0, metadata.content_length)))

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        headers.require_checksum(args.checksum)
        key = await self._key(path, writing=True)
        chunk = oio.part_size(
            args.chunk or DEFAULT_CHUNK,
            args.content_length,
            min_size=MIN_PART,
            max_size=MAX_PART,
        )
        upload = Upload(self._core, self._uploads, key, args)
        # Where no header carries a digest, none is made.
        hashed = self._core.signs_bodies or self._config.content_md5 != "never"
        return oio.MultipartWriter(
            upload,
            chunk=chunk,
            concurrent=args.concurrent,
            prepare=upload.prepare if hashed else None,
        )

    def takes_whole(self) -> bool:
        return True

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        key = await self._key(path)
        asked = self._reading(args)
        if self._config.object_checksums:
            asked["x-amz-checksum-mode"] = "ENABLED"
        query = headers.read_query(args)
        ask = Ask("GET", key, act="read objects", query=query, headers=asked)
        reply = await self._core.send(ask)
        try:
            headers.require_asked(args, reply.headers)
            if reply.content_length not in (None, size):
                raise replaced_meanwhile()
            data, whole = await reply.read_up_to(size)
        finally:
            await reply.aclose()
        if not whole:
            raise replaced_meanwhile()
        return headers.metadata(reply.headers), data

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        headers.require_checksum(args.checksum)
        key = await self._key(path, writing=True)
        return await put_whole(self._core, self._uploads, key, args, data, again=again)

    async def list(self, path: str, args: OpList) -> RawLister:
        self._core.require_bucket()
        return self._listings.objects(path, args)

    async def delete(self, path: str, args: OpDelete) -> None:
        key = self._exact_key(path)
        if await self._exact.may_delete(key, args):
            await deleter.delete(self._core, key, args)

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        settled: dict[int, DeleteOutcome] = {}
        keys: list[tuple[str, OpDelete]] = []
        for at, (path, args) in enumerate(items):
            try:
                key = self._exact_key(path)
                if await self._exact.may_delete(key, args):
                    keys.append((key, args))
                else:
                    settled[at] = DeleteOutcome(path, args.version)
            except StorageError as error:
                settled[at] = DeleteOutcome(path, args.version, error)
        done = iter(await deleter.delete_batch(self._core, self._root, keys) if keys else ())
        return [settled[at] if at in settled else next(done) for at in range(len(items))]

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        asked = await self._copied(source, args)
        key = await self._key(target, writing=True)
        asked |= headers.object_headers(self._config, OpWrite())
        reply, text = await self._core.call(
            Ask("PUT", key, act="copy objects", headers=asked, idle=SLOW)
        )
        said = replies.result(text, "CopyObjectResult")
        return Metadata(
            mode=EntryMode.FILE,
            etag=replies.quoted(said.get("ETag")),
            version=headers.version(reply.headers),
            known=Metakey.MODE | Metakey.ETAG | Metakey.VERSION,
        )

    async def presign(self, path: str, args: OpPresign) -> PresignedRequest:
        writing = isinstance(args.operation, OpWrite | OpDelete)
        return await presigned(self._core, await self._key(path, writing=writing), args)

    async def list_buckets(self) -> Sequence[Bucket]:
        return await self._listings.buckets()

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        headers.require_checksum(args.checksum)
        key = await self._key(path, writing=True)
        args = replace(args, tags=await self._tags(args))
        return await self._uploads.create(key, args)

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        headers.require_checksum(args.checksum)
        return PartWriter(self._uploads, await self._key(path, writing=True), args)

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        key = await self._key(path, writing=True)
        size = args.range.size
        if size is None:
            raise StorageError(
                ErrorKind.INVALID_INPUT, "A part is copied from a range with a start and an end."
            )
        asked = await self._copied(args.source, args)
        asked["x-amz-copy-source-range"] = args.range.to_header() or ""
        _, text = await self._core.call(
            Ask(
                "PUT",
                key,
                act="copy objects",
                query=[("partNumber", str(args.number)), ("uploadId", args.upload_id)],
                headers=asked | headers.customer_key(self._config),
                idle=SLOW,
            )
        )
        etag = replies.quoted(replies.result(text, "CopyPartResult").get("ETag"))
        return Part(args.number, size, etag or "")

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        key = await self._key(path, writing=True)
        if not self._config.multipart_tags:
            args = replace(args, tags=await self._tags(args))
        return await self._uploads.complete(key, parts, args)

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        await self._uploads.abort(await self._key(path), args)

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        self._core.require_bucket()
        return self._listings.uploads(path, args)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        return self._listings.parts(await self._key(path), args)

    async def _key(self, path: str, *, writing: bool = False) -> str:
        """Return the exact key of a path, once it is sure that the server keeps it exact."""
        key = self._exact_key(path)
        if writing:
            await self._exact.require_write(key)
        else:
            await self._exact.require_read(key)
        return key

    def _exact_key(self, path: str) -> str:
        self._core.require_bucket()
        key = self._root + path
        if not key:
            raise StorageError(ErrorKind.IS_A_DIRECTORY, "The path is empty: name an object.")
        return key

    def _reading(self, args: OpRead | OpStat) -> dict[str, str]:
        """Write what goes with every request for an object's bytes or metadata."""
        config = self._config
        return headers.conditions(args) | headers.customer_key(config) | headers.as_stored(config)

    async def _open(self, key: str, args: OpRead) -> ReadReply:
        asked = self._reading(args)
        if wanted := args.range.to_header():
            asked["range"] = wanted
        elif self._config.object_checksums:
            asked["x-amz-checksum-mode"] = "ENABLED"
        reply = await self._core.send(
            Ask(
                "GET",
                key,
                act="read objects",
                query=headers.read_query(args),
                headers=asked,
                ok=(200, 206),
            )
        )
        try:
            headers.require_asked(args, reply.headers)
            return reader.opened(reply, args.range)
        except StorageError:
            await reply.aclose()
            raise

    async def _head(self, key: str, args: OpStat) -> Metadata:
        asked = self._reading(args)
        reply, _ = await self._core.call(
            Ask(
                "HEAD",
                key,
                act="read objects",
                query=headers.read_query(args),
                headers=asked | {"x-amz-checksum-mode": "ENABLED"},
            )
        )
        headers.require_asked(args, reply.headers)
        found = headers.metadata(reply.headers)
        if args.tags:
            found.tags = await told_tags(self._core, key, args.version, reply.headers)
        return found

    async def _tags(self, args: OpCreateMultipart | OpCompleteMultipart) -> Mapping[str, str]:
        """Return the tags that an upload's object is to have."""
        if args.tags_from is None or not self._config.object_tags:
            return args.tags
        core, key = self._core, args.tags_from
        if args.tags_bucket is None:
            key = await self._key(key)
        else:
            await self._neighbours.require_read(args.tags_bucket, key)
            core = self._neighbours.core(args.tags_bucket)
        return await tags_of(core, key, args.tags_version)

    async def _copied(self, source: str, args: OpCopy | OpCopyMultipart) -> dict[str, str]:
        """Write which object is copied, and on what condition."""
        if args.source_bucket is None:
            source = await self._key(source)
        else:
            await self._neighbours.require_read(args.source_bucket, source)
        named = self._core.copy_source(source, args.source_version, args.source_bucket)
        asked = {"x-amz-copy-source": named}
        if args.if_match is not None:
            asked["x-amz-copy-source-if-match"] = args.if_match
        return asked | headers.customer_key(self._config, "copy-source-")
