"""What is selected and where the list stands, kept while its rows are put in a new order.

Invariant: selection, current row and what is at the top survive sorting, filtering and
reloading, by row, and by name where the rows are others; another folder begins at its top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QObject, Signal

from dalbrowser.ui.entries.cells import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QTableView

    from dalbrowser.ui.entries.columns import EntryColumns
    from dalbrowser.ui.entries.model import EntryModel

_FEW = 50
_AROUND = 1_000
"""Rows before and after one that is gone, among which the nearest is looked for."""


@dataclass(slots=True)
class _Place:
    """What the view shows and what is selected, by row numbers of one set of columns."""

    columns: EntryColumns
    rows: Sequence[int]
    selected: list[int]
    current: int | None
    top: int | None
    offset: int


class PlaceKeeper(QObject):
    """Keeps the place of one view over every new order of its model.

    Signals:
        restored: the rows are in their new order, and the place is what it was or a new one.
    """

    restored = Signal()

    def __init__(self, view: QTableView, model: EntryModel) -> None:
        super().__init__(view)
        self._view = view
        self._model = model
        self._place: _Place | None = None
        model.arrangement_about_to_change.connect(self._keep)
        model.arrangement_changed.connect(self._restore)

    def _keep(self) -> None:
        if self._place is not None:
            return
        view, model = self._view, self._model
        top = view.rowAt(0)
        self._place = _Place(
            columns=model.columns,
            rows=model.rows,
            selected=selected_rows(view, model),
            current=current_row(view, model),
            top=model.rows[top] if 0 <= top < len(model.rows) else None,
            offset=view.rowViewportPosition(top) if top >= 0 else 0,
        )
        if view.verticalScrollBar().value() == 0:
            self._place.top = None

    def _restore(self) -> None:
        place, model, view = self._place, self._model, self._view
        same = place is not None and place.columns.prefix == model.columns.prefix
        if same and model.total and not model.rows:
            # What is hidden or filtered is still being found: the rows are yet to come.
            return
        self._place = None
        if place is None or not same:
            view.scrollToTop()
            self.restored.emit()
            return
        self._select(self._renamed(place.columns, place.selected))
        for current in self._shown_at(place, place.current) or self._nearest(place, place.current):
            view.selectionModel().setCurrentIndex(
                model.index(current, Column.NAME),
                QItemSelectionModel.SelectionFlag.NoUpdate,
            )
        for top in self._shown_at(place, place.top) or self._nearest(place, place.top):
            view.verticalScrollBar().setValue(top * view.rowHeight(top) - place.offset)
        self.restored.emit()

    def _shown_at(self, place: _Place, row: int | None) -> list[int]:
        """Return where one row of a place kept is shown now: one place or none."""
        return [] if row is None else self._model.places_of(self._renamed(place.columns, [row]))

    def _nearest(self, place: _Place, row: int | None) -> list[int]:
        """Return where the row that followed one that is gone is shown now, else the one before.

        Whoever deletes one of many goes on from there, and not from the first.
        """
        if row is None or not self._model.rows:
            return []
        here = place.rows.index(row)
        after = place.rows[here + 1 : here + 1 + _AROUND]
        before = place.rows[max(0, here - _AROUND) : here]
        for some, pick in ((after, 0), (before, -1)):
            places = self._model.places_of(self._renamed(place.columns, some))
            if places:
                return [places[pick]]
        return []

    def _renamed(self, columns: EntryColumns, wanted: Sequence[int]) -> Sequence[int]:
        """Return rows of other columns as rows of these, by name."""
        if columns is self._model.columns or not wanted:
            return wanted
        names = self._model.columns.names
        if len(wanted) <= _FEW:
            found = [self._model.columns.row_of(columns.names[row]) for row in wanted]
            return [row for row in found if row is not None]
        places = {name: row for row, name in enumerate(names)}
        return [places[columns.names[row]] for row in wanted if columns.names[row] in places]

    def _select(self, wanted: Sequence[int]) -> None:
        if not wanted:
            return
        places = self._model.places_of(wanted)
        selection = QItemSelection()
        last = len(Column) - 1
        start = 0
        for end in range(1, len(places) + 1):
            if end == len(places) or places[end] != places[end - 1] + 1:
                selection.select(
                    self._model.index(places[start], 0),
                    self._model.index(places[end - 1], last),
                )
                start = end
        self._view.selectionModel().select(
            selection, QItemSelectionModel.SelectionFlag.ClearAndSelect
        )


def selected_rows(view: QTableView, model: EntryModel) -> list[int]:
    """Return the row numbers that are selected, in the order shown."""
    rows = model.rows
    selection = view.selectionModel().selection()
    found = (selection.at(number) for number in range(selection.count()))
    spans = sorted((span.top(), span.bottom()) for span in found)
    return [row for top, bottom in spans for row in rows[top : bottom + 1]]


def current_row(view: QTableView, model: EntryModel) -> int | None:
    """Return the row number that has the keyboard, or ``None``."""
    index = view.currentIndex()
    return model.rows[index.row()] if index.isValid() else None
