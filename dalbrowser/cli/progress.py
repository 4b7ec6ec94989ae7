"""One line of progress on a terminal, rewritten in place; nothing at all anywhere else."""

from __future__ import annotations

import os
import shutil
import sys
import time
import unicodedata
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import human_size, one_line
from dalbrowser.transfer import JobsChanged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dalbrowser.transfer import Event, JobView
    from dalbrowser.transfer.model import Notify

_INTERVAL = 0.2
_CLEAR = "\r\x1b[K"


class Progress:
    """Follows some jobs and shows their sum on stderr.

    Only the rows that were asked for count: a folder's row already sums over its files.
    """

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._views: dict[int, JobView] = {}
        self._ids: frozenset[int] = frozenset()
        self._next = 0.0
        self._dirty = False

    def follow(self, ids: Iterable[int]) -> None:
        """Show these jobs from now on."""
        self._ids = frozenset(ids)

    @property
    def listener(self) -> Notify | None:
        """What the engine calls with its events; ``None`` where nobody would see them."""
        return self.notify if self._shown else None

    def notify(self, event: Event) -> None:
        """Take an event of the engine; called on its loop."""
        if not isinstance(event, JobsChanged):
            return
        for view in event.views:
            if view.parent is None:
                self._views[view.id] = view
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._draw([view for view in self._views.values() if view.id in self._ids])

    def clear(self) -> None:
        """Take the line away, so that other lines can be written."""
        if self._dirty:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._dirty = False

    def end(self) -> None:
        """Take the line away for good: what is told while the engine closes is not drawn."""
        self.clear()
        self._shown = False

    def _draw(self, views: list[JobView]) -> None:
        if not views or not self._shown:
            return
        sys.stderr.write(f"{_CLEAR}{fitted(progress_line(views), _columns() - 1)}")
        sys.stderr.flush()
        self._dirty = True


def _columns() -> int:
    """Return the width of the terminal that is written to.

    Not of stdout, which may be a file, nor ``COLUMNS``, which outlives a change of the window.
    """
    try:
        found = os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        found = 0
    return found or shutil.get_terminal_size().columns


def fitted(text: str, width: int) -> str:
    """Return as much of ``text`` as ``width`` cells of a terminal hold.

    A line that wraps cannot be taken away again. East Asian letters and emoji take two cells
    (Unicode's annex 11), combining marks none.
    """
    if text.isascii():
        return text[:width]
    left = width
    for at, character in enumerate(text):
        if not unicodedata.combining(character):
            left -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if left < 0:
            return text[:at]
    return text


def progress_line(views: list[JobView]) -> str:
    """Return ``12 %  31.0 MiB of 256.0 MiB  84.0 MiB/s  0:03  a.bin`` for some jobs."""
    done = sum(view.done for view in views)
    known = all(view.total is not None for view in views)
    total = sum(view.total or 0 for view in views)
    speed = sum(view.speed for view in views)
    words = []
    if known and total:
        words += [f"{100 * done // total} %", f"{human_size(done)} of {human_size(total)}"]
    else:
        words.append(human_size(done))
    if speed:
        words.append(f"{human_size(speed)}/s")
        if known and total > done:
            minutes, seconds = divmod(int((total - done) / speed), 60)
            words.append(f"{minutes}:{seconds:02}")
    running = [view for view in views if view.state.is_active] or views
    words.append(one_line(running[0].name))
    waiting = next((view for view in running if view.error), None)
    if waiting is not None:
        words.append(f"{waiting.words}: {one_line(waiting.error)}")
    return "  ".join(words)
