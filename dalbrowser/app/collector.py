"""Cyclic garbage is collected in the window's thread, and in no other.

CPython collects in whatever thread happens to allocate. A widget that is garbage would
then be destroyed in the transfer thread, which Qt answers with a crash. Invariant: while
the guard runs, no collection starts outside the thread that made it.
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
    timer = QTimer()
    timer.setInterval(_INTERVAL)
    timer.timeout.connect(collect_what_is_due)
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
    counts = gc.get_count()
    for generation in (2, 1, 0):
        if counts[generation] > _THRESHOLDS[generation]:
            gc.collect(generation)
            return
