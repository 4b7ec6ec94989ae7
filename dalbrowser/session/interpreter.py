"""Who has Python's interpreter: the window, or the threads that work beside it.

Qt's calls give the interpreter away, hundreds of times while a table is drawn, and a thread
that computes takes it each time for as long as the switch interval. So a turn of the window
of some length asks the transfers' loop, and the threads that read listings, to wait until it
is over. Invariant: the loop waits between two callbacks only, a thread between two of its
steps, and neither longer than ``_PATIENCE``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SWITCH = 0.001
"""Seconds after which a thread that computes gives way: with Python's own 5 ms the window
was measured to wait half as long again."""

_PATIENCE = 0.05
"""Seconds that others wait for the window at most; a turn takes 2 to 10 ms."""

_turn = threading.Lock()
"""Held by the window during such a turn."""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let others wait while the block runs in the window's thread."""
    # It is held already within another block, and for a moment when the loop stops waiting.
    held = _turn.acquire(blocking=False)
    try:
        yield
    finally:
        if held:
            _turn.release()


def let_window_go_first() -> None:
    """Wait, in another thread, while the window has its turn."""
    if _turn.locked() and _turn.acquire(timeout=_PATIENCE):
        _turn.release()


def polite_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop, for a thread beside the window, that waits for its turns."""
    sys.setswitchinterval(_SWITCH)
    loop = asyncio.new_event_loop()
    if isinstance(loop, asyncio.BaseEventLoop):
        # Nothing public comes between two callbacks: one pass of the loop over all that is
        # ready was seen to take 7 ms, in which the window got half of the interpreter.
        loop._ready = _PoliteQueue()  # type: ignore[attr-defined]
    return loop


class _PoliteQueue(deque[asyncio.Handle]):
    """What a loop is to call next, which it gets once the window has had its turn."""

    def popleft(self) -> asyncio.Handle:
        let_window_go_first()
        return super().popleft()
