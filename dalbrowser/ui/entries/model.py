"""The model behind the list: columns, an order and a filter over them; never the network.

Invariants: Qt's row ``n`` is ``rows[n]``, a row number of ``EntryColumns`` that never
changes its meaning while the columns live. Arrivals go to the end until the order is made
anew; a new order is computed in slices and put in force at once, as a model reset between
``arrangement_about_to_change`` and ``arrangement_changed``, across which the view keeps
selection and scroll by row number.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from dalbrowser.ui.entries import cells
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.columns import EntryColumns
from dalbrowser.ui.entries.sorting import folders_first, matcher, select_rows, sort_rows
from dalbrowser.ui.slices import SlicedWork

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from dalbrowser.storage.types import Entry

Index = QModelIndex | QPersistentModelIndex

# Up to here an order is made anew at each arrival: 4,000 rows take about 5 ms.
_AT_ONCE = 4_000
_FEW = 50
_NOWHERE = QModelIndex()


class EntryModel(QAbstractTableModel):
    """The rows of one folder.

    Signals:
        arrangement_about_to_change, arrangement_changed: around a new order of the rows.
        counts_changed: ``total``, ``hidden`` or the number of rows is another.
        rename_requested: row number and the new name that was typed.
    """

    arrangement_about_to_change = Signal()
    arrangement_changed = Signal()
    counts_changed = Signal()
    rename_requested = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = EntryColumns()
        self.buckets = False
        """Whether the folders are buckets."""
        self.can_rename = False
        self._cut: frozenset[str] = frozenset()
        self._order = array("I")
        self._rows = self._order
        self._sort = (Column.NAME, Qt.SortOrder.AscendingOrder)
        self._filter = ""
        self._show_hidden = True
        self._work = SlicedWork(self)
        self._held = self._stale = False
        self._waiting: list[Callable[[], None]] = []

    # What the list is made of.

    @property
    def rows(self) -> array[int]:
        """The row numbers that are shown, in their order. Not to be changed."""
        return self._rows

    @property
    def total(self) -> int:
        """How many entries there are, shown or not."""
        return len(self._order)

    @property
    def filtered(self) -> bool:
        """Whether a filter is in force."""
        return bool(self._filter)

    @property
    def arranging(self) -> bool:
        """Whether a new order is being made."""
        return self._work.busy

    def start(self, prefix: str, *, buckets: bool = False) -> None:
        """Begin an empty folder."""
        self.load(EntryColumns(prefix), buckets=buckets)

    def load(self, columns: EntryColumns, *, buckets: bool = False) -> None:
        """Show other columns in place of these."""
        self._work.cancel()
        self.arrangement_about_to_change.emit()
        self.beginResetModel()
        self.columns = columns
        self.buckets = buckets
        self._order = array("I", range(len(columns)))
        self._rows = self._order
        if self._keep() is not None:
            self._rows = array("I")
        self.endResetModel()
        self.arrangement_changed.emit()
        # It says what the counts are, and not before what is hidden has been found.
        self.arrange()

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries below all others."""
        self.show_rows(self.columns.append(entries))

    def show_rows(self, added: Sequence[int]) -> None:
        """Show rows that were appended to the columns, below all others."""
        if not added:
            return
        keep = self._keep()
        fresh = array("I", added if keep is None else [row for row in added if keep(row)])
        if keep is not None and self._rows is self._order:
            # A filter that is not in force yet: what is shown must not grow with the rest.
            self._rows = self._order[:]
        apart = self._rows is not self._order
        if fresh:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
        self._order.extend(array("I", added))
        if apart:
            self._rows.extend(fresh)
        if fresh:
            self.endInsertRows()
        self.counts_changed.emit()
        if len(self._order) <= _AT_ONCE:
            self.arrange()

    def put(self, entries: Iterable[Entry]) -> None:
        """Add entries, or renew those of the same name: after a change, not for a listing."""
        added = array("I")
        prefix = len(self.columns.prefix)
        for entry in entries:
            row = self.columns.row_of(entry.path[prefix:])
            if row is None:
                added.extend(self.columns.append((entry,)))
            else:
                self.columns.replace(row, entry)
                if _place_of(self._order.tobytes(), row) is None:
                    added.append(row)
        self.show_rows(added)
        self.arrange()

    def remove(self, rows: Iterable[int]) -> None:
        """Take rows out of the list."""
        gone = set(rows)
        order = array("I", [row for row in self._order if row not in gone]) if gone else self._order
        if len(order) == len(self._order):
            return
        self.columns.forget(gone)
        self._work.cancel()
        apart = self._rows is not self._order
        shown = array("I", [row for row in self._rows if row not in gone]) if apart else order
        self._put_in_force(order, shown)
        self.arrange()

    def tell_cut(self, names: frozenset[str]) -> None:
        """Tell whoever has the rows read out which of them wait to be pasted elsewhere."""
        if names == self._cut:
            return
        places = self.places_of(self.columns.rows_of(names ^ self._cut))
        self._cut = names
        if places:
            first, last = self.index(places[0], Column.NAME), self.index(places[-1], Column.NAME)
            self.dataChanged.emit(first, last, [Qt.ItemDataRole.AccessibleTextRole])

    def places_of(self, wanted: Sequence[int]) -> list[int]:
        """Return where rows are shown, ascending; rows that are not shown are left out."""
        if len(wanted) > _FEW:
            sought = set(wanted)
            return [place for place, row in enumerate(self._rows) if row in sought]
        shown = self._rows.tobytes()
        found = (_place_of(shown, row) for row in set(wanted))
        return sorted(place for place in found if place is not None)

    # Order and filter.

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column; folders stay first."""
        wanted = (Column(column), order)
        if wanted != self._sort:
            self._sort = wanted
            self.arrange()

    def set_filter(self, text: str) -> None:
        """Show only names that contain ``text``, or match it where it has ``*`` or ``?``."""
        if text != self._filter:
            self._filter = text
            self._narrow()

    def set_show_hidden(self, shown: bool) -> None:
        """Show or hide names that begin with a dot."""
        if shown != self._show_hidden:
            self._show_hidden = shown
            self._narrow()

    def hold(self) -> None:
        """Keep the order as it is, while a name is being edited."""
        self._held = True
        if self._work.busy:
            self._work.cancel()
            self._stale = True

    @property
    def held(self) -> bool:
        """Whether a name is being edited: rows may come, and none may go."""
        return self._held

    def release(self) -> None:
        """Let the order change again, and rows go."""
        self._held = False
        if self._stale:
            self.arrange()
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def when_released(self, call: Callable[[], None]) -> None:
        """Call ``call`` once no name is being edited: what it does would end the editor."""
        if self._held:
            self._waiting.append(call)
        else:
            call()

    def arrange(self) -> None:
        """Make order and filter anew, in slices; small lists at once."""
        if self._held:
            self._stale = True
            self.counts_changed.emit()
            return
        self._stale = False
        until = len(self._order)
        self._work.start(self._arrangement(), lambda made: self._arranged(until, *made))
        if until <= _AT_ONCE:
            self._work.finish()
        self.counts_changed.emit()

    def _narrow(self) -> None:
        """Make the filter anew over the order in force, unless that is being made."""
        if self._held or self._stale or self._work.busy or len(self._order) <= _AT_ONCE:
            self.arrange()
            return
        order = self._order
        keep = self._keep()
        if keep is None:
            self._arranged(len(order), order, order)
            return
        until = len(order)
        self._work.start(
            select_rows(order[:], keep), lambda shown: self._narrowed(until, order, shown)
        )
        self.counts_changed.emit()

    def _narrowed(self, until: int, order: array[int], shown: array[int]) -> None:
        keep = self._keep() or (lambda _row: True)
        shown.extend(array("I", [row for row in order[until:] if keep(row)]))
        self._arranged(len(order), order, shown)

    def _arrangement(self) -> Generator[None, None, tuple[array[int], array[int]]]:
        column, direction = self._sort
        keep = self._keep()
        descending = direction is Qt.SortOrder.DescendingOrder
        rows = self._order[:]
        folders, files = yield from folders_first(rows, self.columns.is_dir)
        key = cells.sort_key(self.columns, column)
        order = yield from sort_rows(folders, key, descending=descending)
        order.extend((yield from sort_rows(files, key, descending=descending)))
        if keep is None:
            return order, order
        return order, (yield from select_rows(order, keep))

    def _arranged(self, until: int, order: array[int], shown: array[int]) -> None:
        arrived = self._order[until:]
        apart = shown is not order
        if arrived:
            order.extend(arrived)
            if apart:
                keep = self._keep() or (lambda _row: True)
                shown.extend(array("I", [row for row in arrived if keep(row)]))
        if not (_same(order, self._order) and _same(shown, self._rows)):
            self._put_in_force(order, shown if apart else order)
        self.counts_changed.emit()

    def _put_in_force(self, order: array[int], shown: array[int]) -> None:
        self.arrangement_about_to_change.emit()
        self.beginResetModel()
        self._order, self._rows = order, shown
        self.endResetModel()
        self.arrangement_changed.emit()
        self.counts_changed.emit()

    def _keep(self) -> Callable[[int], bool] | None:
        names = self.columns.names
        matches = matcher(self._filter) if self._filter else None
        if self._show_hidden:
            return None if matches is None else (lambda row: matches(names[row]))
        if matches is None:
            return lambda row: not names[row].startswith(".")
        return lambda row: not names[row].startswith(".") and matches(names[row])

    # What Qt asks.

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(Column)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        column = Column(index.column())
        found = cells.data(self.columns, row, column, role, buckets=self.buckets)
        if self._cut and role == Qt.ItemDataRole.AccessibleTextRole and column is Column.NAME:
            return cells.spoken_cut(found) if self.columns.names[row] in self._cut else found
        return found

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        return cells.header(Column(section), role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        is_dir = self.columns.is_dir(self._rows[index.row()])
        edited = self.can_rename and not is_dir and index.column() == Column.NAME
        return cells.flags(dragged=not self.buckets, is_dir=is_dir, edited=edited)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a rename; the row changes when it has been done."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        row = self._rows[index.row()]
        if index.column() != Column.NAME or str(value) in {"", self.columns.names[row]}:
            return False
        self.rename_requested.emit(row, str(value))
        return True


def _place_of(shown: bytes, row: int) -> int | None:
    """Return where a row stands among rows as bytes, or ``None``.

    ``array.index`` would make a Python number of each of a million rows.
    """
    sign, width = array("I", [row]).tobytes(), array("I").itemsize
    at = shown.find(sign)
    while at >= 0 and at % width:
        at = shown.find(sign, at + 1)
    return at // width if at >= 0 else None


def _same(one: array[int], other: array[int]) -> bool:
    # As bytes: comparing a million numbers as Python's takes 30 ms.
    return one is other or one.tobytes() == other.tobytes()
