"""Work in slices between Qt's events: long computations that never hold the window.

Invariant: a slice ends after ``SLICE`` seconds at the next ``yield`` of the work, so the
loop turns at least that often; starting new work gives up what was under way.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")

SLICE = 0.005
"""Seconds: with the 8 ms in which a full list is drawn it fits into one frame of 16."""


class SlicedWork(QObject):
    """Runs one generator at a time to its end, in slices."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work: Generator[None, None, Any] | None = None
        self._done: Callable[[Any], None] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._run_slice)

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._work is not None

    def start(self, work: Generator[None, None, T], done: Callable[[T], None]) -> None:
        """Run ``work``, its first slice at once, and give its result to ``done``."""
        self.cancel()
        self._work = work
        self._done = done
        self._run_slice()
        if self._work is not None:
            self._timer.start()

    def cancel(self) -> None:
        """Give up the work under way; its ``done`` is not called."""
        self._timer.stop()
        if self._work is not None:
            self._work.close()
            self._work = self._done = None

    def finish(self) -> None:
        """Run the work under way to its end now; for small work only."""
        while self._work is not None:
            self._run_slice()

    def _run_slice(self) -> None:
        until = perf_counter() + SLICE
        while self._work is not None:
            try:
                next(self._work)
            except StopIteration as stop:
                done = self._done
                self._timer.stop()
                self._work = self._done = None
                if done is not None:
                    done(stop.value)
                return
            if perf_counter() >= until:
                return
