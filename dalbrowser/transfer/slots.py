"""How many requests may move bytes at once: over all, and to one connection.

Two kinds: large ones hold a part in memory each, so there are never more than the person
set; small ones are round trips more than bytes, so as many as the link rewards (see
``adaptive``). Invariant: a slot is given back on every way out; nobody holds one asleep.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.transfer.adaptive import Adaptive, Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 1024 * 1024
"""Bytes up to which a request counts as small."""

_SMALL_START, _SMALL_MOST = 4, 6
"""Small requests at once to one connection, to begin with and at most, for each large slot.

64 and 96 where nobody asked for fewer: with 50 ms a round trip, 500 files took 1.2 s beginning
with 16, 1.0 s with 64, and on the loopback no longer. An operator makes 128 calls at once.
"""


class _Pool:
    """The slots of one connection and kind, as many as its limit says now."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.adaptive = Adaptive(bounds, clock())
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        if self._busy < self.adaptive.limit and not self._waiting:
            self._busy += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def release(self, error: object, amount: float) -> None:
        now = self._clock()
        if error is None:
            self.adaptive.ended(now, amount, waiting=bool(self._waiting))
        elif isinstance(error, StorageError) and error.kind is ErrorKind.RATE_LIMITED:
            self.adaptive.refused(now)
        self._leave()

    def _leave(self) -> None:
        self._busy -= 1
        while self._waiting and self._busy < self.adaptive.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(None)


class Slots:
    """``total`` slots for large requests over all, and for small ones by connection."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total = asyncio.Semaphore(total)
        self._large_bounds = Bounds(total, 1, total)
        self._small_bounds = Bounds(_SMALL_START * total, 1, _SMALL_MOST * total)
        self._large: dict[str, _Pool] = {}
        self._small: dict[str, _Pool] = {}

    def one(self, connection: str) -> _Slot:
        """Hold a slot for a request of any size, for an ``async with`` block."""
        return _Slot(self._pool(self._large, self._large_bounds, connection), self._total)

    def small(self, connection: str, size: int | None) -> _Slot:
        """Hold a slot for a request of ``size`` bytes; ``one`` where that is not small."""
        if size is None or size > SMALL:
            return self.one(connection)
        return _Slot(self._pool(self._small, self._small_bounds, connection), None)

    def refused(self, connection: str) -> None:
        """The service asked for less, and a layer below has tried again by itself."""
        for pools in (self._large, self._small):
            if connection in pools:
                pools[connection].adaptive.refused(self._clock())

    def limits(self, connection: str) -> tuple[int, int]:
        """Return how many large and small requests may be under way now."""
        large = self._pool(self._large, self._large_bounds, connection)
        small = self._pool(self._small, self._small_bounds, connection)
        return large.adaptive.limit, small.adaptive.limit

    def _pool(self, pools: dict[str, _Pool], bounds: Bounds, connection: str) -> _Pool:
        pool = pools.get(connection)
        if pool is None:
            pool = pools[connection] = _Pool(bounds, self._clock)
        return pool


class _Slot:
    __slots__ = ("_own", "_total")

    def __init__(self, own: _Pool, total: asyncio.Semaphore | None) -> None:
        self._own = own
        self._total = total

    async def __aenter__(self) -> None:
        await self._own.acquire()
        if self._total is None:
            return
        try:
            await self._total.acquire()
        except BaseException as error:
            self._own.release(error, 0)
            raise

    async def __aexit__(self, _kind: object, error: object, _trace: object) -> None:
        if self._total is not None:
            self._total.release()
        self._own.release(error, 1)
