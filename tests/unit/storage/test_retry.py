"""Retry: what is tried again, when, how often, and what a broken body becomes."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.storage import (
    ByteRange,
    ChaosLayer,
    ErrorKind,
    ErrorStatus,
    Operator,
    Retried,
    RetryBudget,
    RetryLayer,
    StorageError,
)
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.options import OpRead
from tests.unit.storage.reduced import BreakingBody, Reduced, memory, operator_over, temporary
from tests.unit.storage.test_reader import Model, play, ranges, steps, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage import DeleteOutcome, Metadata, Part
    from dalbrowser.storage.options import OpCopyMultipart, OpDelete, OpStat
    from dalbrowser.storage.types import FullBody, ReadReply


class Waits:
    """Records how long each wait would have been, and waits not at all."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float, /) -> None:
        self.seconds.append(seconds)


class FailingStat(LayeredAccessor):
    """``stat`` raises the errors given, then answers."""

    def __init__(self, errors: list[StorageError]) -> None:
        super().__init__(memory())
        self.errors = errors
        self.calls = 0

    async def stat(self, path: str, args: OpStat) -> Metadata:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return await self.inner.stat(path, args)


async def test_temporary_errors_are_tried_again_with_growing_jitter() -> None:
    service, waits, told = FailingStat([temporary() for _ in range(4)]), Waits(), list[Retried]()
    layer = RetryLayer(sleep=waits, rng=lambda: 0.5, notify=told.append)
    op = operator_over(service).layer(layer)
    await op.write("a", b"1")
    assert (await op.stat("a")).content_length == 1
    assert service.calls == 5
    assert waits.seconds == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert [(r.step, r.path, r.attempt) for r in told] == [("stat", "a", n) for n in (1, 2, 3, 4)]


async def test_the_wait_is_capped() -> None:
    layer = RetryLayer(rng=lambda: 1.0)
    assert layer.wait_before(20, temporary()) == 20.0


async def test_after_the_last_attempt_the_error_is_persistent() -> None:
    service, waits = FailingStat([temporary() for _ in range(9)]), Waits()
    op = operator_over(service).layer(RetryLayer(sleep=waits))
    with pytest.raises(StorageError) as caught:
        await op.stat("a")
    assert caught.value.status is ErrorStatus.PERSISTENT
    assert caught.value.context["attempts"] == "5"
    assert service.calls == 5
    assert len(waits.seconds) == 4


@pytest.mark.parametrize("status", [ErrorStatus.PERMANENT, ErrorStatus.PERSISTENT])
async def test_other_errors_are_not_tried_again(status: ErrorStatus) -> None:
    service = FailingStat([StorageError(ErrorKind.PERMISSION_DENIED, "no", status=status)])
    op = operator_over(service).layer(RetryLayer(sleep=Waits()))
    with pytest.raises(StorageError):
        await op.stat("a")
    assert service.calls == 1


async def test_retry_after_is_honoured_and_bounded() -> None:
    slow, hopeless = temporary(), temporary()
    slow.retry_after, hopeless.retry_after = 7.0, 3600.0
    waits = Waits()
    op = operator_over(FailingStat([slow, hopeless])).layer(RetryLayer(sleep=waits))
    with pytest.raises(StorageError) as caught:
        await op.stat("a")
    assert waits.seconds == [7.0]
    assert caught.value.status is ErrorStatus.PERSISTENT


async def test_the_budget_stops_an_outage_from_being_multiplied() -> None:
    service = FailingStat([temporary() for _ in range(1000)])
    op = operator_over(service).layer(RetryLayer(sleep=Waits(), budget=RetryBudget(capacity=10)))
    for _ in range(50):
        with pytest.raises(StorageError):
            await op.stat("a")
    assert service.calls == 50 + 10


async def test_successes_refill_the_budget() -> None:
    budget = RetryBudget(capacity=2, refund=1)
    assert budget.spend()
    assert budget.spend()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    for _ in range(5):
        budget.earn()
    assert budget.left == 2


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(1, 200),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    silent=st.booleans(),
    start=st.integers(0, 50),
    seek=st.booleans(),
)
def test_a_body_that_breaks_goes_on_at_the_byte_reached(
    size: int, cuts: list[int], silent: bool, start: int, seek: bool
) -> None:
    async def scenario() -> None:
        data = os.urandom(size)
        service = Reduced(memory(), read_can_seek=False, read_can_next=seek)
        op = operator_over(service).layer(RetryLayer(sleep=Waits()))
        etag = (await op.write("a", data)).etag
        left = list(cuts)

        def cut(reply: ReadReply) -> None:
            if left:
                reply.body = BreakingBody(reply.body, left.pop(0), None if silent else temporary())

        service.on_read = cut
        wanted = ByteRange(min(start, size - 1))
        assert await op.read("a", range=wanted) == data[wanted.start :]
        assert all(read.if_match == etag for read in service.reads[1:])
        starts = [read.range.start for read in service.reads]
        assert starts == sorted(starts)

    asyncio.run(scenario())


@settings(max_examples=200, deadline=None)
@given(
    size=st.integers(1, 64),
    wanted=ranges,
    moves=steps,
    cuts=st.lists(st.integers(0, 20), max_size=12),
    native=st.booleans(),
)
def test_moves_over_bodies_that_break_equal_the_model(
    size: int, wanted: ByteRange, moves: list[tuple[str, int]], cuts: list[int], native: bool
) -> None:
    async def scenario() -> None:
        data = os.urandom(size)
        service = Reduced(memory(), read_can_seek=native, read_can_next=True)
        op = operator_over(service).layer(RetryLayer(attempts=20, sleep=Waits()))
        await op.write("a", data)
        left = list(cuts)

        def cut(reply: ReadReply) -> None:
            if left:
                reply.body = BreakingBody(reply.body, left.pop(0), temporary())

        service.on_read = cut
        if wanted.last is None and wanted.start >= size and wanted.size != 0:
            return
        async with op.reader("a", range=wanted) as reader:
            await play(reader, Model(within(data, wanted)), moves)

    asyncio.run(scenario())


async def test_a_body_sought_after_it_broke_is_where_it_says() -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=True)
    op = operator_over(service).layer(RetryLayer(sleep=Waits()))
    await op.write("a", bytes(range(100)))
    left = [20]

    def cut(reply: ReadReply) -> None:
        if left:
            reply.body = BreakingBody(reply.body, left.pop(), temporary())

    service.on_read = cut
    reply = await op.accessor.read("a", OpRead(range=ByteRange(10, 90)))
    body = cast("FullBody", reply.body)
    got = b""
    while len(got) < 22:
        got += await body.read(2)
    assert got == bytes(range(10, 32))
    for target in (50, 25, 3, 79):
        assert await body.seek(target, os.SEEK_SET) == target
        assert await body.read(1) == bytes([10 + target])
    assert await body.seek(-5, os.SEEK_END) == 75
    assert await body.read(1) == bytes([85])
    await body.aclose()


@pytest.mark.parametrize("conditions", [True, False])
async def test_a_body_that_breaks_never_goes_on_with_another_version(conditions: bool) -> None:
    service = Reduced(memory(), read_can_seek=False, read_with_if_match=conditions)
    op = operator_over(service).layer(RetryLayer(sleep=Waits()))
    await op.write("a", b"1" * 100)

    def cut(reply: ReadReply) -> None:
        reply.body = BreakingBody(reply.body, 50, temporary())

    service.on_read = cut
    async with op.reader("a") as reader:
        assert await reader.read(50) == b"1" * 50
        service.on_read = None
        await op.write("a", b"2" * 100)
        with pytest.raises(StorageError) as caught:
            await reader.read(50)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


async def test_progress_begins_the_count_anew() -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=True)
    op = operator_over(service).layer(RetryLayer(attempts=2, sleep=Waits()))
    data = os.urandom(100)
    await op.write("a", data)

    def cut(reply: ReadReply) -> None:
        reply.body = BreakingBody(reply.body, 10, temporary())

    service.on_read = cut
    assert await op.read("a") == data
    assert service.calls["read"] == 10


async def test_a_body_that_never_moves_gives_up() -> None:
    service = Reduced(memory(), read_can_seek=False, read_can_next=True)
    op = operator_over(service).layer(RetryLayer(attempts=3, sleep=Waits()))
    await op.write("a", b"12345")

    def cut(reply: ReadReply) -> None:
        reply.body = BreakingBody(reply.body, 0, temporary())

    service.on_read = cut
    with pytest.raises(StorageError) as caught:
        await op.read("a")
    assert caught.value.status is ErrorStatus.PERSISTENT
    assert service.calls["read"] == 3


class LostAnswers(LayeredAccessor):
    """Every part copy and every delete is done, and its first answer is lost."""

    def __init__(self, inner: Reduced) -> None:
        super().__init__(inner)
        self.copied: list[int] = []
        self.lost: set[str] = set()

    def _lose(self, what: str) -> None:
        if what not in self.lost:
            self.lost.add(what)
            raise temporary()

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        part = await self.inner.copy_multipart(path, args)
        self.copied.append(args.number)
        self._lose(f"part {args.number}")
        return part

    async def delete(self, path: str, args: OpDelete) -> None:
        if "delete" in self.lost and args.if_match is not None:
            raise StorageError(ErrorKind.CONDITION_NOT_MATCH, "There is nothing to match.")
        await self.inner.delete(path, args)
        self._lose("delete")


async def test_each_part_of_a_large_copy_is_retried_by_itself() -> None:
    service = LostAnswers(Reduced(memory(), copy_max_size=100))
    op = operator_over(service).layer(RetryLayer(sleep=Waits()))
    data = os.urandom(350)
    await op.write("a", data)
    await op.copy("a", "b", chunk=100, concurrent=1)
    assert await op.read("b") == data
    assert service.copied == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [upload async for upload in op.list_multiparts()] == []


async def test_a_simulated_rename_does_not_stumble_over_its_own_copy() -> None:
    service = LostAnswers(Reduced(memory(), rename=False))
    op = operator_over(service).layer(RetryLayer(sleep=Waits()))
    await op.write("a", b"1")
    await op.rename("a", "b", if_not_exists=True)
    assert await op.read("b") == b"1"
    assert not await op.exists("a")


async def test_a_simulated_rename_goes_on_where_it_failed() -> None:
    class FailingDelete(LayeredAccessor):
        failed = False

        async def delete(self, path: str, args: OpDelete) -> None:
            if not self.failed:
                self.failed = True
                raise temporary()
            await self.inner.delete(path, args)

    op = operator_over(FailingDelete(Reduced(memory(), rename=False)))
    op = op.layer(RetryLayer(sleep=Waits()))
    await op.write("a", b"1")
    await op.rename("a", "b", if_not_exists=True)
    assert await op.read("b") == b"1"
    assert not await op.exists("a")


class FlakyDelete(LayeredAccessor):
    """One path of each batch fails for the moment, twice."""

    def __init__(self) -> None:
        super().__init__(memory())
        self.batches: list[list[str]] = []

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        self.batches.append([path for path, _ in items])
        outcomes = list(await self.inner.delete_batch(items))
        if len(self.batches) < 3:
            outcomes[-1] = type(outcomes[-1])(items[-1][0], None, temporary())
        return outcomes


async def test_of_a_batch_only_what_failed_is_tried_again() -> None:
    service = FlakyDelete()
    op = operator_over(service).layer(RetryLayer(sleep=Waits()))
    outcomes = await op.delete_many(["a", "b", "c"])
    assert [outcome.path for outcome in outcomes] == ["a", "b", "c"]
    assert all(outcome.error is None for outcome in outcomes)
    assert service.batches == [["a", "b", "c"], ["c"], ["c"]]


@pytest.mark.parametrize("seed", range(6))
async def test_everything_goes_through_a_service_where_a_third_of_calls_fail(seed: int) -> None:
    stack: list[Any] = [
        ChaosLayer(ratio=0.33, seed=seed),
        RetryLayer(attempts=30, sleep=Waits(), budget=RetryBudget(capacity=10_000)),
    ]
    op = Operator("memory")
    for layer in stack:
        op = op.layer(layer)
    data = os.urandom(5000)
    async with op.writer("w") as writer:
        for at in range(0, 5000, 100):
            await writer.write(data[at : at + 100])
    assert await op.read("w") == data
    assert await op.read("w", chunk=64, concurrent=3) == data
    upload = await op.create_multipart("m")
    parts = [await upload.write(n, data[n * 100 : n * 100 + 100]) for n in range(1, 20)]
    await upload.complete(parts)
    assert await op.read("m") == data[100:2000]
    for n in range(30):
        await op.write(f"many/{n:02}", b"x")
    listed = [entry.path for entry in await op.list("many/", limit=7)]
    assert listed == [f"many/{n:02}" for n in range(30)]
    assert await op.remove_all("many/") == 30
    assert await op.list("many/") == []
