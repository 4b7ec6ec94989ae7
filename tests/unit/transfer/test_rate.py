"""Rate limits: never more than the rate, nearly all of it, and changed while running."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.cli.wording import rate
from dalbrowser.transfer.rate import LOWEST, Rates, TokenBucket

MiB = 1024 * 1024


class Clock:
    """A time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@given(
    bytes_a_second=st.floats(1e3, 1e9),
    steps=st.lists(st.tuples(st.integers(1, 512 * 1024), st.floats(0, 2)), min_size=1, max_size=60),
)
def test_no_more_passes_than_the_rate_allows(
    bytes_a_second: float, steps: list[tuple[int, float]]
) -> None:
    now = 10.0
    bucket = TokenBucket(bytes_a_second, now)
    passed: list[tuple[float, int]] = []
    for size, pause in steps:
        now += pause
        now += bucket.due(now)
        bucket.spend(size, now)
        passed.append((now, size))
    for first, last in itertools.combinations_with_replacement(range(len(passed)), 2):
        # The last block passes whole and is paid for afterwards.
        size = sum(count for _, count in passed[first:last])
        seconds = passed[last][0] - passed[first][0]
        assert size <= bytes_a_second * (seconds + 0.1) * (1 + 1e-6) + 1


@pytest.mark.parametrize("wanted", [MiB, 20 * MiB])
async def test_many_senders_together_have_the_rate_smoothly(wanted: int) -> None:
    clock = Clock()
    rates = Rates(wanted, None, clock=clock, sleep=clock.sleep)
    seen: list[tuple[float, int, int]] = []

    async def send(number: int) -> None:
        while clock.now < 110:
            step = rates.step
            await rates.sending(step)
            seen.append((clock.now, number, step))

    await asyncio.gather(*(send(number) for number in range(8)))
    for second in range(100, 110):
        size = sum(step for at, _, step in seen if second <= at < second + 1)
        assert size == pytest.approx(wanted, rel=0.1)
    shares = [sum(step for _, who, step in seen if who == number) for number in range(8)]
    assert max(shares) - min(shares) <= 2 * max(step for _, _, step in seen)


async def test_the_two_ways_are_limited_by_themselves() -> None:
    clock = Clock()
    rates = Rates(MiB, None, clock=clock, sleep=clock.sleep)
    for _ in range(100):
        await rates.received(MiB)
    assert clock.now == 100.0
    await rates.sending(MiB)
    await rates.sending(1)
    assert clock.now == pytest.approx(101.0)
    assert (rates.up, rates.down) == (MiB, None)


async def test_a_new_rate_holds_at_once_also_for_who_waits() -> None:
    rates = Rates(LOWEST, None)
    await rates.sending(1000 * LOWEST)
    waiting = asyncio.ensure_future(rates.sending(1))
    await asyncio.sleep(0)
    rates.set(None, None)
    async with asyncio.timeout(5):
        await waiting
    assert rates.step == 512 * 1024


async def test_a_wait_that_is_cancelled_costs_nothing() -> None:
    clock = Clock()
    rates = Rates(MiB, None, clock=clock)
    await rates.sending(MiB)
    waiting = asyncio.ensure_future(rates.sending(500 * MiB))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.now += 1.01
    async with asyncio.timeout(5):
        await rates.sending(1)


def test_too_low_a_rate_is_the_lowest() -> None:
    assert Rates(1, 1).up == LOWEST
    assert Rates(0, 0).down is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("500", 500), ("500k", 500 << 10), ("20M", 20 << 20), ("1.5GiB", 3 << 29), ("1MB", 1 << 20)],
)
def test_a_rate_is_written_with_a_unit(text: str, wanted: int) -> None:
    assert rate(text) == wanted


@pytest.mark.parametrize("text", ["", "M", "0", "-5M", "fast", "1T5", "nan", "inf"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- argparse wants just that
        rate(text)
