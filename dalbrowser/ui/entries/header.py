"""The head of the list: which columns are shown, how wide, and who takes the room that is left.

Invariant: the name takes what the others leave until a person gives it a width of its own,
and cannot be hidden; where there is no room for all, the least telling columns step back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QMenu

from dalbrowser.ui.entries.cells import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST_TELLING = (Column.ETAG, Column.STORAGE_CLASS, Column.TYPE, Column.MODIFIED)
_COMFORTABLE_NAME = 228
"""Logical pixels below which a name gets the room of another column."""


class HeaderColumns(QObject):
    """Looks after a header.

    Signals:
        changed: a person hid, showed, moved or resized a column, or sorted by one.
    """

    changed = Signal()

    def __init__(
        self,
        head: QHeaderView,
        widths: Mapping[Column, int],
        narrowest_name: int,
        hidden: frozenset[Column] = frozenset(),
    ) -> None:
        super().__init__(head)
        self._head = head
        self._narrowest = narrowest_name
        self._hidden = set(hidden)
        self._insisted: set[Column] = set()
        self._own_width = False
        self._fitting = False
        self._widths = dict(widths)
        for column, width in widths.items():
            head.resizeSection(column, width)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._menu)
        head.sectionResized.connect(self._resized)
        head.sectionMoved.connect(lambda *_: self.changed.emit())
        head.sortIndicatorChanged.connect(lambda *_: self.changed.emit())
        head.viewport().installEventFilter(self)
        self.fit()

    def state(self) -> dict[str, object]:
        """Return what a person chose, as JSON's own types."""
        head = self._head
        return {
            "hidden": [one.name for one in Column if one in self._hidden],
            "insisted": [one.name for one in Column if one in self._insisted],
            "order": [Column(head.logicalIndex(at)).name for at in range(head.count())],
            "widths": {one.name: head.sectionSize(one) for one in Column if self._keeps(one)},
            "sort": [Column(head.sortIndicatorSection()).name, head.sortIndicatorOrder().name],
        }

    def restore(self, state: Mapping[str, object], *, sorting: bool = True) -> None:
        """Show what ``state`` returned, in its order of rows too where ``sorting`` says so.

        Names it does not know are left out.
        """
        if sorting:
            self._sort(state.get("sort"))
        hidden, order, widths = state.get("hidden"), state.get("order"), state.get("widths")
        if isinstance(hidden, list):
            names = {name for name in hidden if isinstance(name, str)}
            self._hidden = {one for one in Column if one.name in names} - {Column.NAME}
        insisted = state.get("insisted")
        if isinstance(insisted, list):
            self._insisted = {one for one in Column if one.name in insisted}
        if isinstance(order, list):
            names_known = [name for name in Column.__members__ if name in order]
            for place, name in enumerate(sorted(names_known, key=order.index)):
                self._head.moveSection(self._head.visualIndex(Column[name]), place)
        if isinstance(widths, dict):
            for name, width in widths.items():
                if name in Column.__members__ and isinstance(width, int) and width > 0:
                    self._widths[Column[name]] = width
                    self._head.resizeSection(Column[name], width)
        self.fit()

    def _sort(self, wanted: object) -> None:
        match wanted:
            case [str(name), str(order)] if name in Column.__members__:
                if order in Qt.SortOrder.__members__:
                    self._head.setSortIndicator(Column[name], Qt.SortOrder[order])

    def _keeps(self, column: Column) -> bool:
        shown = self._head.sectionSize(column) > 0
        return shown and (column is not Column.NAME or self._own_width)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Give the name what is left when the list is made wider or narrower."""
        if event.type() is QEvent.Type.Resize:
            self.fit()
        return False

    def fit(self) -> None:
        """Give the name the room that is left, and take columns back where there is too little."""
        if self._fitting:
            return
        self._fitting = True
        room = self._head.viewport().width()
        shown = self._squeezed(room)
        for column in Column:
            if self._head.isSectionHidden(column) is (column in shown):
                self._head.setSectionHidden(column, column not in shown)
        if not self._own_width:
            others = sum(self._head.sectionSize(one) for one in shown if one is not Column.NAME)
            self._head.resizeSection(Column.NAME, max(self._narrowest, room - others))
        self._fitting = False

    def _squeezed(self, room: int) -> set[Column]:
        """Return what is shown of the columns wanted where there is little room.

        The least telling go first; what a person switched on stays.
        """
        shown = {one for one in Column if one not in self._hidden}
        name = self._head.sectionSize(Column.NAME) if self._own_width else _COMFORTABLE_NAME
        for column in _LEAST_TELLING:
            widths = (self._width(one) for one in shown if one is not Column.NAME)
            if name + sum(widths) <= room:
                break
            if column not in self._insisted:
                shown.discard(column)
        return shown

    def _width(self, column: Column) -> int:
        size = self._head.sectionSize(column)
        if size:
            self._widths[column] = size
        return self._widths[column]

    def _resized(self, column: int, before: int, after: int) -> None:
        if self._fitting or 0 in (before, after):
            return
        if column == Column.NAME:
            self._own_width = True
        else:
            self.fit()
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
        (self._hidden.discard if shown else self._hidden.add)(column)
        (self._insisted.add if shown else self._insisted.discard)(column)
        self.fit()
        self.changed.emit()
