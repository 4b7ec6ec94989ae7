"""What S3 gives to the shared writers: one PUT, or the requests of a multipart upload.

Invariant: every body carries what the server needs to refuse damaged bytes (Content-MD5,
and in the clear the signed SHA-256), computed off the loop.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCreateMultipart,
    OpStat,
)
from dalbrowser.storage.services.s3 import headers, replies
from dalbrowser.storage.services.s3.contents import quoted
from dalbrowser.storage.services.s3.core import SLOW, Ask, content_md5, digest_of
from dalbrowser.storage.types import EntryMode, Metadata, Metakey, Part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dalbrowser.storage.options import OpWrite, OpWriteMultipart
    from dalbrowser.storage.services.s3.core import S3Core
    from dalbrowser.storage.types import Data

_WRITTEN = Metakey.MODE | Metakey.CONTENT_LENGTH | Metakey.ETAG | Metakey.VERSION


class Uploads:
    """The requests of multipart uploads."""

    def __init__(self, core: S3Core, stat: Callable[[str, OpStat], Awaitable[Metadata]]) -> None:
        self._core = core
        self._stat = stat

    async def create(self, key: str, args: OpCreateMultipart) -> str:
        """Begin an upload."""
        asked = headers.object_headers(self._core.config, args)
        if args.checksum:
            asked["x-amz-checksum-algorithm"] = args.checksum.upper()
        _, text = await self._core.call(
            Ask("POST", key, act="begin an upload", query=[("uploads", "")], headers=asked)
        )
        return replies.upload_id(text)

    async def part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: Sequence[Data],
        *,
        md5: bytes | None = None,
        checksum: str | None = None,
    ) -> Part:
        """Send one part."""
        sent = await body_headers(self._core, body, md5, checksum)
        reply, _ = await self._core.call(
            Ask(
                "PUT",
                key,
                act="write a part",
                query=[("partNumber", str(number)), ("uploadId", upload_id)],
                headers=sent | headers.customer_key(self._core.config),
                body=body,
            )
        )
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
        """Join the parts.

        A repeated request whose first answer was lost finds the upload gone; the object
        is then recognised by the ETag that these very parts make.
        """
        asked = await self._conditions(key, args)
        if args.checksum and args.checksum_value:
            asked[f"x-amz-checksum-{args.checksum}"] = args.checksum_value
        body = _complete_body(parts).encode()
        try:
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
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                found = await self._completed_before(key, parts)
                if found is not None:
                    return found
            raise
        said = replies.result(text, "CompleteMultipartUploadResult")
        etag = quoted(said.get("ETag"))
        if etag is None:  # Ceph 16 leaves it empty.
            etag = (await self._stat(key, OpStat())).etag
        return Metadata(
            mode=EntryMode.FILE,
            content_length=sum(part.size for part in parts),
            etag=etag,
            version=headers.version(reply.headers),
            checksums={
                name: said[f"Checksum{name.upper()}"]
                for name in headers.CHECKSUMS
                if said.get(f"Checksum{name.upper()}")
            },
            known=_WRITTEN,
        )

    async def abort(self, key: str, args: OpAbortMultipart) -> None:
        """Drop an upload; one that is gone already is fine."""
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

    async def _completed_before(self, key: str, parts: Sequence[Part]) -> Metadata | None:
        try:
            found = await self._stat(key, OpStat())
        except StorageError:
            return None
        return found if found.etag and found.etag == joined_etag(parts) else None


class Upload:
    """One object being written: what ``oio.MultipartWriter`` calls."""

    def __init__(self, core: S3Core, uploads: Uploads, key: str, args: OpWrite) -> None:
        self._core = core
        self._uploads = uploads
        self._key = key
        self._args = args
        self._checksum = args.checksum or core.config.checksum or None

    async def single(self, data: Data) -> Metadata:
        """Write the whole object in one PUT."""
        return await put(self._core, self._key, [data], self._args)

    async def begin(self) -> str:
        """Begin the upload."""
        return await self._uploads.create(self._key, _creation(self._args, self._checksum))

    async def part(self, upload_id: str, number: int, data: Data) -> Part:
        """Send one part."""
        return await self._uploads.part(
            self._key, upload_id, number, [data], checksum=self._checksum
        )

    async def complete(self, upload_id: str, parts: Sequence[Part]) -> Metadata:
        """Join the parts under the writer's conditions."""
        return await self._uploads.complete(
            self._key,
            parts,
            OpCompleteMultipart(
                upload_id=upload_id,
                if_not_exists=self._args.if_not_exists,
                if_match=self._args.if_match,
            ),
        )

    async def abort(self, upload_id: str) -> None:
        """Drop the upload."""
        await self._uploads.abort(self._key, OpAbortMultipart(upload_id=upload_id))


class PartWriter:
    """A ``RawPartWriter``: gathers exactly ``size`` bytes as blocks, and sends them unjoined."""

    def __init__(self, uploads: Uploads, key: str, args: OpWriteMultipart) -> None:
        self._uploads = uploads
        self._key = key
        self._args = args
        self._blocks: list[bytes] = []
        self._taken = 0

    async def write(self, data: Data) -> None:
        """Take all of ``data``, or raise ``ContentTruncated`` when it is more than declared."""
        if self._taken + len(data) > self._args.size:
            raise StorageError(
                ErrorKind.CONTENT_TRUNCATED,
                f"The part was declared with {self._args.size} bytes and was given"
                f" {self._taken + len(data)}; declare the right size.",
            )
        if len(data):
            self._blocks.append(data if isinstance(data, bytes) else bytes(data))
            self._taken += len(data)

    async def close(self) -> Part:
        """Send the part; after a failure it may be called again."""
        if self._taken != self._args.size:
            raise StorageError(
                ErrorKind.CONTENT_INCOMPLETE,
                f"The part was declared with {self._args.size} bytes and was given"
                f" {self._taken}; write the rest, or declare the right size.",
            )
        part = await self._uploads.part(
            self._key,
            self._args.upload_id,
            self._args.number,
            self._blocks,
            md5=self._args.md5,
            checksum=self._args.checksum,
        )
        self._blocks = []
        return part

    async def abort(self) -> None:
        """Forget the data; nothing was sent."""
        self._blocks = []


async def put(core: S3Core, key: str, body: Sequence[Data], args: OpWrite) -> Metadata:
    """Write a whole object in one request."""
    config = core.config
    checksum = args.checksum or config.checksum or None
    sent = headers.object_headers(config, args) | headers.write_conditions(config, args)
    sent |= await body_headers(core, body, None, checksum)
    reply, _ = await core.call(Ask("PUT", key, act="write objects", headers=sent, body=body))
    return Metadata(
        mode=EntryMode.FILE,
        content_length=sum(len(block) for block in body),
        etag=reply.headers.get("etag"),
        version=headers.version(reply.headers),
        checksums=headers.checksums(reply.headers),
        known=_WRITTEN,
    )


async def body_headers(
    core: S3Core, body: Sequence[Data], md5: bytes | None, checksum: str | None
) -> dict[str, str]:
    """Return the headers by which the server verifies a body."""
    found: dict[str, str] = {}
    wanted = core.config.content_md5
    if wanted == "always" or (wanted == "auto" and (md5 or not core.signs_bodies)):
        found["content-md5"] = content_md5(md5 or await digest_of("md5", body))
    if checksum:
        value = await digest_of(checksum, body)
        found["x-amz-sdk-checksum-algorithm"] = checksum.upper()
        found[f"x-amz-checksum-{checksum}"] = base64.b64encode(value).decode()
    return found


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


def _creation(args: OpWrite, checksum: str | None) -> OpCreateMultipart:
    values = {item.name: getattr(args, item.name) for item in fields(OpCreateMultipart)}
    return OpCreateMultipart(**(values | {"checksum": checksum}))


def _complete_body(parts: Sequence[Part]) -> str:
    from_parts = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{_escaped(part.etag)}</ETag>"
        + "".join(
            f"<Checksum{name.upper()}>{value}</Checksum{name.upper()}>"
            for name, value in part.checksums.items()
            if name in headers.CHECKSUMS
        )
        + "</Part>"
        for part in parts
    )
    return f'<CompleteMultipartUpload xmlns="{XMLNS}">{from_parts}</CompleteMultipartUpload>'


XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


def _escaped(etag: str) -> str:
    return etag.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
