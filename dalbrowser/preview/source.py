"""A counted, cached, bounded window on one object: what every preview reads through.

Invariants: all bytes handed out come from one edition of the object (each request is
pinned to the first ETag, and what the reply says of the object is compared as well);
``bytes_read`` counts each byte that came from the service once and never passes
``budget``; a block that is being fetched is not asked for a second time.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from dalbrowser.preview.cache import MEBIBYTE, BlockCache, BlockKey
from dalbrowser.preview.errors import BudgetSpent, ObjectReplaced
from dalbrowser.storage import ByteRange, ErrorKind, Metadata, Operator, StorageError
from dalbrowser.storage.paths import spell

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

BLOCK = 256 * 1024
PREVIEW_BUDGET = 16 * MEBIBYTE
READ_AHEAD_BLOCKS = 3


class RangeSource:
    """Random access to the object ``path`` (an exact key) of ``op``, by blocks of 256 KiB.

    ``metadata`` is what a listing knew of the object, if anything; its ETag pins the very
    first request. ``open`` must have returned before anything else is called.
    Counters: ``bytes_read``, ``requests``, ``seconds`` (with at least one request under way).
    """

    def __init__(
        self,
        op: Operator,
        path: str,
        metadata: Metadata | None = None,
        *,
        cache: BlockCache | None = None,
        connection: Hashable | None = None,
        budget: int = PREVIEW_BUDGET,
    ) -> None:
        self.path = path
        self.budget = budget
        self.metadata = metadata or Metadata()
        self.bytes_read = 0
        self.requests = 0
        self.relisted = False
        """Whether the object had changed since the listing, so that its newer self is shown."""
        self._op = op
        self._cache = BlockCache() if cache is None else cache
        # The operator is part of it: a connection that was edited is another place.
        self._connection: Hashable = (op, connection)
        self._private = object()
        self._total = self.metadata.content_length
        self._modified: datetime | None = None
        self._reserved = 0
        self._coming: dict[int, asyncio.Event] = {}
        self._last = -1
        self._busy = 0
        self._busy_since = 0.0
        self._busy_before = 0.0

    @property
    def total(self) -> int:
        """The size of the whole object in bytes; 0 before ``open`` when no listing knew it."""
        return self._total or 0

    @property
    def seconds(self) -> float:
        """For how long at least one request was under way."""
        now = monotonic() - self._busy_since if self._busy else 0.0
        return self._busy_before + now

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._busy > 0

    def grant_more(self, amount: int = PREVIEW_BUDGET) -> None:
        """Let the preview read ``amount`` bytes more."""
        self.budget += amount

    async def open(self) -> None:
        """Read the first block, which also tells size and ETag where they were unknown.

        An object that changed since it was listed is opened as it is now.
        Raises ``StorageError``, such as ``NotFound``.
        """
        if self._total == 0 and self.metadata.etag is not None:
            return
        try:
            await self._open_block()
        except ObjectReplaced:
            self.metadata = Metadata()
            self._total = self._modified = None
            self.relisted = True
            await self._open_block()

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes ``start`` (inclusive) to ``end`` (exclusive), clamped to the object.

        Raises ``BudgetSpent``, ``ObjectReplaced`` or ``StorageError``.
        """
        start, end = self._clamp(start, end)
        if start >= end:
            return b""
        numbers = range(start // BLOCK, (end - 1) // BLOCK + 1)
        got: dict[int, bytes] = {}
        while await self._gather(numbers, got):
            pass
        self._last = numbers[-1]
        return self._cut(start, end, [got[number] for number in numbers])

    async def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read several ranges at once; the first failure ends the others."""
        try:
            async with asyncio.TaskGroup() as group:
                reads = [group.create_task(self.read(start, end)) for start, end in ranges]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return [read.result() for read in reads]

    def peek(self, start: int, end: int) -> bytes | None:
        """Return the bytes if they are all here already, else ``None``; never a request."""
        start, end = self._clamp(start, end)
        if start >= end:
            return b""
        blocks: list[bytes] = []
        for number in range(start // BLOCK, (end - 1) // BLOCK + 1):
            block = self._cache.get(self._key(number))
            if block is None:
                return None
            blocks.append(block)
        return self._cut(start, end, blocks)

    def missing(self, start: int, end: int) -> int:
        """Return how many bytes a read of this range would bring from the service."""
        start, end = self._clamp(start, end)
        sizes = (
            min((number + 1) * BLOCK, self.total) - number * BLOCK
            for number in range(start // BLOCK, -(-end // BLOCK))
            if self._cache.get(self._key(number)) is None
        )
        return sum(sizes)

    def _clamp(self, start: int, end: int) -> tuple[int, int]:
        return max(0, start), min(end, self.total)

    @staticmethod
    def _cut(start: int, end: int, blocks: Sequence[bytes]) -> bytes:
        skip = start % BLOCK
        if len(blocks) == 1:
            return blocks[0][skip : skip + end - start]
        return b"".join(blocks)[skip : skip + end - start]

    def _key(self, number: int) -> BlockKey:
        edition: Hashable = (self.metadata.etag, self._total)
        if self.metadata.etag is None:
            edition = self._private
        return BlockKey(self._connection, self.path, edition, number)

    async def _gather(self, numbers: range, got: dict[int, bytes]) -> bool:
        """Bring one step nearer to having all of ``numbers``; false when they are all there."""
        missing: list[int] = []
        coming: asyncio.Event | None = None
        for number in numbers:
            if number in got:
                continue
            block = self._cache.get(self._key(number))
            if block is not None:
                got[number] = block
            elif number in self._coming:
                coming = self._coming[number]
            else:
                missing.append(number)
        if missing:
            first, last = _first_run(missing)
            got.update(await self._fetch(first, self._ahead(first, last)))
        elif coming is not None:
            await coming.wait()
        else:
            return False
        return True

    def _ahead(self, first: int, last: int) -> int:
        """Extend a fetch that goes on where the last read ended, within object and budget."""
        if first != self._last + 1 or first == 0:
            return last
        left = self.budget - self.bytes_read - self._reserved
        final = (self.total - 1) // BLOCK
        for _ in range(READ_AHEAD_BLOCKS):
            after = last + 1
            taken = after in self._coming or self._cache.get(self._key(after)) is not None
            if taken or after > final or (after - first + 1) * BLOCK > left:
                break
            last = after
        return last

    async def _fetch(self, first: int, last: int) -> dict[int, bytes]:
        """Read the blocks ``first`` to ``last`` in one request, and keep them."""
        start = first * BLOCK
        size = min((last + 1) * BLOCK, self.total) - start
        over = self.bytes_read + self._reserved + size - self.budget
        if over > 0:
            raise BudgetSpent(over)
        arrived = asyncio.Event()
        numbers = range(first, last + 1)
        self._coming.update(dict.fromkeys(numbers, arrived))
        self._reserved += size
        try:
            data = await self._request(start, size)
            blocks = {n: data[(n - first) * BLOCK : (n - first + 1) * BLOCK] for n in numbers}
            for number, block in blocks.items():
                self._cache.put(self._key(number), block)
            return blocks
        finally:
            self._reserved -= size
            for number in numbers:
                self._coming.pop(number, None)
            arrived.set()

    async def _open_block(self) -> None:
        """Read block 0 without knowing more than the listing did."""
        if self._total is not None and self.metadata.etag is not None:
            await self.read(0, BLOCK)
            return
        try:
            data = await self._request(0, BLOCK, exact=False)
        except StorageError as error:
            if error.kind is not ErrorKind.RANGE_NOT_SATISFIED:
                raise
            data = b""  # how a server answers for an empty object
            self.metadata = await self._op.stat(spell(self.path))
        if self._total is None:
            known = self.metadata.content_length
            if known is None:
                self.metadata = await self._op.stat(spell(self.path))
                known = self.metadata.content_length
            self._total = len(data) if known is None else known
        if data:
            self._cache.put(self._key(0), data[: min(BLOCK, self.total)])

    async def _request(self, start: int, size: int, *, exact: bool = True) -> bytes:
        """Read ``size`` bytes from ``start``; fewer are allowed only when not ``exact``."""
        pin = self._pin()
        data = bytearray()
        self._begin()
        try:
            async with self._op.reader(
                spell(self.path), range=ByteRange(start, start + size), if_match=pin
            ) as reader:
                while len(data) < size:
                    block = await reader.read(min(BLOCK, size - len(data)))
                    if not block:
                        break
                    data += block
                    self.bytes_read += len(block)
                    self._reserved -= len(block)
                self._same(reader.metadata)
        except StorageError as error:
            gone = error.kind is ErrorKind.RANGE_NOT_SATISFIED and exact
            if gone or error.kind is ErrorKind.CONDITION_NOT_MATCH:
                raise ObjectReplaced from error
            raise
        finally:
            self._reserved += len(data)
            self._end()
        if exact and len(data) < size:
            raise ObjectReplaced
        return bytes(data)

    def _pin(self) -> str | None:
        """Return the ETag for If-Match; a weak one never matches there (RFC 9110, 8.8.3.2)."""
        etag = self.metadata.etag
        if not etag or etag.startswith("W/"):
            return None
        return etag if self._op.info().capability.read_with_if_match else None

    def _same(self, seen: Metadata | None) -> None:
        """Learn from a reply's metadata, or raise ``ObjectReplaced`` when it contradicts."""
        if seen is None:
            return
        known = self.metadata
        for was, now in (
            (known.etag, seen.etag),
            (self._total, seen.content_length),
            (known.version, seen.version),
            (self._modified, seen.last_modified if seen.etag is None else None),
        ):
            if was is not None and now is not None and was != now:
                raise ObjectReplaced
        self._modified = self._modified or seen.last_modified
        incomplete = known.etag is None or known.content_length is None or not known.content_type
        if incomplete and (seen.etag is not None or known.etag is None):
            self.metadata = seen

    def _begin(self) -> None:
        self.requests += 1
        if not self._busy:
            self._busy_since = monotonic()
        self._busy += 1

    def _end(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._busy_before += monotonic() - self._busy_since


def _first_run(numbers: Sequence[int]) -> tuple[int, int]:
    """Return the first run of consecutive numbers as ``(first, last)``."""
    last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            break
        last = number
    return numbers[0], last
