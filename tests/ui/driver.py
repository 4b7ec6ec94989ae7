"""Doing with the window what a person does, by object names and events alone."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QTreeView,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtCore import QModelIndex

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

W = TypeVar("W", bound=QWidget)


class Driver:
    """One window, driven from outside."""

    def __init__(self, stage: Stage, window: MainWindow) -> None:
        self.stage = stage
        self.window = window

    def find(self, kind: type[W], name: str) -> W:
        """Return the widget of that object name, also in a dialog."""
        found = self.window.findChildren(kind, name)
        assert found, f"nothing is called {name}"
        widget = found[-1]
        assert isinstance(widget, kind)
        return widget

    def text(self, name: str) -> str:
        """Return what a label or a button says; empty while it is not to be seen."""
        widget = self.find(QWidget, name)
        assert isinstance(widget, QLabel | QPushButton)
        return widget.text() if widget.isVisible() else ""

    def press(self, name: str) -> None:
        """Press a button."""
        button = self.find(QPushButton, name)
        assert button.isVisible(), f"{name} is not to be seen"
        assert button.isEnabled(), f"{name} cannot be pressed"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def action(self, action_id: str) -> QAction:
        """Return an action by its id."""
        found = self.window.findChild(QAction, f"action.{action_id}")
        assert isinstance(found, QAction), f"no action {action_id}"
        return found

    def do(self, action_id: str) -> None:
        """Trigger an action, which has to be enabled."""
        action = self.action(action_id)
        assert action.isEnabled(), f"{action_id} is not enabled"
        action.trigger()

    def keys(self, widget: QWidget, text: str, *, then: Qt.Key | None = None) -> None:
        """Type into a widget."""
        QTest.keyClicks(widget, text)
        if then is not None:
            QTest.keyClick(widget, then)

    @property
    def table(self) -> QTableView:
        """The list."""
        return self.find(QTableView, "entryView")

    @property
    def tree(self) -> QTreeView:
        """The sidebar."""
        return self.find(QTreeView, "sidebarTree")

    def names(self) -> list[str]:
        """Return the names in the list as they are shown."""
        model = self.table.model()
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]

    def cell(self, name: str, column: int) -> str:
        """Return what a row shows in a column."""
        return str(self.table.model().index(self.names().index(name), column).data())

    def spoken(self, name: str) -> str:
        """Return what a screen reader is told of a row's first cell."""
        index = self.table.model().index(self.names().index(name), 0)
        return str(index.data(Qt.ItemDataRole.AccessibleTextRole))

    def select(self, *names: str) -> None:
        """Select rows by their names, as with Ctrl and the mouse."""
        shown = self.names()
        for number, name in enumerate(names):
            keys = Qt.KeyboardModifier.ControlModifier if number else Qt.KeyboardModifier.NoModifier
            QTest.mouseClick(
                self.table.viewport(),
                Qt.MouseButton.LeftButton,
                keys,
                self.spot(self.table, self.table.model().index(shown.index(name), 0)),
            )
        # Not processEvents: it would wake tasks inside this one, which strands them. What the
        # window does in its next turn of the loop is done now.
        QApplication.sendPostedEvents()
        self.window.selection.look()

    def open(self, name: str) -> None:
        """Double-click a row."""
        index = self.table.model().index(self.names().index(name), 0)
        spot = self.spot(self.table, index)
        QTest.mouseClick(self.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        QTest.mouseDClick(self.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)

    @staticmethod
    def spot(view: QAbstractItemView, index: QModelIndex) -> QPoint:
        """Return a point on an item, near its beginning."""
        view.scrollTo(index)
        return view.visualRect(index).center() + QPoint(0, 0)

    def drop(self, view: QWidget, paths: Sequence[Path], where: QPoint) -> bool:
        """Drop local files on a widget; returns whether they were taken."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        arguments = (
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        with warnings.catch_warnings():
            # Qt 6.12 wants a QPointF here, which 6.11 does not take.
            warnings.simplefilter("ignore", DeprecationWarning)
            enter = QDragEnterEvent(where, *arguments)
        QApplication.sendEvent(view, enter)
        if not enter.isAccepted():
            return False
        event = QDropEvent(QPointF(where), *arguments)
        QApplication.sendEvent(view, event)
        return event.isAccepted()

    async def listed(self, *names: str) -> None:
        """Wait until the list is complete and shows exactly these names, in this order."""
        await self.stage.until(
            lambda: self.names() == list(names) and not self.window.navigator.running,
            f"{names}; shown are {self.names()}",
        )

    async def says(self, name: str, part: str) -> None:
        """Wait until a label or button says something."""
        await self.stage.until(lambda: part in self.text(name), f"{part!r} in {name}")

    def edit(self, name: str, text: str) -> None:
        """Put a text into a field as if it had been typed."""
        line = self.find(QLineEdit, name)
        line.selectAll()
        self.keys(line, text)
