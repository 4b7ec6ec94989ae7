"""Long computations in a thread, which let a window draw between two of their steps.

The interpreter is one for all threads, and a thread that computes takes it from the window at
each of its calls to Qt. Invariant: only what runs in the context in which ``give_way_to`` was
called waits for anybody; everything else calls ``give_way`` for nothing.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_turn: ContextVar[Callable[[], None] | None] = ContextVar("turn", default=None)


def give_way_to(turn: Callable[[], None]) -> None:
    """Let the computations of this task wait in ``turn``, which returns when they may go on."""
    _turn.set(turn)


def give_way() -> None:
    """Wait while somebody else goes first; for threads, every millisecond or so of work."""
    turn = _turn.get()
    if turn is not None:
        turn()
