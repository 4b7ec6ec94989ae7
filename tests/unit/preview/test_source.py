"""The source gives the object's own bytes, counts them, and keeps within its bounds."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dalbrowser.preview import BlockCache, BudgetSpent, ObjectReplaced, RangeSource
from dalbrowser.preview.source import BLOCK, PREVIEW_BUDGET
from dalbrowser.storage import ErrorKind, Metadata, Operator, StorageError

if TYPE_CHECKING:
    from tests.unit.preview.conftest import Recorder

LONG = random.Random(7).randbytes(9 * BLOCK + 12_345)
EDGES = st.one_of(
    st.integers(0, len(LONG) + BLOCK),
    st.builds(lambda n, d: max(0, n * BLOCK + d), st.integers(0, 10), st.integers(-2, 2)),
)


async def opened(op: Operator, path: str, budget: int = PREVIEW_BUDGET) -> RangeSource:
    source = RangeSource(op, path, await op.stat(path), budget=budget)
    await source.open()
    return source


@given(
    reads=st.lists(st.tuples(EDGES, EDGES), max_size=12),
    budget=st.sampled_from([1, BLOCK * 2, 99 * BLOCK]),
)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_reads_give_the_bytes_and_are_counted(
    reads: list[tuple[int, int]], budget: int
) -> None:
    async def check() -> None:
        recorder = _recorder()
        async with Operator("memory").layer(recorder) as op:
            await op.write("x", LONG)
            source = RangeSource(
                op, "x", await op.stat("x"), cache=BlockCache(budget), budget=1 << 40
            )
            await source.open()
            for start, end in reads:
                assert await source.read(start, end) == LONG[start:end]
                if budget > BLOCK * 90:
                    assert source.peek(start, end) == LONG[start:end]
            assert source.requests == len(recorder.reads)
            asked = sum(min(end or 0, len(LONG)) - start for _, start, end, _ in recorder.reads)
            assert source.bytes_read == asked
            if budget > BLOCK * 90:
                seen = [(start, end) for _, start, end, _ in recorder.reads]
                assert source.bytes_read <= len(LONG), seen

    asyncio.run(check())


def _recorder() -> Recorder:
    from tests.unit.preview.conftest import Recorder

    return Recorder()


async def test_a_listed_object_opens_with_one_pinned_request(
    op: Operator, recorder: Recorder
) -> None:
    await op.write("a/big", LONG)
    listed = await op.stat("a/big")
    recorder.stats.clear()
    source = RangeSource(op, "a/big", listed)
    await source.open()
    pin = listed.etag if op.capability.read_with_if_match else None
    assert recorder.reads == [("a/big", 0, BLOCK, pin)]
    assert recorder.stats == []
    assert (source.bytes_read, source.requests, source.total) == (BLOCK, 1, len(LONG))
    assert source.seconds > 0


async def test_an_unlisted_object_tells_its_size_with_the_first_block(
    op: Operator, recorder: Recorder
) -> None:
    await op.write("big", LONG)
    source = RangeSource(op, "big")
    await source.open()
    assert source.total == len(LONG)
    assert source.requests == 1
    assert await source.read(len(LONG) - 10, len(LONG)) == LONG[-10:]


@pytest.mark.parametrize("listed", [True, False])
async def test_an_empty_object(op: Operator, listed: bool) -> None:
    await op.write("empty", b"")
    source = RangeSource(op, "empty", await op.stat("empty") if listed else None)
    await source.open()
    assert source.total == 0
    assert await source.read(0, 10) == b""
    assert source.peek(0, 10) == b""


async def test_the_key_with_a_leading_slash_is_its_own(op: Operator) -> None:
    if op.info().scheme == "fs":
        with pytest.raises(StorageError):
            await RangeSource(op, "/a").open()
        return
    await op.write("a", b"other")
    await op.write("//a", b"this")
    source = RangeSource(op, "/a")
    await source.open()
    assert await source.read(0, 9) == b"this"


async def test_blocks_are_shared_between_sources_of_one_edition(
    op: Operator, recorder: Recorder
) -> None:
    cache = BlockCache()
    await op.write("big", LONG)
    metadata = await op.stat("big")
    first, second = (RangeSource(op, "big", metadata, cache=cache) for _ in range(2))
    await first.open()
    await second.open()
    assert second.requests == 0
    assert await second.read(0, 100) == LONG[:100]
    assert len(recorder.reads) == 1


async def test_neighbours_come_in_one_request_and_concurrent_readers_share_it(
    op: Operator, recorder: Recorder
) -> None:
    await op.write("big", LONG)
    source = await opened(op, "big")
    recorder.reads.clear()
    wanted = [(3 * BLOCK, 6 * BLOCK), (3 * BLOCK + 5, 4 * BLOCK), (5 * BLOCK, 6 * BLOCK)]
    got = await source.read_many(wanted)
    assert got == [LONG[start:end] for start, end in wanted]
    assert [(start, end) for _, start, end, _ in recorder.reads] == [(3 * BLOCK, 6 * BLOCK)]


async def test_reading_on_reads_ahead(op: Operator, recorder: Recorder) -> None:
    await op.write("big", LONG)
    source = await opened(op, "big")
    await source.read(0, 1)
    recorder.reads.clear()
    await source.read(BLOCK, BLOCK + 1)
    await source.read(4 * BLOCK, 5 * BLOCK)
    assert [(start, end) for _, start, end, _ in recorder.reads] == [(BLOCK, 5 * BLOCK)]


async def test_the_budget_holds_until_more_is_granted(op: Operator, recorder: Recorder) -> None:
    await op.write("big", LONG)
    source = await opened(op, "big", budget=2 * BLOCK)
    assert await source.read(7 * BLOCK, 7 * BLOCK + 1) == LONG[7 * BLOCK : 7 * BLOCK + 1]
    with pytest.raises(BudgetSpent) as spent:
        await source.read(4 * BLOCK, 6 * BLOCK)
    assert spent.value.needed == 2 * BLOCK
    assert source.bytes_read == 2 * BLOCK
    assert len(recorder.reads) == 2
    source.grant_more(spent.value.needed)
    assert await source.read(4 * BLOCK, 6 * BLOCK) == LONG[4 * BLOCK : 6 * BLOCK]


async def test_an_object_replaced_under_the_preview_is_never_mixed(op: Operator) -> None:
    await op.write("big", LONG)
    source = await opened(op, "big")
    await op.write("big", LONG[::-1])
    with pytest.raises(ObjectReplaced):
        await source.read(5 * BLOCK, 6 * BLOCK)
    assert await source.read(0, 10) == LONG[:10]


async def test_an_object_that_shrank_is_replaced(op: Operator) -> None:
    await op.write("big", LONG)
    source = await opened(op, "big")
    await op.write("big", b"short")
    with pytest.raises(ObjectReplaced):
        await source.read(5 * BLOCK, 6 * BLOCK)


async def test_an_object_that_changed_since_its_listing_opens_as_it_is(op: Operator) -> None:
    await op.write("big", LONG)
    listed = await op.stat("big")
    await op.write("big", b"newer")
    source = RangeSource(op, "big", listed)
    await source.open()
    assert source.relisted
    assert await source.read(0, 100) == b"newer"
    assert source.total == 5


async def test_a_missing_object_says_not_found(op: Operator) -> None:
    with pytest.raises(StorageError) as missing:
        await RangeSource(op, "nothing").open()
    assert missing.value.kind is ErrorKind.NOT_FOUND


async def test_a_reader_that_is_cancelled_leaves_the_block_to_the_next(
    op: Operator, recorder: Recorder
) -> None:
    await op.write("big", LONG)
    source = await opened(op, "big")
    recorder.gate = asyncio.Event()
    first = asyncio.ensure_future(source.read(3 * BLOCK, 4 * BLOCK))
    await recorder.waiting.acquire()
    second = asyncio.ensure_future(source.read(3 * BLOCK, 4 * BLOCK))
    first.cancel()
    await recorder.waiting.acquire()
    assert first.cancelled()
    recorder.gate.set()
    assert await second == LONG[3 * BLOCK : 4 * BLOCK]
    assert source.budget - source.bytes_read == PREVIEW_BUDGET - 2 * BLOCK


def test_the_cache_keeps_to_its_budget_and_drops_the_oldest() -> None:
    from dalbrowser.preview.cache import BlockKey

    cache = BlockCache(10)
    keys = [BlockKey("c", "k", "e", number) for number in range(4)]
    for key in keys[:3]:
        cache.put(key, b"1234")
    assert cache.get(keys[0]) is None
    assert cache.get(keys[1]) == b"1234"
    cache.put(keys[3], b"56")
    assert cache.held == 10
    cache.put(keys[0], b"9")
    assert cache.get(keys[2]) is None
    assert cache.get(keys[1]) == b"1234"
    cache.put(keys[1], b"too long to be kept")
    assert cache.get(keys[1]) is None
    assert cache.held == 3


async def test_metadata_comes_with_the_first_reply(op: Operator) -> None:
    await op.write("x", b"text")
    source = RangeSource(op, "x", Metadata(content_length=4))
    await source.open()
    assert source.metadata.last_modified is not None
