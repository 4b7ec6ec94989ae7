"""How many requests at once: more while that brings more, fewer when it does not."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer.adaptive import Adaptive, Bounds
from dalbrowser.transfer.slots import Slots


def run_link(adaptive: Adaptive, seconds: float, round_trip: float, most_a_second: float) -> float:
    """Drive a limit with a link of that round trip and rate; returns the requests a second."""
    now, ended = 0.0, 0
    while now < seconds:
        rate = min(adaptive.limit / round_trip, most_a_second)
        now += 1 / rate
        ended += 1
        adaptive.ended(now, 1, waiting=True)
    return ended / now


def test_a_long_round_trip_is_filled() -> None:
    adaptive = Adaptive(Bounds(16, 1, 48), 0.0)
    assert run_link(adaptive, 10, 0.05, 1e6) > 0.8 * 48 / 0.05
    assert adaptive.limit == 48


def test_a_link_that_is_full_gets_no_more() -> None:
    adaptive = Adaptive(Bounds(16, 1, 48), 0.0)
    run_link(adaptive, 60, 0.005, 1000)
    assert adaptive.limit == 16


def test_it_stops_where_more_brings_nothing() -> None:
    adaptive = Adaptive(Bounds(4, 1, 200), 0.0)
    run_link(adaptive, 20, 0.05, 600)
    assert 24 <= adaptive.limit <= 60


def test_nobody_waits_no_more_is_tried() -> None:
    adaptive = Adaptive(Bounds(4, 1, 48), 0.0)
    for tick in range(2000):
        adaptive.ended(tick / 100, 1, waiting=False)
    assert adaptive.limit == 4


def test_a_refusal_halves_once_for_all_that_was_under_way() -> None:
    adaptive = Adaptive(Bounds(16, 1, 48), 0.0)
    for _ in range(16):
        adaptive.refused(10.0)
    assert adaptive.limit == 8
    for tick in range(20):
        adaptive.refused(11.0 + tick)
    assert adaptive.limit == 1
    run_link_from(adaptive, 40.0)
    assert adaptive.limit > 8


def run_link_from(adaptive: Adaptive, begun: float) -> None:
    now = begun
    while now < begun + 30:
        now += 0.05 / adaptive.limit
        adaptive.ended(now, 1, waiting=True)


@given(
    least=st.integers(1, 8),
    more=st.integers(0, 60),
    start=st.integers(1, 100),
    events=st.lists(st.tuples(st.floats(0, 1), st.sampled_from("erw")), max_size=300),
)
def test_the_bounds_hold(
    least: int, more: int, start: int, events: list[tuple[float, str]]
) -> None:
    adaptive = Adaptive(Bounds(start, least, least + more), 0.0)
    now = 0.0
    for pause, what in events:
        now += pause
        if what == "r":
            adaptive.refused(now)
        else:
            adaptive.ended(now, 1, waiting=what == "w")
        assert least <= adaptive.limit <= least + more


async def test_slots_are_never_more_than_the_limit_and_all_come_back() -> None:
    slots = Slots(3)
    busy = most = 0

    async def hold(number: int) -> None:
        nonlocal busy, most
        async with slots.one(f"connection {number % 2}"):
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            if not number % 5:
                raise ZeroDivisionError

    tasks = [asyncio.ensure_future(hold(number)) for number in range(50)]
    await asyncio.sleep(0)
    for task in tasks[20:30]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (busy, most) == (0, 3)
    async with asyncio.timeout(1), slots.one("a"), slots.one("b"), slots.one("a"):
        pass


async def test_a_slow_down_leaves_fewer_slots() -> None:
    slots = Slots(16, clock=lambda: 5.0)
    error = StorageError(ErrorKind.RATE_LIMITED, "Slow down.", status=ErrorStatus.TEMPORARY)
    with pytest.raises(StorageError):
        async with slots.small("a", 10):
            raise error
    assert slots.limits("a") == (16, 32)
    assert slots.limits("b") == (16, 64)
    slots.refused("b")
    assert slots.limits("b") == (8, 32)


async def test_who_asks_for_few_large_requests_gets_few_small_ones() -> None:
    slots = Slots(1)
    assert slots.limits("a") == (1, 4)
    busy = most = 0

    async def hold() -> None:
        nonlocal busy, most
        async with slots.small("a", 10):
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1

    await asyncio.gather(*(hold() for _ in range(50)))
    assert (busy, most) == (0, 4)


async def test_a_large_request_counts_as_large() -> None:
    slots = Slots(1)
    async with slots.small("a", 1 << 30):
        waiting = asyncio.ensure_future(_enter(slots))
        await asyncio.sleep(0)
        async with slots.small("a", 1):
            assert not waiting.done()
    await waiting


async def _enter(slots: Slots) -> None:
    async with slots.one("b"):
        pass


async def test_a_place_given_to_one_who_leaves_goes_on_to_the_next() -> None:
    slots = Slots(1)
    async with contextlib.AsyncExitStack() as held:
        for _ in range(slots.limits("a")[1]):
            await held.enter_async_context(slots.small("a", 1))
        leaving = asyncio.ensure_future(_enter_small(slots))
        await asyncio.sleep(0)
    # The place is its own by now, and it has not run since.
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    async with asyncio.timeout(1):
        await _enter_small(slots)


async def _enter_small(slots: Slots) -> None:
    async with slots.small("a", 1):
        pass
