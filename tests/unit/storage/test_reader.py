"""Readers against a model: whatever is read, sought and fetched equals what bytes would give."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.storage import ByteRange, ErrorKind, Operator, Reader, StorageError
from tests.unit.storage.reduced import Reduced, memory, operator_over

FOUR_CASES = [(True, True), (True, False), (False, True), (False, False)]

ranges = st.one_of(
    st.just(ByteRange()),
    st.builds(lambda a, n: ByteRange(a, a + n), st.integers(0, 70), st.integers(0, 70)),
    st.builds(ByteRange.from_, st.integers(0, 60)),
    st.builds(ByteRange.suffix, st.integers(0, 80)),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 30)),
        st.tuples(st.just("set"), st.integers(-3, 90)),
        st.tuples(st.just("cur"), st.integers(-30, 30)),
        st.tuples(st.just("end"), st.integers(-70, 20)),
    ),
    max_size=8,
)
WHENCE = {"set": os.SEEK_SET, "cur": os.SEEK_CUR, "end": os.SEEK_END}


class Model:
    """What a reader over ``data`` must do."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def read(self, size: int) -> bytes:
        """Read as a file of these bytes would."""
        end = None if size < 0 else self.at + size
        block = self.data[self.at : end]
        self.at += len(block)
        return block

    def seek(self, offset: int, whence: int) -> int | None:
        """Return the new position, ``None`` when it is left of the range."""
        base = (0, self.at, len(self.data))[whence]
        if base + offset < 0:
            return None
        self.at = base + offset
        return self.at


async def play(reader: Reader, model: Model, moves: list[tuple[str, int]]) -> None:
    """Make the same moves on both and compare every answer."""
    for move, number in moves:
        if move == "read":
            assert await reader.read(number) == model.read(number)
        else:
            expected = model.seek(number, WHENCE[move])
            if expected is None:
                with pytest.raises(StorageError) as caught:
                    await reader.seek(number, WHENCE[move])
                assert caught.value.kind is ErrorKind.INVALID_INPUT
            else:
                assert await reader.seek(number, WHENCE[move]) == expected
        assert reader.tell() == model.at


def within(data: bytes, wanted: ByteRange) -> bytes:
    """Return what a range of ``data`` holds."""
    start, end = wanted.resolve(len(data))
    return data[start:end]


@pytest.mark.parametrize(("seek", "stream"), FOUR_CASES)
@settings(max_examples=120, deadline=None)
@given(case=st.tuples(st.integers(1, 64), ranges, steps, st.none() | st.integers(1, 20)))
def test_any_moves_equal_the_model(
    seek: bool, stream: bool, case: tuple[int, ByteRange, list[tuple[str, int]], int | None]
) -> None:
    size, wanted, moves, chunk = case

    async def scenario() -> None:
        data = os.urandom(size)
        op = operator_over(Reduced(memory(), read_can_seek=seek, read_can_next=stream))
        await op.write("a", data)
        if wanted.last is None and wanted.start >= size and wanted.size != 0:
            return
        async with op.reader("a", range=wanted, chunk=chunk, concurrent=2, prefetch=1) as reader:
            await play(reader, Model(within(data, wanted)), moves)
            await reader.seek(0)
            assert b"".join([block async for block in reader]) == within(data, wanted)

    asyncio.run(scenario())


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(0, 64),
    base=ranges,
    wanted=st.lists(ranges, max_size=6),
    gap=st.integers(0, 20),
)
def test_fetch_equals_slices(size: int, base: ByteRange, wanted: list[ByteRange], gap: int) -> None:
    async def scenario() -> None:
        data = os.urandom(size)
        op = operator_over(Reduced(memory(), read_with_suffix=False))
        await op.write("a", data)
        inner = within(data, base)
        async with op.reader("a", range=base, concurrent=3) as reader:
            got = await reader.fetch(wanted, gap=gap)
            assert got == [within(inner, each) for each in wanted]
            assert reader.tell() == 0

    asyncio.run(scenario())


async def test_fetch_joins_near_ranges() -> None:
    service = Reduced(memory())
    op = operator_over(service)
    await op.write("a", bytes(range(100)))
    wanted = [ByteRange(50, 60), ByteRange(0, 10), ByteRange(12, 20), ByteRange(23, 25)]
    async with op.reader("a", gap=2) as reader:
        assert await reader.fetch(wanted) == [bytes(range(r.start, r.end or 0)) for r in wanted]
    assert [(r.range.start, r.range.end) for r in service.reads] == [(0, 20), (23, 25), (50, 60)]


async def test_without_chunk_there_is_one_request_and_blocks_pass_through() -> None:
    service = Reduced(memory())
    op = operator_over(service)
    data = os.urandom(3 * 1024 * 1024)
    await op.write("a", data)
    async with op.reader("a") as reader:
        blocks = [block async for block in reader]
    assert b"".join(blocks) == data
    assert service.calls["read"] == 1
    assert service.calls["stat"] == 0


async def test_chunks_are_pinned_and_bounded() -> None:
    service = Reduced(memory())
    op = operator_over(service)
    data = os.urandom(1000)
    etag = (await op.write("a", data)).etag
    async with op.reader("a", chunk=100, concurrent=2, prefetch=1) as reader:
        assert await reader.read(150) == data[:150]
        await asyncio.sleep(0)
        # The first alone, then at most three ahead of the second.
        assert len(service.reads) <= 5
        assert await reader.read() == data[150:]
    assert service.calls["read"] == 10
    assert [r.if_match for r in service.reads] == [None] + [etag] * 9


@pytest.mark.parametrize("seek", [True, False])
@pytest.mark.parametrize("conditions", [True, False])
async def test_an_object_replaced_between_chunks_is_never_mixed(
    seek: bool, conditions: bool
) -> None:
    service = Reduced(memory(), read_can_seek=seek, read_with_if_match=conditions)
    op = operator_over(service)
    await op.write("a", b"1" * 100)
    async with op.reader("a", chunk=10) as reader:
        assert await reader.read(10) == b"1" * 10
        await reader.aclose()
        await op.write("a", b"2" * 100)
        with pytest.raises(StorageError) as caught:
            await reader.read()
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


@pytest.mark.parametrize("conditions", [True, False])
async def test_an_object_replaced_before_a_seek_is_never_mixed(conditions: bool) -> None:
    service = Reduced(memory(), read_can_seek=False, read_with_if_match=conditions)
    op = operator_over(service)
    await op.write("a", b"1" * 100)
    async with op.reader("a") as reader:
        assert await reader.read(10) == b"1" * 10
        await op.write("a", b"2" * 100)
        await reader.seek(50)
        with pytest.raises(StorageError) as caught:
            await reader.read()
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


@pytest.mark.parametrize("conditions", [True, False])
@pytest.mark.parametrize("chunk", [None, 10])
async def test_an_object_replaced_by_a_shorter_one_has_not_ended(
    conditions: bool, chunk: int | None
) -> None:
    """Nothing at a place where there were bytes is no end, also where If-Match is ignored."""
    service = Reduced(memory(), read_can_seek=False, read_with_if_match=conditions)
    op = operator_over(service)
    await op.write("a", b"1" * 100)
    async with op.reader("a", chunk=chunk) as reader:
        await reader.stat()
        await op.write("a", b"2" * 20)
        await reader.seek(50)
        with pytest.raises(StorageError) as caught:
            await reader.read()
        assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
        assert (caught.value.operation, caught.value.path) == ("read", "a")


async def test_stream_metadata_is_the_whole_objects() -> None:
    op = Operator("memory")
    await op.write("a", bytes(100))
    for chunk in (None, 7):
        async with op.reader("a", range=ByteRange(10, 20), chunk=chunk) as reader:
            assert reader.metadata is None
            await reader.read(1)
            assert (await reader.stat()).content_length == 100


async def test_conditions_fail_at_the_first_read_of_a_reader() -> None:
    op = Operator("memory")
    await op.write("a", b"x")
    reader = op.reader("a", if_match='"other"')
    with pytest.raises(StorageError) as caught:
        await reader.read(1)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


@pytest.mark.parametrize(
    "options", [{"chunk": 0}, {"concurrent": 0}, {"prefetch": -1}, {"gap": -1}]
)
async def test_options_that_mean_nothing(options: dict[str, int]) -> None:
    with pytest.raises(StorageError) as caught:
        Operator("memory").reader("a", **options)  # type: ignore[arg-type]
    assert caught.value.kind is ErrorKind.INVALID_INPUT
