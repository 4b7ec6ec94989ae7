"""What is selected: places, counts and bytes, added up in slices.

Invariant: what is reported was true of one and the same selection; a newer one starts over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from dalbrowser.ui.slices import SlicedWork

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.entries.view import EntryView

_SLICE = 20_000


@dataclass(frozen=True, slots=True)
class Totals:
    """``size`` is the bytes of the files whose size is known."""

    files: int = 0
    folders: int = 0
    size: int = 0


class SelectionWatcher(QObject):
    """Follows a view's selection.

    Signals:
        changed: the selection is another; ``rows`` is new, ``totals`` is ``None``.
        added_up: ``totals`` of that selection are known.
    """

    changed = Signal()
    added_up = Signal()

    def __init__(self, model: EntryModel, view: EntryView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._view = view
        self._work = SlicedWork(self)
        self.rows: list[int] = []
        """The row numbers selected, in the order shown."""
        self.totals: Totals | None = Totals()
        # Once an event-loop turn, however many signals a selection by keyboard makes.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.look)
        view.selection_settled.connect(self._soon.start)

    def look(self) -> None:
        """Take the selection as it is now."""
        self._soon.stop()
        self.rows = self._view.selected_rows()
        self.totals = None
        self.changed.emit()
        self._work.start(self._add_up(self.rows), self._added)

    def _add_up(self, rows: Sequence[int]) -> Generator[None, None, Totals]:
        columns = self._model.columns
        folders = size = 0
        for start in range(0, len(rows), _SLICE):
            for row in rows[start : start + _SLICE]:
                if columns.is_dir(row):
                    folders += 1
                else:
                    size += max(0, columns.sizes[row])
            yield
        return Totals(len(rows) - folders, folders, size)

    def _added(self, totals: Totals) -> None:
        self.totals = totals
        self.added_up.emit()
