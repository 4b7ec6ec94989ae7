"""The optional layers: deadlines, limits, throttle, inspection, types, chaos, less ability."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import (
    CapabilityOverrideLayer,
    ChaosLayer,
    ConcurrentLimitLayer,
    ErrorKind,
    ErrorStatus,
    HttpExchange,
    InspectLayer,
    MimeGuessLayer,
    Operator,
    RetryLayer,
    StorageError,
    ThrottleLayer,
    TimeoutLayer,
)
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.layers.mime_guess import content_type_of
from tests.unit.storage.reduced import PlainBody, Reduced, memory, operator_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.storage import Metadata
    from dalbrowser.storage.options import OpStat
    from dalbrowser.storage.types import RawReader, ReadReply


class Held(LayeredAccessor):
    """Calls of ``stat`` wait for a gate; counts how many are under way."""

    def __init__(self) -> None:
        super().__init__(memory())
        self.gate = asyncio.Event()
        self.under_way = self.most = 0

    async def stat(self, path: str, args: OpStat) -> Metadata:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        return await self.inner.stat(path, args)


class StallingBody(PlainBody):
    """A body whose ``stalls``-th block never comes."""

    def __init__(self, inner: RawReader, stalls: int) -> None:
        super().__init__(inner, can_seek=False, can_next=True)
        self._stalls = stalls

    async def next(self) -> bytes | None:
        """Stream until the stall."""
        self._stalls -= 1
        if self._stalls < 0:
            await asyncio.Event().wait()
        return await super().next()


async def test_a_call_that_stalls_is_temporary() -> None:
    op = operator_over(Held()).layer(TimeoutLayer(call=0.01))
    with pytest.raises(StorageError) as caught:
        await op.stat("a")
    error = caught.value
    assert (error.kind, error.status) == (ErrorKind.UNEXPECTED, ErrorStatus.TEMPORARY)
    assert (error.operation, error.path, error.service) == ("stat", "a", "memory")


@pytest.mark.parametrize(
    "step", ["copy", "rename", "copy_multipart", "complete_multipart", "delete_batch"]
)
def test_what_moves_data_behind_one_call_has_no_deadline(step: str) -> None:
    """A disk copies a file of 300 GB for an hour, and a server may join parts for as long."""
    assert TimeoutLayer().deadline(step) is None
    assert TimeoutLayer().deadline(step, local=True) is None


async def test_a_body_that_stalls_is_opened_again_by_retry() -> None:
    service = Reduced(memory(), read_can_seek=False)
    data = bytes(range(50))
    left = [2, 4]

    def stall(reply: ReadReply) -> None:
        if left:
            reply.body = StallingBody(reply.body, left.pop(0))

    async def no_wait(_: float, /) -> None:
        return None

    op = operator_over(service).layer(TimeoutLayer(between=0.02)).layer(RetryLayer(sleep=no_wait))
    await op.write("a", data)
    service.on_read = stall
    assert await op.read("a") == data
    assert [read.range.start for read in service.reads] == [0, 2, 6]


class SlowBody(PlainBody):
    """A body whose every block takes a while."""

    def __init__(self, inner: RawReader, seconds: float) -> None:
        super().__init__(inner, can_seek=False, can_next=True)
        self._seconds = seconds

    async def next(self) -> bytes | None:
        """Stream a block late."""
        arrived = asyncio.Event()
        asyncio.get_running_loop().call_later(self._seconds, arrived.set)
        await arrived.wait()
        return await super().next()


async def test_a_body_that_comes_slowly_is_never_cut() -> None:
    service = Reduced(memory(), read_can_seek=False)
    op = operator_over(service).layer(TimeoutLayer(between=1.0))
    await op.write("a", bytes(10))
    service.on_read = lambda reply: setattr(reply, "body", SlowBody(reply.body, 0.12))
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await op.read("a") == bytes(10)
    assert loop.time() - began > 1.0


async def test_what_was_given_up_costs_nobody_else_its_time() -> None:
    waits: list[float] = []
    begun = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        begun.set()
        if len(waits) == 1:
            await asyncio.Event().wait()

    layer = ThrottleLayer(rate=1000, burst=1000, clock=lambda: 0.0, sleep=sleep)
    op = operator_over(memory()).layer(layer)
    task = asyncio.create_task(op.write("large", bytes(1_000_000)))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await op.write("small", bytes(1500))
    assert waits == [999.0, 0.5]


async def test_somebody_elses_cancellation_wins_over_the_deadline() -> None:
    class CancelledTwice(StallingBody):
        async def next(self) -> bytes | None:
            try:
                return await super().next()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                raise

    service = Reduced(memory(), read_can_seek=False)
    op = operator_over(service).layer(TimeoutLayer(between=0.01))
    await op.write("a", bytes(60))
    service.on_read = lambda reply: setattr(reply, "body", CancelledTwice(reply.body, 0))
    task = asyncio.create_task(op.read("a"))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_caller_that_is_cancelled_while_a_body_stalls_stays_cancelled() -> None:
    service = Reduced(memory(), read_can_seek=False)
    op = operator_over(service).layer(TimeoutLayer(between=60))
    await op.write("a", bytes(60))
    service.on_read = lambda reply: setattr(reply, "body", StallingBody(reply.body, 0))
    task = asyncio.create_task(op.read("a"))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_of_somebody_else_is_not_ours() -> None:
    class Failing(LayeredAccessor):
        async def stat(self, path: str, args: OpStat) -> Metadata:
            raise TimeoutError("the service's own")

    op = operator_over(Failing(memory())).layer(TimeoutLayer(call=60))
    with pytest.raises(StorageError) as caught:
        await op.stat("a")
    assert "unforeseen TimeoutError" in caught.value.message


async def test_at_most_so_many_calls_at_once() -> None:
    service = Held()
    op = operator_over(service).layer(ConcurrentLimitLayer(3))
    await op.write("a", b"")
    calls = [asyncio.create_task(op.stat("a")) for _ in range(10)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert service.under_way == 3
    service.gate.set()
    await asyncio.gather(*calls)
    assert service.most == 3


async def test_a_body_that_idles_holds_no_permit() -> None:
    op = Operator("memory").layer(ConcurrentLimitLayer(1))
    await op.write("a", bytes(3 << 20))
    async with op.reader("a") as source, op.writer("b") as target:
        async for block in source:
            await target.write(block)
    assert (await op.stat("b")).content_length == 3 << 20


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


async def test_bytes_pass_at_the_rate() -> None:
    clock = Clock()
    op = Operator("memory").layer(ThrottleLayer(rate=100, burst=50, clock=clock, sleep=clock.sleep))
    await op.write("a", bytes(250))
    assert clock.now == pytest.approx(2.0)
    await op.read("a")
    assert clock.now == pytest.approx(4.5)
    clock.now += 100
    upload = await op.create_multipart("m")
    before = clock.now
    await upload.write(1, bytes(150))
    assert clock.now - before == pytest.approx(1.0)


class Chatty(LayeredAccessor):
    """Reports one exchange for each ``stat``."""

    def __init__(self) -> None:
        super().__init__(memory())
        self._sinks: list[Callable[[HttpExchange], None]] = []

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        self._sinks.append(sink)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        exchange = HttpExchange(
            id=1,
            method="HEAD",
            url="http://x/",
            status=200,
            started=datetime.now(UTC),
            seconds=0.1,
            sent=0,
            received=0,
            request_id=None,
            request_headers=(),
            response_headers=(),
        )
        for sink in self._sinks:
            sink(exchange)
        return await self.inner.stat(path, args)


async def test_exchanges_are_seen_and_the_last_ones_kept() -> None:
    seen: list[HttpExchange] = []
    layer = InspectLayer(seen.append, keep=2)
    op = operator_over(Chatty()).layer(RetryLayer()).layer(layer)
    await op.write("a", b"")
    for _ in range(3):
        await op.stat("a")
    assert (len(seen), len(layer.exchanges), layer.seen) == (3, 2, 3)
    layer.clear()
    assert layer.exchanges == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("a.tar.gz", "application/gzip"),
        ("x/y.PNG", "image/png"),
        ("a#b.json", "application/json"),
        ("a?b.json", "application/json"),
        ("data:text.csv", "text/csv"),
        ("no suffix", None),
        ("a.unknown-suffix", None),
    ],
)
def test_types_by_name(name: str, kind: str | None) -> None:
    assert content_type_of(name) == kind


async def test_a_type_is_guessed_only_where_none_was_given() -> None:
    op = Operator("memory").layer(MimeGuessLayer())
    await op.write("a.txt", b"")
    await op.write("b.txt", b"", content_type="x/y")
    upload = await op.create_multipart("c.png")
    await upload.complete([await upload.write(1, b"1")])
    types = [(await op.stat(path)).content_type for path in ("a.txt", "b.txt", "c.png")]
    assert types == ["text/plain", "x/y", "image/png"]
    plain = Reduced(memory(), write_with_content_type=False)
    await operator_over(plain).layer(MimeGuessLayer()).write("a.txt", b"")


async def test_chaos_is_reproducible_and_names_what_failed() -> None:
    async def outcome(seed: int) -> list[bool]:
        op = Operator("memory").layer(ChaosLayer(ratio=0.5, seed=seed, steps=frozenset({"stat"})))
        await op.write("a", b"")
        failed = []
        for _ in range(40):
            try:
                await op.stat("a")
            except StorageError as error:
                failed.append(error.is_temporary)
            else:
                failed.append(False)
        return failed

    assert await outcome(1) == await outcome(1)
    assert await outcome(1) != await outcome(2)
    assert any(await outcome(1))
    assert not all(await outcome(1))


async def test_an_ability_can_be_taken_away_but_not_given() -> None:
    op = Operator("memory").layer(
        CapabilityOverrideLayer(copy=False, write_total_max_size=4, read_with_if_match=False)
    )
    assert not op.capability.copy
    await op.write("a", b"1234")
    for call in (op.copy("a", "b"), op.read("a", if_match="x")):
        with pytest.raises(StorageError) as caught:
            await call
        assert caught.value.kind is ErrorKind.UNSUPPORTED
    with pytest.raises(StorageError) as caught:
        await op.write("a", b"12345")
    assert caught.value.kind is ErrorKind.INVALID_INPUT
    for bad in ({"presign": True}, {"no_such_flag": True}):
        with pytest.raises(StorageError) as caught:
            Operator("memory").layer(CapabilityOverrideLayer(**bad))
        assert caught.value.kind is ErrorKind.CONFIG_INVALID


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConcurrentLimitLayer(0),
        lambda: ThrottleLayer(rate=0),
        lambda: ChaosLayer(ratio=1.5),
    ],
)
def test_settings_that_mean_nothing(make: Callable[[], object]) -> None:
    with pytest.raises(StorageError) as caught:
        make()
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
