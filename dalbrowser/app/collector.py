"""Cyclic garbage is collected in the window's thread, in no other, and in quiet moments.

CPython collects in whatever thread happens to allocate. A widget that is garbage would
then be destroyed in the transfer thread, which Qt answers with a crash. And a collection
holds up the window for as long as it walks over what is alive, while work that runs leaves
hardly any cycles: 12,000 uploads left 400 objects in them, and looking for these took a
third of a second. Invariants: while the guard runs, no collection starts outside the thread
that made it; garbage waits for a quiet moment, but not for ever.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERVAL = 200
"""Milliseconds between two looks; a look that finds nothing to do takes about 1 µs."""

_THRESHOLDS = (2000, 10, 10)
"""New containers before the youngest generation is collected, then how many collections of
one generation before the next older one: CPython's defaults, its first one raised, since a
look comes only five times a second."""

_STILL = 200
"""New containers between two looks, or fewer gone, up to which nothing seems to be going on."""
_QUIET = 3
"""Looks in a row at which nothing was going on: it is quiet."""
_LATE = 25
"""Looks after which the youngest are collected although it is not quiet."""
_PATIENCE = 10
"""How many times their threshold the older generations wait where it is not quiet: a walk over
all that a great transfer keeps takes 80 ms."""


class Due:
    """Says which generation is to be collected now; asked at each look."""

    def __init__(self) -> None:
        self._before = 0
        self._still = 0
        self._looks = 0

    def generation(self, counts: tuple[int, int, int]) -> int | None:
        """Return the generation to be collected, with the younger ones, given ``gc.get_count``."""
        change = abs(counts[0] - self._before)
        self._before = counts[0]
        self._still = self._still + 1 if change <= _STILL else 0
        self._looks += 1
        quiet = self._still >= _QUIET
        if not quiet and self._looks < _LATE:
            return None
        self._looks = 0
        found = due_generation(counts, patience=1 if quiet else _PATIENCE)
        if found is not None:
            self._before = 0
        return found


@contextlib.contextmanager
def collected_here() -> Iterator[None]:
    """Take over cyclic collection for this thread while the block runs.

    What exists at the start (modules, classes) is frozen: it is never garbage, and walking
    over it is most of what a full collection costs.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.collect()
    gc.freeze()
    due = Due()
    timer = QTimer()
    timer.setInterval(_INTERVAL)
    timer.timeout.connect(lambda: _collect(due.generation(gc.get_count())))
    timer.start()
    try:
        yield
    finally:
        timer.stop()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def collect_what_is_due() -> None:
    """Collect the oldest generation whose threshold is passed, and those younger."""
    _collect(due_generation(gc.get_count()))


def due_generation(counts: tuple[int, int, int], patience: int = 1) -> int | None:
    """Return the oldest generation whose threshold is passed, or ``None``.

    The two older ones have to be past ``patience`` times their threshold.
    """
    for generation in (2, 1):
        if counts[generation] > _THRESHOLDS[generation] * patience:
            return generation
    return 0 if counts[0] > _THRESHOLDS[0] else None


def _collect(generation: int | None) -> None:
    if generation is not None:
        gc.collect(generation)
