"""Hashes a download while its ranges come in, so that the proof ends with the last of them.

Invariant: what is hashed is read back from the file, in order, after it was written there;
a digest speaks of the bytes on the disk and not of those on the wire.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage import checksums
from dalbrowser.transfer.integrity import (
    PROOFS,
    as_md5,
    bare,
    multipart_count,
    multipart_etag,
    part_size_candidates,
)
from dalbrowser.transfer.model import Integrity, MiB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dalbrowser.storage import Metadata
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.localfile import PartFile

_TURN = 8 * MiB
"""Bytes of one visit to the disk's threads, so that others get their turn."""

_STEP = 1 * MiB


class Prover:
    """The digest of one file, whole or of each part, whatever the object's metadata offers."""

    def __init__(self, ctx: RunContext, file: PartFile, metadata: Metadata, size: int) -> None:
        self._ctx = ctx
        self._file = file
        self._etag = bare(metadata.etag)
        self._size = size
        self._at = self._known = 0
        self._arrived: dict[int, int] = {}
        self._more = asyncio.Event()
        self._told = checksums.of_whole(metadata.checksums)
        count = None if self._told else multipart_count(metadata.etag)
        sizes = part_size_candidates(size, count) if count is not None else []
        self._part = sizes[0] if sizes else size
        self._in_parts = count is not None
        self.able = bool(self._told or as_md5(metadata.etag) or sizes)
        self._digest = self._new()
        self._parts: list[bytes] = []

    def arrived(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Say that these ranges, ``(start, stop)``, are in the file."""
        self._arrived.update(ranges)
        while self._known in self._arrived:
            self._known = self._arrived.pop(self._known)
        self._more.set()

    async def run(self) -> None:
        """Hash until the whole file was seen."""
        while self.able and self._at < self._size:
            if self._at == self._known:
                self._more.clear()
                await self._more.wait()
                continue
            stop = min(self._known, self._at + _TURN)
            await self._ctx.to_the_end(self._hash, self._at, stop)
            self._at = stop

    def verdict(self) -> tuple[Integrity, str] | None:
        """Return what ``verify_file`` would, or ``None`` when it has to be asked.

        It has to when there is nothing to compare with, or when the object was put
        together from parts of a size that could only be guessed, wrongly.
        """
        if not self.able or self._at < self._size:
            return None
        if self._in_parts:
            return (Integrity.MD5, "") if multipart_etag(self._parts) == self._etag else None
        found = self._digest.digest()
        if self._told is not None:
            name, made = self._told[0], checksums.encoded(found)
            proven = PROOFS[name] if made == self._told[1] else Integrity.NONE
            return proven, f"{name}:{made}"
        return (Integrity.MD5 if found.hex() == self._etag else Integrity.NONE), found.hex()

    def _new(self) -> checksums.Running:
        return checksums.Running(self._told[0] if self._told is not None else "md5")

    def _hash(self, at: int, stop: int) -> None:
        while at < stop:
            end = min(stop, at + _STEP, at - at % self._part + self._part)
            self._digest.update(self._file.read(at, end - at))
            at = end
            if self._in_parts and (at % self._part == 0 or at == self._size):
                self._parts.append(self._digest.digest())
                self._digest = self._new()
