"""The table of the transfers panel: its keys, its arrows, its row heights.

Signals say what a person did to a row; the table itself changes nothing but what is open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from dalbrowser.ui.scaling import row_height
from dalbrowser.ui.transfers.cells import Column
from dalbrowser.ui.transfers.columns import (
    columns_state,
    fit_columns,
    restore_columns,
    set_up_columns,
)
from dalbrowser.ui.transfers.delegates import INDENT, NameDelegate, ProgressDelegate
from dalbrowser.ui.transfers.model import DEPTH_ROLE, TransferModel
from dalbrowser.ui.transfers.wording import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
    from PySide6.QtWidgets import QWidget

_ROW_HEIGHT = 28
_ARROW = 28
"""Logical pixels at the beginning of a name in which a click opens the row."""


class _Kept(NamedTuple):
    """What was selected, current and on top, by node; 0 for none."""

    selected: list[int]
    current: int
    top: int


class TransferTable(QTableView):
    """Rows of jobs; Right opens a row, Left closes it, and so does a click on its arrow.

    Signals:
        columns_changed: a person hid, showed, moved or resized a column.
    """

    columns_changed = Signal()

    def __init__(self, model: TransferModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = model
        self.setObjectName("transferView")
        self.setAccessibleName(tr("Transfers"))
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegateForColumn(Column.PROGRESS, ProgressDelegate(self))
        self.setItemDelegateForColumn(Column.NAME, NameDelegate(self))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(row_height(self, _ROW_HEIGHT))
        set_up_columns(self)
        self._fitting = False
        self._arranged = False
        self.horizontalHeader().sectionResized.connect(self._resized)
        self.horizontalHeader().sectionMoved.connect(lambda *_: self._tell_columns())
        self._kept = _Kept([], 0, 0)
        model.modelAboutToBeReset.connect(self._keep)
        model.was_reset.connect(self._restore)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the columns to the width, until a person has arranged them."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._arranged and not self._fitting:
            self._fitting = True
            fit_columns(self)
            self._fitting = False

    def _resized(self, section: int, before: int, after: int) -> None:
        """Leave the widths alone from now on, once a person has changed one."""
        if not before or not after:
            self._fit()  # Shown or hidden.
            self._tell_columns()
        elif not self._fitting and section != Column.ERROR and self.isVisible():
            # The last one is stretched by Qt itself.
            self._arranged = True
            self._tell_columns()

    def _tell_columns(self) -> None:
        if not self._fitting:
            self.columns_changed.emit()

    def columns_state(self) -> dict[str, object]:
        """Return what a person chose of the columns, as JSON's own types."""
        return columns_state(self, widths=self._arranged)

    def restore_columns(self, state: Mapping[str, object]) -> None:
        """Show the columns as ``columns_state`` returned them."""
        self._fitting = True
        self._arranged = restore_columns(self, state)
        self._fitting = False
        self._fit()

    # Everything is told anew.

    def _keep(self) -> None:
        """Note what is selected, current and on top before all rows are replaced."""
        chosen = self.selectionModel().selection()
        ranges = (chosen.at(number) for number in range(chosen.count()))
        rows = [row for one in ranges for row in range(one.top(), one.bottom() + 1)]
        current, top = self.currentIndex(), self.verticalScrollBar().value()
        self._kept = _Kept(
            [self._jobs.node_at(row) for row in rows],
            self._jobs.node_at(current.row()) if current.isValid() else 0,
            self._jobs.node_at(top) if 0 < top < self._jobs.rowCount() else 0,
        )

    def _restore(self) -> None:
        """Select what is still there, and show the same rows."""
        kept, last = self._kept, self._jobs.columnCount() - 1
        found = (self._jobs.row_of(node) for node in kept.selected)
        selection = QItemSelection()
        for first, end in _runs(sorted(row for row in found if row is not None)):
            selection.select(self._jobs.index(first, 0), self._jobs.index(end, last))
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(selection, flags.ClearAndSelect)
        current, top = self._jobs.row_of(kept.current), self._jobs.row_of(kept.top)
        if current is not None:
            here = self._jobs.index(current, Column.NAME)
            self.selectionModel().setCurrentIndex(here, flags.NoUpdate)
        if top is not None:
            above = self._jobs.index(top, Column.NAME)
            self.scrollTo(above, QAbstractItemView.ScrollHint.PositionAtTop)

    def visible_rows(self) -> range:
        """Return the rows that can be seen now."""
        count = self._jobs.rowCount()
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        return range(max(first, 0), last + 1 if last >= 0 else count)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open and close rows with the arrows, as in a tree."""
        index = self.currentIndex()
        opens = event.key() == Qt.Key.Key_Right
        if index.isValid() and (opens or event.key() == Qt.Key.Key_Left):
            view = self._jobs.job_at(index.row())
            if view.is_folder and self._jobs.is_open(view.id) is not opens:
                self._jobs.toggle(index.row())
                return
            if not opens:
                self._go_up(index.row())
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open or close a row whose arrow was clicked."""
        super().mouseReleaseEvent(event)
        place = event.position().toPoint()
        index = self.indexAt(place)
        if event.button() is not Qt.MouseButton.LeftButton or index.column() != Column.NAME:
            return
        begin = self.visualRect(index).left() + INDENT * int(index.data(DEPTH_ROLE))
        if begin <= place.x() < begin + _ARROW:
            self._jobs.toggle(index.row())

    def _go_up(self, row: int) -> None:
        """Select the row that this one is below of."""
        depth = int(self._jobs.index(row, Column.NAME).data(DEPTH_ROLE))
        for above in range(row - 1, -1, -1):
            if int(self._jobs.index(above, Column.NAME).data(DEPTH_ROLE)) < depth:
                self.selectRow(above)
                return


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of rows that follow each other."""
    first = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at] != rows[at - 1] + 1:
            yield rows[first], rows[at - 1]
            first = at
