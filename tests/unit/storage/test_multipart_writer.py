"""The multipart writer: any blocks in, the same bytes out, whatever fails in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.storage import ErrorKind, Metadata, Part, StorageError
from dalbrowser.storage.oio import MultipartWriter, block_writer, part_size
from tests.unit.storage.reduced import temporary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.types import Data


class Backend:
    """A multipart service that notes what happens, and fails where it is told to."""

    def __init__(self, fail: Sequence[bool] = ()) -> None:
        self.object: bytes | None = None
        self.parts: dict[int, bytes] = {}
        self.begun = self.aborted = self.sent = 0
        self.under_way = self.most = self.bytes_under_way = 0
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self._fail = list(fail)

    def _maybe_fail(self) -> None:
        if self._fail and self._fail.pop(0):
            raise temporary()

    async def single(self, data: Data) -> Metadata:
        """Put the object."""
        self._maybe_fail()
        self.object = bytes(data)
        return Metadata()

    async def begin(self) -> str:
        """Begin."""
        self._maybe_fail()
        self.begun += 1
        return "id"

    async def part(self, upload_id: str, number: int, data: Data) -> Part:
        """Keep a part, letting others run meanwhile."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        content = bytes(data)
        self.entered.set()
        try:
            await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            assert bytes(data) == content, "the data changed while it was being sent"
            self._maybe_fail()
        finally:
            self.under_way -= 1
        self.sent += 1
        self.parts[number] = content
        return Part(number, len(content), f'"{number}"')

    async def complete(self, upload_id: str, parts: Sequence[Part]) -> Metadata:
        """Join."""
        self._maybe_fail()
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))
        self.object = b"".join(self.parts[part.number] for part in parts)
        return Metadata()

    async def abort(self, upload_id: str) -> None:
        """Drop."""
        self.aborted += 1
        self.parts.clear()


async def insist(call: object, *args: object) -> None:
    """Call until it succeeds, as the retry layer does."""
    while True:
        try:
            await call(*args)  # type: ignore[operator]
        except StorageError as error:
            if not error.is_temporary:
                raise
        else:
            return


blocks = st.lists(st.binary(max_size=60), max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    data=blocks,
    chunk=st.integers(1, 40),
    concurrent=st.integers(1, 4),
    fail=st.lists(st.booleans(), max_size=30),
    kind=st.sampled_from([bytes, bytearray, memoryview]),
)
def test_any_blocks_any_failures_same_bytes(
    data: list[bytes], chunk: int, concurrent: int, fail: list[bool], kind: type
) -> None:
    async def scenario() -> None:
        backend = Backend(fail)
        writer = MultipartWriter(backend, chunk=chunk, concurrent=concurrent)
        for block in data:
            given_block = kind(block)
            await insist(writer.write, given_block)
            if isinstance(given_block, bytearray):
                given_block[:] = b"\xff" * len(given_block)
        await insist(writer.close)
        whole = b"".join(data)
        assert backend.object == whole
        assert backend.most <= concurrent
        if len(whole) <= chunk:
            assert backend.begun == 0
        else:
            assert backend.begun == 1
            sizes = [len(backend.parts[number]) for number in sorted(backend.parts)]
            assert set(sizes[:-1]) == {chunk}
            assert 1 <= sizes[-1] <= chunk

    asyncio.run(scenario())


async def test_writing_waits_while_enough_parts_are_under_way() -> None:
    backend = Backend()
    backend.gate = asyncio.Event()
    writer = MultipartWriter(backend, chunk=10, concurrent=2)
    await writer.write(bytes(25))
    blocked = asyncio.create_task(writer.write(bytes(20)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not blocked.done()
    assert backend.under_way == 2
    backend.gate.set()
    await blocked
    await writer.close()
    assert backend.object == bytes(45)


async def test_abort_cancels_what_is_under_way_first() -> None:
    backend = Backend()
    backend.gate = asyncio.Event()
    writer = MultipartWriter(backend, chunk=10, concurrent=3)
    await writer.write(bytes(35))
    for _ in range(5):
        await asyncio.sleep(0)
    assert backend.under_way == 3
    await writer.abort()
    assert backend.under_way == 0
    assert backend.aborted == 1
    assert backend.object is None
    await writer.abort()
    assert backend.aborted == 1
    with pytest.raises(StorageError):
        await writer.write(b"x")


async def test_a_commit_is_made_once() -> None:
    backend = Backend()
    writer = MultipartWriter(backend, chunk=10)
    await writer.write(b"abc")
    assert await writer.close() is await writer.close()
    await writer.abort()
    assert backend.object == b"abc"
    assert backend.aborted == 0


async def test_too_many_parts_are_refused_before_they_are_sent() -> None:
    backend = Backend()
    writer = MultipartWriter(backend, chunk=10, max_parts=3)
    await writer.write(bytes(30))
    with pytest.raises(StorageError) as caught:
        await writer.write(b"x")
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    await writer.close()
    assert backend.object == bytes(30)


@given(
    chunk=st.integers(1, 1 << 34),
    total=st.integers(0, 48 << 40),
)
def test_parts_fit_the_limits(chunk: int, total: int) -> None:
    size = part_size(chunk, total, min_size=5 << 20, max_size=5 << 30)
    assert 5 << 20 <= size <= 5 << 30
    assert size * 10_000 >= total


def test_what_cannot_fit_is_refused() -> None:
    with pytest.raises(StorageError) as caught:
        part_size(1, 60 << 40, max_size=5 << 30)
    assert caught.value.kind is ErrorKind.INVALID_INPUT


class Blocks:
    """A service that takes blocks by id."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}
        self.object: bytes | None = None
        self.discarded: list[str] = []

    async def single(self, data: Data) -> Metadata:
        """Put."""
        self.object = bytes(data)
        return Metadata()

    async def block(self, block_id: str, data: Data) -> None:
        """Keep a block."""
        self.blocks[block_id] = bytes(data)

    async def commit(self, block_ids: Sequence[str]) -> Metadata:
        """Join."""
        self.object = b"".join(self.blocks[each] for each in block_ids)
        return Metadata()

    async def discard(self, block_ids: Sequence[str]) -> None:
        """Drop."""
        self.discarded += block_ids


async def test_blocks_are_joined_in_order() -> None:
    backend = Blocks()
    writer = block_writer(backend, "session", chunk=4, concurrent=3)
    await writer.write(b"0123456789abcdef!")
    await writer.close()
    assert backend.object == b"0123456789abcdef!"
    assert len({len(each) for each in backend.blocks}) == 1
    other = block_writer(backend, "other", chunk=4)
    await other.write(bytes(9))
    await other.abort()
    assert not set(other_ids := backend.discarded) & set(list(backend.blocks)[:5])
    assert all(each for each in other_ids)


async def test_the_next_part_alone_is_prepared_while_it_waits() -> None:
    told: list[tuple[int, bytes]] = []

    def prepare(number: int, data: Data) -> None:
        told.append((number, bytes(data)))

    backend = Backend()
    backend.gate = asyncio.Event()
    writer = MultipartWriter(backend, chunk=2, concurrent=1, prepare=prepare)
    writing = asyncio.create_task(writer.write(b"aabbccdd!"))
    await backend.entered.wait()
    assert told == [(2, b"bb")]
    backend.gate.set()
    await writing
    await writer.close()
    assert backend.object == b"aabbccdd!"
    assert [number for number, _ in told] == [2, 3, 4, 5]
