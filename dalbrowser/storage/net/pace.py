"""Who says how fast the bodies of one piece of work may flow.

Invariant: only requests made in the context in which ``set_pace`` was called are slowed
down; what a person browses meanwhile is not. A wait comes before the bytes are handed to
the socket or to the reader, so that no deadline of the connection runs during it; whoever
sets another asks ``is_resting``.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pace(Protocol):
    """Is asked before each block of a body; ``step`` is the size of a block to send, in bytes."""

    @property
    def step(self) -> int: ...
    async def sending(self, size: int) -> None: ...
    async def received(self, size: int) -> None: ...


_pace: ContextVar[Pace | None] = ContextVar("pace", default=None)


def set_pace(pace: Pace | None) -> None:
    """Slow down the bodies of this task, and of the tasks that it begins from now on."""
    _pace.set(pace)


_resting: set[asyncio.Task[object] | None] = set()


@contextmanager
def resting() -> Iterator[None]:
    """Say that this task has its bytes, and only waits until they may pass."""
    task = asyncio.current_task()
    _resting.add(task)
    try:
        yield
    finally:
        _resting.discard(task)


def is_resting(task: asyncio.Task[object]) -> bool:
    """Whether ``task`` waits for its pace, so that no server can be blamed for the silence."""
    return task in _resting


def current_pace() -> Pace | None:
    """Return what the present task is to ask, if anything."""
    return _pace.get()
