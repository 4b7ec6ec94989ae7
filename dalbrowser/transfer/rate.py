"""How many bytes a second transfers may send and receive, over all of them.

Invariant: over any time the bytes that passed are at most ``rate * seconds`` and one burst
and one block more. ``TokenBucket`` is pure: it is told the time and never waits itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOWEST = 128 * 1024
"""Bytes a second: below, sixteen transfers that take turns would seem dead to a server."""

_BURST = 0.1
"""Seconds' worth of bytes that may pass at once after a pause."""

_TICK = 1e-6
"""Seconds that are not worth a wait."""

_SMALLEST, _LARGEST = 16 * 1024, 512 * 1024
"""Bytes of a block: a tenth of a second's worth within these."""


class TokenBucket:
    """A bucket that may go into debt: a block passes whole, and the next one waits for it.

    ``rate`` in bytes a second, ``None`` for no limit; ``now`` in seconds of any clock.
    """

    def __init__(self, rate: float | None, now: float) -> None:
        self._rate = rate
        self._balance = 0.0
        self._at = now

    @property
    def rate(self) -> float | None:
        """Bytes a second."""
        return self._rate

    def due(self, now: float) -> float:
        """Return the seconds until the next block may pass; 0 when it may now."""
        if self._rate is None:
            return 0.0
        self._fill(now)
        due = -self._balance / self._rate
        # Less than a clock can tell is nothing.
        return due if due > _TICK else 0.0

    def spend(self, size: int, now: float) -> None:
        """A block of ``size`` bytes passes."""
        if self._rate is not None:
            self._fill(now)
            self._balance -= size

    def set_rate(self, rate: float | None, now: float) -> None:
        """Change the rate; what is owed stays owed, in bytes."""
        if self._rate is not None:
            self._fill(now)
        self._rate, self._at = rate, now
        if rate is None:
            self._balance = 0.0

    def _fill(self, now: float) -> None:
        rate = self._rate or 0.0
        passed, self._at = max(0.0, now - self._at), max(now, self._at)
        self._balance = min(self._balance + passed * rate, _BURST * rate)


class _Direction:
    """One bucket and those who wait for it, first come first served."""

    def __init__(
        self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]] | None
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self.bucket = TokenBucket(None, clock())
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def set_rate(self, rate: float | None) -> None:
        self.bucket.set_rate(rate, self._clock())
        self._changed.set()

    async def passes(self, size: int) -> None:
        """Wait until ``size`` bytes may pass, and count them."""
        if self.bucket.rate is None:
            return
        async with self._turn:
            while (due := self.bucket.due(self._clock())) > 0:
                await self._wait(due)
            self.bucket.spend(size, self._clock())

    async def _wait(self, seconds: float) -> None:
        if self._sleep is not None:
            await self._sleep(seconds)
            return
        # A new rate holds from now on, also for who waits by the old one.
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)


class Rates:
    """The limits of one engine, up and down; a ``Pace`` for the bodies of its requests.

    ``clock`` and ``sleep`` can be replaced in tests.
    """

    def __init__(
        self,
        up: int | None = None,
        down: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        self._up = _Direction(clock, sleep)
        self._down = _Direction(clock, sleep)
        self.set(up, down)

    @property
    def up(self) -> float | None:
        """Bytes a second that may be sent."""
        return self._up.bucket.rate

    @property
    def down(self) -> float | None:
        """Bytes a second that may be received."""
        return self._down.bucket.rate

    def set(self, up: int | None, down: int | None) -> None:
        """Change both limits, in bytes a second; ``None`` and 0 are none."""
        self._up.set_rate(max(up, LOWEST) if up else None)
        self._down.set_rate(max(down, LOWEST) if down else None)

    @property
    def step(self) -> int:
        """The bytes to send at once."""
        return _LARGEST if self.up is None else int(min(_LARGEST, max(_SMALLEST, self.up * _BURST)))

    async def sending(self, size: int) -> None:
        """Wait until ``size`` more bytes may be sent."""
        await self._up.passes(size)

    async def received(self, size: int) -> None:
        """Wait until ``size`` more bytes may have been received."""
        await self._down.passes(size)
