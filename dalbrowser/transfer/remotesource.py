"""An object on a service that is being copied: its bytes by parts, always of one version.

Invariant: what is handed out, or copied in its name, is of the version that was seen first.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import ByteRange
from dalbrowser.transfer.disk.source import SourceIdentity
from dalbrowser.transfer.integrity import same_etag, sums_of
from dalbrowser.transfer.model import SourceChangedError
from dalbrowser.transfer.remote import pin, stat_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.partplan import PartSpan


class RemoteSource:
    """An object as a ``PartSource``, pinned to one ETag."""

    def __init__(self, op: Operator, key: str, metadata: Metadata) -> None:
        self._op = op
        self._key = key
        self._metadata = metadata
        self.identity = SourceIdentity(metadata.content_length or 0, 0, 0, 0)

    async def fetch(self, span: PartSpan) -> bytes:
        """Read one part; ``SourceChangedError`` when the object is another by now."""
        data = b""
        if span.size:
            part = ByteRange(span.offset, span.offset + span.size)
            pinned = pin(self._op.info().capability, self._metadata.etag)
            try:
                data = await self._op.read(spell(self._key), range=part, **pinned)
            except StorageError as error:
                gone = (ErrorKind.CONDITION_NOT_MATCH, ErrorKind.RANGE_NOT_SATISFIED)
                if error.kind in (*gone, ErrorKind.NOT_FOUND):
                    raise changed(self._key) from error
                raise
        if len(data) != span.size:
            raise changed(self._key)
        return data

    async def read(self, span: PartSpan) -> tuple[bytes, bytes]:
        """Read one part as ``fetch``, and its MD5."""
        data = await self.fetch(span)
        digest = await asyncio.to_thread(hashlib.md5, data, usedforsecurity=False)
        return data, digest.digest()

    async def digest(self, span: PartSpan) -> bytes:
        """Read a part again for its digest alone."""
        _, digest = await self.read(span)
        return digest

    async def digests(self, span: PartSpan, names: Sequence[str]) -> tuple[bytes, dict[str, str]]:
        """Read a part again for its digests."""
        data, md5 = await self.read(span)
        return md5, await asyncio.to_thread(sums_of, data, names)

    async def whole_digest(self) -> bytes | None:
        """Return nothing: it would be the whole object once more over the network."""
        return None

    async def check(self) -> None:
        """Look whether the object is still the one that was read."""
        await self._looked_at()

    async def check_strictly(self) -> None:
        """Look also whether it was written anew meanwhile, with the same bytes in the end.

        Where no condition could pin each part, another version may have come and gone.
        """
        self._require_unwritten(await self._looked_at())

    async def is_there(self) -> bool:
        """Whether the object is there, as ``check_strictly``; nothing at all is no error."""
        there = await stat_or_none(self._op, self._key)
        if there is not None:
            self._require_same(there)
            self._require_unwritten(there)
        return there is not None

    async def delete(self) -> None:
        """Delete the object, under its ETag where the service takes that as a condition."""
        able = self._op.info().capability.delete_with_if_match
        pin = self._metadata.etag if able else None
        try:
            await self._op.delete(spell(self._key), if_match=pin)
        except StorageError as error:
            if pin is None or error.kind is not ErrorKind.CONDITION_NOT_MATCH:
                raise
            # A deletion that is repeated because its answer was lost finds nothing to match.
            if await stat_or_none(self._op, self._key) is not None:
                raise changed(self._key) from error

    async def _looked_at(self) -> Metadata:
        there = await stat_or_none(self._op, self._key)
        if there is None:
            raise changed(self._key)
        self._require_same(there)
        return there

    def _require_same(self, there: Metadata) -> None:
        if not same_object(self._metadata, there):
            raise changed(self._key)

    def _require_unwritten(self, there: Metadata) -> None:
        first = self._metadata
        if (first.last_modified, first.version) != (there.last_modified, there.version):
            raise changed(self._key)

    def named(self, bucket: str | None) -> str:
        """Return the exact key as its own operator has it, or, with a bucket, all of it."""
        return self._key if bucket is None else self._op.info().root + self._key


def same_object(first: Metadata, now: Metadata) -> bool:
    """Whether two looks at a key saw the same object."""
    if first.etag or now.etag:
        return same_etag(first.etag, now.etag)
    return (first.content_length, first.last_modified) == (now.content_length, now.last_modified)


def is_one_object(here: Metadata, there: Metadata) -> bool:
    """Whether two places show what looks like one object: equal, and written in one moment."""
    return same_object(here, there) and here.last_modified == there.last_modified


def changed(key: str) -> SourceChangedError:
    """Return the error for a source that was replaced or deleted while it was copied."""
    return SourceChangedError(
        f"{key} was replaced or deleted on the service while it was being copied; its source was"
        " not touched. Start over to copy it as it is now, or cancel."
    )
