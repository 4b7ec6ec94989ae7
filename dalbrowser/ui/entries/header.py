"""The head of the list: which columns are shown, how wide, and who takes the room that is left.

Invariant: the name takes what the others leave until a person gives it a width of its own;
the name itself cannot be hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QMenu

from dalbrowser.ui.entries.cells import Column

if TYPE_CHECKING:
    from collections.abc import Mapping


class HeaderColumns(QObject):
    """Looks after a header.

    Signals:
        changed: a person hid, showed, moved or resized a column.
    """

    changed = Signal()

    def __init__(
        self, head: QHeaderView, widths: Mapping[Column, int], narrowest_name: int
    ) -> None:
        super().__init__(head)
        self._head = head
        self._narrowest = narrowest_name
        self._own_width = False
        self._fitting = False
        for column, width in widths.items():
            head.resizeSection(column, width)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._menu)
        head.sectionResized.connect(self._resized)
        head.sectionMoved.connect(lambda *_: self.changed.emit())
        head.viewport().installEventFilter(self)
        self._fit()

    def state(self) -> dict[str, object]:
        """Return what a person chose, as JSON's own types."""
        head = self._head
        return {
            "hidden": [one.name for one in Column if head.isSectionHidden(one)],
            "order": [Column(head.logicalIndex(at)).name for at in range(head.count())],
            "widths": {one.name: head.sectionSize(one) for one in Column if self._keeps(one)},
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Show what ``state`` returned; names it does not know are left out."""
        hidden, order, widths = state.get("hidden"), state.get("order"), state.get("widths")
        if isinstance(hidden, list):
            for column in Column:
                shown = column is Column.NAME or column.name not in hidden
                self._head.setSectionHidden(column, not shown)
        if isinstance(order, list):
            for place, name in enumerate(name for name in order if name in Column.__members__):
                self._head.moveSection(self._head.visualIndex(Column[name]), place)
        if isinstance(widths, dict):
            for name, width in widths.items():
                if name in Column.__members__ and isinstance(width, int) and width > 0:
                    self._head.resizeSection(Column[name], width)
        self._fit()

    def _keeps(self, column: Column) -> bool:
        shown = not self._head.isSectionHidden(column)
        return shown and (column is not Column.NAME or self._own_width)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Give the name what is left when the list is made wider or narrower."""
        if event.type() is QEvent.Type.Resize:
            self._fit()
        return False

    def _fit(self) -> None:
        if self._own_width or self._fitting:
            return
        others = sum(
            self._head.sectionSize(one)
            for one in Column
            if one is not Column.NAME and not self._head.isSectionHidden(one)
        )
        room = self._head.viewport().width() - others
        self._fitting = True
        self._head.resizeSection(Column.NAME, max(self._narrowest, room))
        self._fitting = False

    def _resized(self, column: int, before: int, after: int) -> None:
        if self._fitting or 0 in (before, after):
            return
        if column == Column.NAME:
            self._own_width = True
        else:
            self._fit()
        self.changed.emit()

    def _menu(self, where: QPoint) -> None:
        menu = QMenu(self._head)
        menu.setObjectName("columnMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for column in Column:
            if column is Column.NAME:
                continue
            title = self._head.model().headerData(column, Qt.Orientation.Horizontal)
            entry = menu.addAction(str(title))
            entry.setCheckable(True)
            entry.setChecked(not self._head.isSectionHidden(column))
            entry.toggled.connect(lambda shown, one=column: self._show(one, shown))
        menu.popup(self._head.viewport().mapToGlobal(where))

    def _show(self, column: Column, shown: bool) -> None:
        self._head.setSectionHidden(column, not shown)
        self._fit()
        self.changed.emit()
