"""Going to a name by typing its beginning.

Invariant: no key press searches a million names at one stretch.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from dalbrowser.ui.entries.sorting import folded
from dalbrowser.ui.slices import SlicedWork

if TYPE_CHECKING:
    from collections.abc import Generator

    from dalbrowser.ui.entries.model import EntryModel

_SAME_WORD = 1.0
"""Seconds after which a typed letter begins a new word."""
_SLICE = 5_000


class TypeAhead(QObject):
    """Searches the rows in their order, from the current one round to it.

    Signals:
        found: the place of the next row whose name begins with what was typed.
    """

    found = Signal(int)

    def __init__(self, model: EntryModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._typed = ""
        self._typed_at = 0.0
        self._search = SlicedWork(self)

    @property
    def under_way(self) -> bool:
        """Whether the next letter goes on with a word."""
        return bool(self._typed) and monotonic() - self._typed_at <= _SAME_WORD

    def type(self, search: str, current: int) -> None:
        """Take more letters; one letter again and again goes from name to name."""
        again = not self.under_way
        self._typed = search if again else self._typed + search
        self._typed_at = monotonic()
        repeated = len(set(self._typed)) == 1
        wanted = folded(self._typed[:1] if repeated else self._typed)
        start = max(0, current + 1 if again or repeated else current)
        self._search.start(self._find(wanted, start), self._end)

    def _find(self, wanted: str, start: int) -> Generator[None, None, int]:
        rows, names = self._model.rows, self._model.columns.names
        count = len(rows)
        for begin in range(0, count, _SLICE):
            for step in range(begin, min(begin + _SLICE, count)):
                place = (start + step) % count
                if folded(names[rows[place]]).startswith(wanted):
                    return place
            yield
        return -1

    def _end(self, place: int) -> None:
        if 0 <= place < len(self._model.rows):
            self.found.emit(place)
