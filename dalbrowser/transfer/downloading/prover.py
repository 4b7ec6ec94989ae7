"""Hashes a download while its ranges come in, so that the proof ends with the last of them.

The parts of an object are hashed side by side: one MD5 takes a core 1.6 s for each GiB, which
is longer than the bytes need to come. Invariant: what is hashed is read back from the file,
each part in order, after it was written there; a digest speaks of the bytes on the disk and
not of those on the wire.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TYPE_CHECKING

from dalbrowser.storage import checksums
from dalbrowser.transfer.downloading.spans import Spans
from dalbrowser.transfer.integrity import (
    PROOFS,
    as_md5,
    bare,
    multipart_count,
    multipart_etag,
    part_size_candidates,
)
from dalbrowser.transfer.model import Integrity, MiB
from dalbrowser.transfer.together import all_together
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dalbrowser.storage import Metadata
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.localfile import PartFile

_TURN = 4 * MiB
"""Bytes of one visit to the disk's threads, so that others get their turn."""

_STEP = 1 * MiB

_AT_ONCE = min(4, os.cpu_count() or 1)
"""Parts of one file that are hashed side by side."""


@record(frozen=False)
class _Part:
    """The digest of the bytes up to ``stop``, made of those before ``at`` so far."""

    at: int
    stop: int
    digest: checksums.Running


class Prover:
    """The digest of one file, whole or of each part, whatever the object's metadata offers."""

    def __init__(self, ctx: RunContext, file: PartFile, metadata: Metadata, size: int) -> None:
        self._ctx = ctx
        self._file = file
        self._etag = bare(metadata.etag)
        self._size = size
        self._told = checksums.of_whole(metadata.checksums)
        count = None if self._told else multipart_count(metadata.etag)
        sizes = part_size_candidates(size, count) if count is not None else []
        self._part_size = sizes[0] if sizes else size
        self._in_parts = count is not None
        self.able = bool(self._told or as_md5(metadata.etag) or sizes)
        self._count = -(-size // self._part_size) if self.able else 0
        self._there = Spans()
        self._more = asyncio.Event()
        self._ready: deque[int] = deque()
        self._taken: set[int] = set()
        self._begun: dict[int, _Part] = {}
        self._digests: dict[int, bytes] = {}

    def arrived(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Say that these ranges, ``(start, stop)``, are in the file."""
        for start, stop in ranges if self.able else ():
            self._there.add(start, stop)
            for number in range(start // self._part_size, -(-stop // self._part_size)):
                self._offer(number)

    async def run(self) -> None:
        """Hash until the whole file was seen."""
        await all_together(self._work() for _ in range(min(_AT_ONCE, self._count)))

    def verdict(self) -> tuple[Integrity, str] | None:
        """Return what ``verify_file`` would, or ``None`` when it has to be asked.

        It has to when there is nothing to compare with, or when the object was put
        together from parts of a size that could only be guessed, wrongly.
        """
        if not self.able or len(self._digests) < self._count:
            return None
        if self._in_parts:
            parts = (self._digests[number] for number in range(self._count))
            return (Integrity.MD5, "") if multipart_etag(parts) == self._etag else None
        found = self._digests[0]
        if self._told is not None:
            name, made = self._told[0], checksums.encoded(found)
            proven = PROOFS[name] if made == self._told[1] else Integrity.NONE
            return proven, f"{name}:{made}"
        return (Integrity.MD5 if found.hex() == self._etag else Integrity.NONE), found.hex()

    def _offer(self, number: int) -> None:
        """Let a part be taken, if the bytes that its digest needs next are there."""
        part = self._begun.get(number)
        at = part.at if part is not None else number * self._part_size
        done = number in self._taken or number in self._digests
        if not done and self._there.reaches(at) > at:
            self._taken.add(number)
            self._ready.append(number)
            self._more.set()

    async def _work(self) -> None:
        while len(self._digests) < self._count:
            if not self._ready:
                self._more.clear()
                await self._more.wait()
                continue
            await self._go_on(self._ready.popleft())

    async def _go_on(self, number: int) -> None:
        """Hash of one part what is there."""
        part = self._begun.pop(number, None) or self._new(number)
        while (stop := min(part.stop, part.at + _TURN, self._there.reaches(part.at))) > part.at:
            await self._ctx.to_the_end(self._hash, part, stop)
        self._taken.remove(number)
        if part.at < part.stop:
            self._begun[number] = part
        else:
            self._digests[number] = part.digest.digest()
            self._more.set()

    def _new(self, number: int) -> _Part:
        name = self._told[0] if self._told is not None else "md5"
        start = number * self._part_size
        return _Part(start, min(start + self._part_size, self._size), checksums.Running(name))

    def _hash(self, part: _Part, stop: int) -> None:
        while part.at < stop:
            size = min(_STEP, stop - part.at)
            part.digest.update(self._file.read(part.at, size))
            part.at += size
