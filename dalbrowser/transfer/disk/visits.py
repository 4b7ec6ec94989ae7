"""Short work on the disk for many jobs, done in one visit to a thread.

Handing one small file to a thread and back costs more than reading it: two switches of
threads, and the interpreter's lock taken from the loop. So what is asked for while a visit
is under way goes together with the next one. Invariant: each call runs once, also when
who asked has gone, and its outcome reaches its caller alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

P = ParamSpec("P")
T = TypeVar("T")

_MOST = 32
"""Calls of one visit."""

_FELT = 0.0004
"""Seconds a call from which on the disk itself is felt, and a second visit hides it.

ext4 takes so long to make a file where many were deleted lately. Below, most of it is the
wait for the interpreter's lock, which more threads only lengthen.
"""

_SLOW = 0.004
"""Seconds a call from which on the disk is waited for, and several threads wait better."""

_THREADS = 4
"""Visits at once to a slow disk."""


class _Call:
    """One call, and the future that waits for its outcome."""

    __slots__ = ("answer", "error", "over", "result", "settled", "work")

    def __init__(self, work: Callable[[], Any], answer: asyncio.Future[Any]) -> None:
        self.work = work
        self.answer = answer
        self.result: Any = None
        self.error: BaseException | None = None
        self.settled = False
        self.over: asyncio.Future[None] | None = None
        """What somebody waits for who was cancelled, and has no answer any more."""

    def run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error

    def settle(self) -> None:
        self.settled = True
        if self.over is not None and not self.over.done():
            self.over.set_result(None)
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class DiskVisits:
    """Gathers short blocking calls; every method is called on the loop of the engine."""

    def __init__(self, disk: Executor) -> None:
        self._disk = disk
        self._waiting: deque[_Call] = deque()
        self._under_way = 0
        self._due = False
        self._each = 0.0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``call`` in a thread, in company; a cancelled caller does not stop it."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._ask(_Call(partial(call, *args, **kwargs), answer))
        return await answer

    async def to_the_end(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like ``run``, but a cancelled task leaves only once the call is over."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        asked = _Call(partial(call, *args, **kwargs), answer)
        self._ask(asked)
        try:
            return await answer
        except asyncio.CancelledError:
            if not asked.settled:
                await _ended(asked)
            raise

    def _ask(self, call: _Call) -> None:
        self._waiting.append(call)
        if not self._due:
            # At the end of this turn of the loop, so that its other jobs come along.
            self._due = True
            asyncio.get_running_loop().call_soon(self._go)

    def _go(self) -> None:
        self._due = False
        threads, size = self._share()
        while self._waiting and self._under_way < threads:
            group = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
            self._under_way += 1
            self._disk.submit(_visit, group, asyncio.get_running_loop(), self._back)

    def _share(self) -> tuple[int, int]:
        """Return how many visits there may be now, and how many calls each takes."""
        if self._each < _FELT:
            return 1, _MOST
        return (2, _MOST // 2) if self._each < _SLOW else (_THREADS, 1)

    def _back(self, group: Sequence[_Call], seconds: float) -> None:
        self._under_way -= 1
        self._each += (seconds / len(group) - self._each) / 4
        for call in group:
            call.settle()
        if self._waiting and not self._due:
            self._go()


async def _ended(call: _Call) -> None:
    """Return once a call is over, however often this task is cancelled meanwhile."""
    over = call.over = asyncio.get_running_loop().create_future()
    while not over.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([over])


def _visit(
    group: Sequence[_Call],
    loop: asyncio.AbstractEventLoop,
    back: Callable[[Sequence[_Call], float], None],
) -> None:
    begun = time.perf_counter()
    for call in group:
        call.run()
    # The loop is gone when a program ends in the middle.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(back, group, time.perf_counter() - begun)
