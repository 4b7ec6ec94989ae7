"""The requests of multipart uploads: begin, send a part, join, drop.

Invariant: a request that is repeated because its answer was lost does no harm, and says of
the object what the lost answer would have said.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.storage.checksums import MISMATCH
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCreateMultipart,
    OpStat,
)
from dalbrowser.storage.services.s3 import checksums, headers, replies
from dalbrowser.storage.services.s3.core import SLOW, Ask, digest_of
from dalbrowser.storage.services.s3.put import WRITTEN, body_headers, wanted
from dalbrowser.storage.services.s3.tags import put_tags
from dalbrowser.storage.types import EntryMode, Metadata, Part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from dalbrowser.storage.net.client import HttpReply
    from dalbrowser.storage.services.s3.core import S3Core
    from dalbrowser.storage.types import Data


GRACE = 3.0
"""Seconds that who gives up waits for the id of an upload being begun, and for its abort."""


class Uploads:
    """The requests of multipart uploads."""

    def __init__(self, core: S3Core, stat: Callable[[str, OpStat], Awaitable[Metadata]]) -> None:
        self._core = core
        self._stat = stat
        self._tags: dict[str, Mapping[str, str]] = {}
        """The tags to be put on the objects of uploads begun here."""
        self._tried: set[str] = set()
        """Uploads whose completion was sent, and perhaps done without its answer arriving."""

    async def create(self, key: str, args: OpCreateMultipart) -> str:
        """Begin an upload."""
        asked = headers.object_headers(self._core.config, args)
        later = bool(args.tags) and not self._core.config.multipart_tags
        if later:
            del asked["x-amz-tagging"]

        async def begin(checksum: str | None) -> str:
            more = checksums.of_upload(checksum)
            _, text = await self._core.call(
                Ask(
                    "POST",
                    key,
                    act="begin an upload",
                    query=[("uploads", "")],
                    headers=asked | more,
                )
            )
            return replies.upload_id(text)

        asking = self._core.checksum.send(wanted(self._core, args.checksum), begin)
        upload_id = await self._begun(key, asking)
        if later:
            self._tags[upload_id] = args.tags
        return upload_id

    async def _begun(self, key: str, asking: Coroutine[None, None, str]) -> str:
        """Return the new upload's id; a caller that is cancelled meanwhile leaves no upload.

        Nobody else will know the id, and what an upload holds is paid for until it is dropped.
        """
        begun = asyncio.create_task(asking, name="begin an upload")
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            with contextlib.suppress(StorageError, TimeoutError):
                async with asyncio.timeout(GRACE):
                    upload_id = await begun
                    await self.abort(key, OpAbortMultipart(upload_id=upload_id))
            raise
        finally:
            begun.cancel()

    async def part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: Sequence[Data],
        *,
        md5: bytes | None = None,
        sha256: bytes | None = None,
        checksum: str | None = None,
    ) -> Part:
        """Send one part; its digests need not be given."""
        # "always" asks for both, on a server that does not look at one of them.
        sealed = self._core.config.content_md5 == "auto"

        async def send(name: str | None) -> tuple[HttpReply, bytes]:
            sent = await body_headers(self._core, body, md5, name)
            said = await self._core.call(
                Ask(
                    "PUT",
                    key,
                    act="write a part",
                    query=[("partNumber", str(number)), ("uploadId", upload_id)],
                    headers=sent | headers.customer_key(self._core.config),
                    body=body,
                    sealed=sealed and "content-md5" in sent,
                    sha256=sha256,
                )
            )
            kept = headers.checksums(said[0].headers)
            checksums.require_kept(f"Part {number}", sent, kept, again=True)
            return said

        reply, _ = await self._core.checksum.send(wanted(self._core, checksum), send)
        size = sum(len(block) for block in body)
        etag = reply.headers.get("etag", "")
        if not etag:
            raise StorageError(
                ErrorKind.UNEXPECTED,
                "The server took a part and did not say its ETag, so it cannot be completed."
                " Check that the endpoint is an S3 server.",
            )
        return Part(number, size, etag, headers.checksums(reply.headers))

    async def complete(
        self, key: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        """Join the parts, and put the tags that the server did not take at the beginning."""
        done = await self._joined(key, parts, args)
        late = not self._core.config.multipart_tags
        if tags := self._tags.get(args.upload_id) or (args.tags if late else None):
            await put_tags(self._core, key, tags, done.version)
            self._tags.pop(args.upload_id, None)
        return done

    async def _joined(self, key: str, parts: Sequence[Part], args: OpCompleteMultipart) -> Metadata:
        """Join the parts.

        A repeated request whose first answer was lost finds the upload gone, or its own
        object where there was to be none; the object is then recognised by the ETag that
        these very parts make. Ceph 16 answers 500 for an upload that is gone, so after such
        an answer its parts are asked for.
        """
        again = args.upload_id in self._tried
        self._tried.add(args.upload_id)
        try:
            done = await self._complete(key, parts, args)
        except StorageError as error:
            failure = await self._as_gone(key, args.upload_id, error)
            if not failure.is_temporary:
                self._tried.discard(args.upload_id)
            own = failure.kind is ErrorKind.NOT_FOUND or (
                again and failure.kind is ErrorKind.CONDITION_NOT_MATCH
            )
            found = await self._completed_before(key, parts) if own else None
            if found is not None:
                return found
            if failure is error:
                raise
            raise failure from error
        self._tried.discard(args.upload_id)
        return done

    async def _complete(
        self, key: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        asked = await self._conditions(key, args)
        # Needed where the upload has checksums (S3 API Reference, CompleteMultipartUpload).
        asked |= headers.customer_key(self._core.config)
        joined = checksums.joined("crc64nvme", parts)
        name = self._core.checksum.name(args.checksum or "")
        if name and args.checksum_value:
            asked[f"x-amz-checksum-{name}"] = args.checksum_value
        elif joined:
            asked |= {"x-amz-checksum-crc64nvme": joined, "x-amz-checksum-type": "FULL_OBJECT"}
        body = _complete_body(parts).encode()
        reply, text = await self._core.call(
            Ask(
                "POST",
                key,
                act="complete an upload",
                query=[("uploadId", args.upload_id)],
                headers=asked | {"content-type": "application/xml"},
                body=[body],
                idle=SLOW,
            )
        )
        said = replies.result(text, "CompleteMultipartUploadResult")
        _require_joined(joined, said.get("ChecksumCRC64NVME"))
        etag = replies.quoted(said.get("ETag"))
        if etag is None:  # Ceph 16 leaves it empty; what is there now says more than a reply.
            found = await self._stat(key, OpStat())
            return replace(found, version=headers.version(reply.headers) or found.version)
        return Metadata(
            mode=EntryMode.FILE,
            content_length=sum(part.size for part in parts),
            etag=etag,
            version=headers.version(reply.headers),
            checksums=checksums.told(
                {name: said.get(f"Checksum{name.upper()}") for name in checksums.NAMES},
                said.get("ChecksumType"),
                etag,
            ),
            known=WRITTEN,
        )

    async def abort(self, key: str, args: OpAbortMultipart) -> None:
        """Drop an upload; one that is gone already is fine."""
        self._tags.pop(args.upload_id, None)
        try:
            await self._core.call(
                Ask(
                    "DELETE",
                    key,
                    act="abort an upload",
                    query=[("uploadId", args.upload_id)],
                    ok=(200, 204),
                )
            )
        except StorageError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise

    async def _conditions(self, key: str, args: OpCompleteMultipart) -> dict[str, str]:
        """Write the conditions, or check them just before where the server ignores them."""
        config = self._core.config
        if config.conditional_completes:
            if args.if_not_exists:
                return {"if-none-match": "*"}
            if args.if_match is not None:
                return {"if-match": headers.match_value(config, args.if_match)}
            return {}
        if args.if_not_exists or args.if_match is not None:
            await self._check_conditions(key, args)
        return {}

    async def _check_conditions(self, key: str, args: OpCompleteMultipart) -> None:
        try:
            there: Metadata | None = await self._stat(key, OpStat())
        except StorageError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            there = None
        holds = (
            there is None
            if args.if_not_exists
            else (there is not None and there.etag == args.if_match)
        )
        if not holds:
            raise StorageError(
                ErrorKind.CONDITION_NOT_MATCH,
                "The object is not as the condition demands: it was changed, or exists already."
                " The upload was kept.",
            )

    async def _as_gone(self, key: str, upload_id: str, error: StorageError) -> StorageError:
        """Return ``NotFound`` where the server failed as the upload is gone, else ``error``."""
        answered = error.is_temporary and "status" in error.context
        if not answered or error.kind is not ErrorKind.UNEXPECTED:
            return error
        query = [("uploadId", upload_id), ("max-parts", "1")]
        try:
            sealed = headers.customer_key(self._core.config)
            await self._core.call(Ask("GET", key, act="list parts", query=query, headers=sealed))
        except StorageError as gone:
            if gone.kind is ErrorKind.NOT_FOUND:
                return gone
        return error

    async def _completed_before(self, key: str, parts: Sequence[Part]) -> Metadata | None:
        try:
            found = await self._stat(key, OpStat())
        except StorageError:
            return None
        return found if found.etag and found.etag == joined_etag(parts) else None

    async def written_before(self, key: str, data: Data) -> Metadata | None:
        """Return the object that is there if it is, by size and MD5, ``data``."""
        try:
            found = await self._stat(key, OpStat())
        except StorageError:
            return None
        if found.content_length != len(data):
            return None
        digest = (await digest_of("md5", [data])).hex()
        return found if found.etag == f'"{digest}"' else None


def joined_etag(parts: Sequence[Part]) -> str | None:
    """Return the ETag that AWS gives to an object of these parts, if their ETags are MD5s."""
    digests = [part.etag.strip('"') for part in parts]
    if not all(len(item) == 32 for item in digests):
        return None
    try:
        whole = b"".join(bytes.fromhex(item) for item in digests)
    except ValueError:
        return None
    return f'"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{len(parts)}"'


def _require_joined(ours: str | None, theirs: str | None) -> None:
    """Raise when the server joined other bytes than those that were sent."""
    if ours and theirs and theirs != ours:
        raise StorageError(
            ErrorKind.UNEXPECTED,
            f"The server says that the finished object's CRC-64/NVME is {theirs}, and the parts"
            f" sent make {ours}: it holds other bytes. Write it again.",
            context={"code": MISMATCH},
        )


def _complete_body(parts: Sequence[Part]) -> str:
    from_parts = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{_escaped(part.etag)}</ETag>"
        + "".join(
            f"<Checksum{name.upper()}>{value}</Checksum{name.upper()}>"
            for name, value in part.checksums.items()
            if name in checksums.NAMES
        )
        + "</Part>"
        for part in parts
    )
    return f'<CompleteMultipartUpload xmlns="{XMLNS}">{from_parts}</CompleteMultipartUpload>'


XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


def _escaped(etag: str) -> str:
    return etag.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
