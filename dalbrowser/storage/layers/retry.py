"""Tries again what failed for the moment: only errors whose status is Temporary.

Invariants: a body that breaks is opened again at the byte reached and pinned to the ETag
first seen, so one read never mixes two versions; a call that is repeated has taken nothing
the first time; after the last attempt the error's status is Persistent.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from dalbrowser.storage.errors import ErrorStatus, StorageError
from dalbrowser.storage.layers.around import AroundAccessor
from dalbrowser.storage.oio.body import seek_target
from dalbrowser.storage.pinning import pinned, require_same
from dalbrowser.storage.types import ByteRange, DeleteOutcome
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpDelete, OpRead, OpWrite
    from dalbrowser.storage.types import Data, FullBody, Metadata, ReadReply

T = TypeVar("T")


class RetryBudget:
    """How many retries an operator may spend, so that an outage is not multiplied.

    A bucket of ``capacity`` tokens: each retry takes one, each success gives ``refund``
    back. Retries beyond that are not made. The shape is that of gRPC's retry throttling
    (gRFC A6); the size lets a hundred parts fail once each.
    """

    def __init__(self, capacity: float = 100.0, refund: float = 0.5) -> None:
        self.capacity = capacity
        self.refund = refund
        self.left = capacity

    def spend(self) -> bool:
        """Take one retry, if there is one left."""
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def earn(self) -> None:
        """Note a success."""
        self.left = min(self.capacity, self.left + self.refund)


@record()
class Retried:
    """One retry about to be made: the step, its path, the number of the attempt that failed
    (from 1), the seconds until the next, and what came back."""

    step: str
    path: str
    attempt: int
    wait: float
    error: StorageError


_HEARD: ContextVar[Callable[[Retried], None] | None] = ContextVar("retries heard", default=None)


def hear_retries(listener: Callable[[Retried], None]) -> None:
    """Tell ``listener`` of every retry that this task, and the tasks it begins, wait for.

    A layer's own ``notify`` hears of an operator's; this one of a piece of work's, whichever
    operators it uses.
    """
    _HEARD.set(listener)


_ONCE: ContextVar[bool] = ContextVar("tried once", default=False)


@contextmanager
def tried_once() -> Iterator[None]:
    """Let no layer repeat the calls made within: their maker looks what landed, then repeats."""
    token = _ONCE.set(True)
    try:
        yield
    finally:
        _ONCE.reset(token)


class Sleep(Protocol):
    """Waits for some seconds."""

    async def __call__(self, seconds: float, /) -> None: ...


async def _sleep(seconds: float, /) -> None:
    await asyncio.sleep(seconds)


@record(kw_only=True)
class RetryLayer:
    """Exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015).

    Before attempt ``n + 1`` it waits a random time up to ``min(cap, base * 2 ** (n - 1))``
    seconds, and at least what the server asked for by Retry-After. When that is more than
    ``patience`` seconds the error is raised at once. ``budget`` is made for each operator
    unless one is given. ``notify`` hears of every retry; ``sleep`` and ``rng`` (0 to 1) can
    be replaced in tests.
    """

    attempts: int = 5
    base: float = 0.2
    cap: float = 20.0
    patience: float = 120.0
    budget: RetryBudget | None = None
    notify: Callable[[Retried], None] | None = None
    sleep: Sleep = _sleep
    rng: Callable[[], float] = random.random

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with retries."""
        return _RetryAccessor(inner, self)

    def wait_before(self, attempt: int, error: StorageError) -> float | None:
        """Return the seconds to wait after failed attempt ``attempt``, ``None`` to give up."""
        asked = error.retry_after or 0.0
        if asked > self.patience:
            return None
        jitter = self.rng() * min(self.cap, self.base * 2.0 ** (attempt - 1))
        return max(asked, jitter)


class Attempts:
    """Counts the attempts of one step, waits between them, and gives up in the end."""

    def __init__(self, layer: RetryLayer, budget: RetryBudget, step: str, path: str) -> None:
        self._layer = layer
        self._budget = budget
        self._step = step
        self._path = path
        self._made = 0

    async def failed(self, error: StorageError) -> None:
        """Wait until the next attempt is due, or raise ``error`` when there is none."""
        if not error.is_temporary or _ONCE.get():
            if self._made:
                # Whoever acts on a refusal must know that an earlier attempt may have landed.
                error.context["attempts"] = str(self._made + 1)
            raise error
        self._made += 1
        layer = self._layer
        wait = layer.wait_before(self._made, error)
        if wait is None or self._made >= layer.attempts or not self._budget.spend():
            error.status = ErrorStatus.PERSISTENT
            error.context["attempts"] = str(self._made)
            raise error
        retried = Retried(self._step, self._path, self._made, wait, error)
        for listener in (layer.notify, _HEARD.get()):
            if listener is not None:
                listener(retried)
        await layer.sleep(wait)

    def succeeded(self) -> None:
        """Begin to count anew: the step moved on."""
        self._made = 0
        self._budget.earn()


class _RetryAccessor(AroundAccessor):
    def __init__(self, inner: Accessor, layer: RetryLayer) -> None:
        super().__init__(inner)
        self._layer = layer
        self._budget = layer.budget or RetryBudget()
        self._if_match = inner.info().capability.read_with_if_match

    def attempts(self, step: str, path: str) -> Attempts:
        """Return a counter for one step."""
        return Attempts(self._layer, self._budget, step, path)

    async def around(self, step: str, path: str, call: Callable[[], Awaitable[T]]) -> T:
        attempts: Attempts | None = None
        while True:
            try:
                result = await call()
            except StorageError as error:
                attempts = attempts or self.attempts(step, path)
                await attempts.failed(error)
            else:
                self._budget.earn()
                return result

    async def read(self, path: str, args: OpRead) -> ReadReply:
        reply = await self.around("read", path, lambda: self.inner.read(path, args))

        async def reopen(again: OpRead) -> ReadReply:
            return await self.inner.read(path, again)

        reply.body = _ResumingBody(
            reopen,
            pinned(args, reply.metadata, if_match=self._if_match),
            replace(reply),
            self.attempts("read.next", path),
        )
        return reply

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        tries = count(int(again))
        return await self.around(
            "write_whole",
            path,
            lambda: self.inner.write_whole(path, args, data, again=next(tries) > 0),
        )

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        """Repeat the batch, and within it only the paths that failed for the moment."""
        outcomes: dict[int, DeleteOutcome] = {}
        left = list(enumerate(items))
        attempts = self.attempts("delete_batch", "")
        while True:
            batch = [item for _, item in left]
            done = await self.around("delete_batch", "", lambda: self.inner.delete_batch(batch))  # noqa: B023
            failed = []
            for pair, outcome in zip(left, done, strict=True):
                outcomes[pair[0]] = outcome
                if outcome.error is not None and outcome.error.is_temporary:
                    failed.append(pair)
            if not failed:
                break
            error = outcomes[failed[0][0]].error
            assert error is not None  # noqa: S101 - only failures are in the list
            try:
                await attempts.failed(error)
            except StorageError:
                for index, _ in failed:
                    _give_up(outcomes[index])
                break
            left = failed
        return [outcomes[index] for index in range(len(items))]


def _give_up(outcome: DeleteOutcome) -> None:
    if outcome.error is not None:
        outcome.error.status = ErrorStatus.PERSISTENT


class _ResumingBody:
    """A body that is opened again where it broke."""

    def __init__(
        self,
        reopen: Callable[[OpRead], Awaitable[ReadReply]],
        args: OpRead,
        reply: ReadReply,
        attempts: Attempts,
    ) -> None:
        self._reopen = reopen
        self._args = args
        self._first = reply.metadata
        self._start = reply.offset
        self._size = reply.size
        self._end = None if reply.size is None else reply.offset + reply.size
        self._body: FullBody | None = cast("FullBody", reply.body)
        self._base = 0
        self._at = 0
        self._attempts = attempts

    async def read(self, size: int) -> bytes:
        """Read, opening again as often as the layer allows."""
        block = await self._step(lambda body: body.read(size))
        self._at += len(block or b"")
        return block or b""

    async def next(self) -> bytes | None:
        """Stream, opening again as often as the layer allows."""
        block = await self._step(lambda body: body.next())
        self._at += len(block or b"")
        return block

    async def seek(self, offset: int, whence: int) -> int:
        """Move within the range; the next read makes the request, if one is needed."""
        self._at = seek_target(offset, whence, at=self._at, size=self._size)
        if self._body is not None:
            if self._at < self._base:
                await self._drop()
            else:
                await self._body.seek(self._at - self._base, os.SEEK_SET)
        return self._at

    async def aclose(self) -> None:
        """Give up the body."""
        await self._drop()

    async def _step(self, call: Callable[[FullBody], Awaitable[bytes | None]]) -> bytes | None:
        while True:
            try:
                body = await self._open()
                block = None if body is None else await call(body)
            except StorageError as error:
                await self._drop()
                await self._attempts.failed(error)
            else:
                if block:
                    self._attempts.succeeded()
                return block

    async def _open(self) -> FullBody | None:
        if self._body is None:
            if self._size is not None and self._at >= self._size:
                return None
            here = ByteRange(self._start + self._at, self._end)
            reply = await self._reopen(replace(self._args, range=here))
            self._body = cast("FullBody", reply.body)
            require_same(self._first, reply.metadata)
            self._base = self._at
        return self._body

    async def _drop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            await body.aclose()
