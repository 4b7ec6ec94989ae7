"""The public multipart handles: an upload that can be resumed by its id from any process.

Invariant: nothing is readable under the path before ``complete`` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCopyMultipart,
    OpListMultiparts,
    OpListParts,
    OpWriteMultipart,
)
from dalbrowser.storage.paths import exact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from types import TracebackType

    from dalbrowser.storage.context import RawAccess
    from dalbrowser.storage.types import (
        ByteRange,
        Data,
        Metadata,
        MultipartUpload,
        Part,
        RawPartWriter,
    )


class PartWriter:
    """Writes one part of a declared size. Use it as an async context manager."""

    def __init__(self, access: RawAccess, path: str, args: OpWriteMultipart) -> None:
        self._access = access
        self._path = path
        self._args = args
        self._raw: RawPartWriter | None = None
        self._part: Part | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            await self.abort()
            return
        try:
            await self.close()
        except BaseException:
            await self.abort()
            raise

    async def write(self, data: Data) -> None:
        """Take all of ``data``; more than declared raises ``ContentTruncated``."""
        await (await self._open()).write(data)

    async def close(self) -> Part:
        """Send what is left and return the part; less than declared is ``ContentIncomplete``."""
        if self._part is None:
            self._part = await (await self._open()).close()
        return self._part

    async def abort(self) -> None:
        """Give this part up; the upload stays usable."""
        if self._raw is not None and self._part is None:
            await self._raw.abort()

    async def _open(self) -> RawPartWriter:
        if self._raw is None:
            self._raw = await self._access.write_multipart(self._path, self._args)
        return self._raw


class Multipart:
    """One multipart upload: ``path`` is its exact key, ``upload_id`` what resumes it."""

    def __init__(
        self, access: RawAccess, path: str, upload_id: str, *, checksum: str | None = None
    ) -> None:
        self._access = access
        self.path = path
        self.upload_id = upload_id
        self._checksum = checksum

    async def write(self, number: int, data: Data, *, md5: bytes | None = None) -> Part:
        """Send part ``number`` (1 to 10,000) in one request; a part sent again replaces it."""
        writer = self.writer(number, size=memoryview(data).nbytes, md5=md5)
        async with writer:
            await writer.write(data)
        return await writer.close()

    def writer(self, number: int, *, size: int, md5: bytes | None = None) -> PartWriter:
        """Return a writer of part ``number`` that takes exactly ``size`` bytes."""
        args = OpWriteMultipart(
            upload_id=self.upload_id, number=number, size=size, checksum=self._checksum, md5=md5
        )
        return PartWriter(self._access, self.path, args)

    async def copy_part(
        self,
        number: int,
        source: str,
        byte_range: ByteRange,
        *,
        if_match: str | None = None,
        source_version: str | None = None,
        source_bucket: str | None = None,
    ) -> Part:
        """Fill part ``number`` from a range of the object ``source``, on the server.

        With ``source_bucket``, ``source`` is an exact key of that bucket of the same server.
        """
        args = OpCopyMultipart(
            upload_id=self.upload_id,
            number=number,
            source=exact(source) if source_bucket is None else source,
            range=byte_range,
            if_match=if_match,
            source_version=source_version,
            source_bucket=source_bucket,
        )
        return await self._access.copy_multipart(self.path, args)

    async def list_parts(self) -> list[Part]:
        """Return every part that the server holds, in order of their numbers."""
        lister = await self._access.list_parts(self.path, OpListParts(upload_id=self.upload_id))
        parts: list[Part] = []
        while (page := await lister.next_page()) is not None:
            parts += page
        return parts

    async def complete(
        self,
        parts: Iterable[Part],
        *,
        if_not_exists: bool = False,
        if_match: str | None = None,
        checksum_value: str | None = None,
        tags: Mapping[str, str] | None = None,
        tags_from: str | None = None,
        tags_bucket: str | None = None,
    ) -> Metadata:
        """Turn ``parts`` (in any order) into the object; a failure leaves the upload usable.

        ``tags``, or the exact path ``tags_from`` that has them, as at the upload's beginning:
        whoever goes on with an upload of another process says them again.
        """
        args = OpCompleteMultipart(
            upload_id=self.upload_id,
            if_not_exists=if_not_exists,
            if_match=if_match,
            checksum=self._checksum,
            checksum_value=checksum_value,
            tags=tags or {},
            tags_from=tags_from,
            tags_bucket=tags_bucket,
        )
        return await self._access.complete_multipart(self.path, list(parts), args)

    async def abort(self) -> None:
        """Drop the upload and its parts; succeeds when it is already gone."""
        await self._access.abort_multipart(self.path, OpAbortMultipart(upload_id=self.upload_id))


async def list_uploads(
    access: RawAccess, path: str, *, limit: int | None = None
) -> AsyncIterator[MultipartUpload]:
    """Iterate over the incomplete uploads under a folder, or of exactly one path.

    ``""`` and paths that end in ``/`` are prefixes; ``a.bin`` finds uploads to ``a.bin`` only,
    not to ``a.bin.bak``.
    """
    exactly = bool(path) and not path.endswith("/")
    lister = await access.list_multiparts(path, OpListMultiparts(limit=limit))
    while (page := await lister.next_page()) is not None:
        for upload in page:
            if not exactly or upload.path == path:
                yield upload
