"""A tiny local file that is being sent: opened, read, hashed and closed in one visit.

Invariant: the bytes are those of one version of the file, whose identity is known, and
that version still had its name when the last of them was read.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from dalbrowser.transfer.disk.source import LocalSource, SourceIdentity, changed, unreadable
from dalbrowser.transfer.integrity import sums_of
from dalbrowser.transfer.partplan import PartSpan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

TINY = 256 * 1024
"""Bytes of a file that may be held before its turn has come; 96 are under way at most."""


class TinySource:
    """The bytes of one tiny file as a ``PartSource``; ``on_disk`` runs what blocks."""

    def __init__(
        self,
        on_disk: Callable[..., Awaitable[Any]],
        path: str,
        identity: SourceIdentity,
        data: bytes,
        md5: bytes,
    ) -> None:
        self._on_disk = on_disk
        self._path = path
        self._data = data
        self._md5 = md5
        self.identity = identity

    async def read(self, span: PartSpan) -> tuple[bytes, bytes]:
        """Return the bytes of a part and their MD5."""
        if span.size == len(self._data):
            return self._data, self._md5
        data = self._data[span.offset : span.offset + span.size]
        return data, hashlib.md5(data, usedforsecurity=False).digest()

    async def digest(self, span: PartSpan) -> bytes:
        """Return the MD5 of a part."""
        return (await self.read(span))[1]

    async def digests(self, span: PartSpan, names: Sequence[str]) -> tuple[bytes, dict[str, str]]:
        """Return the MD5 of a part and its checksums ``names``."""
        data, md5 = await self.read(span)
        return md5, await self._on_disk(sums_of, data, names)

    async def whole_digest(self) -> bytes | None:
        """Return the MD5 of the whole file."""
        return self._md5

    async def check(self) -> None:
        """Raise ``SourceChangedError`` unless the file is still what was read."""
        await self._on_disk(_require, self._path, self.identity)


def read_tiny(path: str) -> tuple[SourceIdentity, bytes, bytes] | None:
    """Return a file's identity, bytes and MD5; ``None`` when it is not tiny. Blocks.

    Raises ``SourceUnreadableError``, or ``SourceChangedError`` when it changed meanwhile.
    """
    local = LocalSource(path)
    try:
        if local.identity.size > TINY:
            return None
        data, md5 = local.read(PartSpan(1, 0, local.identity.size))
        return local.identity, data, md5
    finally:
        local.close()


def _require(path: str, identity: SourceIdentity) -> None:
    try:
        named = SourceIdentity.of(os.stat(path))  # noqa: PTH116 -- exact names
    except OSError as error:
        raise unreadable(path, error) from error
    if named != identity:
        raise changed(path)
