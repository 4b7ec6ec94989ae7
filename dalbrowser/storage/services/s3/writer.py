"""What S3 gives to the shared writers: one PUT, or the requests of a multipart upload.

Invariant: blocks are kept until the server has confirmed them, so that any step may be
made again.
"""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCreateMultipart,
)
from dalbrowser.storage.services.s3.core import digest_of
from dalbrowser.storage.services.s3.put import put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.options import OpWrite, OpWriteMultipart
    from dalbrowser.storage.services.s3.core import S3Core
    from dalbrowser.storage.services.s3.uploads import Uploads
    from dalbrowser.storage.types import Data, Metadata, Part


class Upload:
    """One object being written: what ``oio.MultipartWriter`` calls."""

    def __init__(self, core: S3Core, uploads: Uploads, key: str, args: OpWrite) -> None:
        self._core = core
        self._uploads = uploads
        self._key = key
        self._args = args
        self._tried = False
        self._hashing: dict[int, asyncio.Task[bytes]] = {}

    async def single(self, data: Data) -> Metadata:
        """Write the whole object in one PUT.

        A repeated request whose first answer was lost may find its own object in its way.
        """
        again, self._tried = self._tried, True
        return await put_whole(self._core, self._uploads, self._key, self._args, data, again=again)

    async def begin(self) -> str:
        """Begin the upload."""
        return await self._uploads.create(self._key, _creation(self._args))

    def prepare(self, number: int, data: Data) -> None:
        """Begin to hash the part that is sent next, for the header that needs it."""
        if number not in self._hashing:
            name = "sha256" if self._core.signs_bodies else "md5"
            self._hashing[number] = asyncio.create_task(digest_of(name, [data]))

    async def part(self, upload_id: str, number: int, data: Data) -> Part:
        """Send one part."""
        hashing = self._hashing.pop(number, None)
        digest = await hashing if hashing is not None else None
        signed = self._core.signs_bodies
        return await self._uploads.part(
            self._key,
            upload_id,
            number,
            [data],
            md5=None if signed else digest,
            sha256=digest if signed else None,
            checksum=self._args.checksum,
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
        for hashing in self._hashing.values():
            hashing.cancel()
        self._hashing.clear()
        await self._uploads.abort(self._key, OpAbortMultipart(upload_id=upload_id))


async def put_whole(
    core: S3Core, uploads: Uploads, key: str, args: OpWrite, data: Data, *, again: bool
) -> Metadata:
    """Write an object in one PUT; ``again`` if it may be its own bytes that are in the way."""
    try:
        return await put(core, key, [data], args)
    except StorageError as error:
        mine = again and error.kind is ErrorKind.CONDITION_NOT_MATCH
        found = await uploads.written_before(key, data) if mine else None
        if found is None:
            raise
        return found


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


def _creation(args: OpWrite) -> OpCreateMultipart:
    return OpCreateMultipart(
        **{
            item.name: getattr(args, item.name)
            for item in fields(OpCreateMultipart)
            if hasattr(args, item.name)
        }
    )
