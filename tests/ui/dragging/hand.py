"""A hand that drags: real events, one after the other, as the window system would send them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from dalbrowser.ui.dragging.mime import make_mime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from tests.ui.stage import Stage

NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
_BOTH = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


def files(paths: Sequence[Path]) -> QMimeData:
    """Return local files as another program drags them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def places(stage: Stage, *found: Location) -> QMimeData:
    """Return places as this program drags them."""
    return make_mime(found, stage.session.profiles)


class Hand:
    """Holds one thing over widgets."""

    def __init__(self, data: QMimeData) -> None:
        self.data = data
        self.over: QWidget | None = None

    def hover(
        self, widget: QWidget, where: QPoint, keys: Qt.KeyboardModifier = NONE
    ) -> Qt.DropAction:
        """Bring it to a position; returns what letting go would do."""
        arguments = (_BOTH, self.data, Qt.MouseButton.LeftButton, keys)
        with warnings.catch_warnings():
            # Qt 6.12 wants a QPointF here, which 6.11 does not take.
            warnings.simplefilter("ignore", DeprecationWarning)
            if widget is not self.over:
                self.leave()
                enter = QDragEnterEvent(where, *arguments)
                enter.ignore()
                QApplication.sendEvent(widget, enter)
                if not enter.isAccepted():
                    return Qt.DropAction.IgnoreAction
                self.over = widget
            move = QDragMoveEvent(where, *arguments)
        QApplication.sendEvent(widget, move)
        return move.dropAction() if move.isAccepted() else Qt.DropAction.IgnoreAction

    def leave(self) -> None:
        """Take it away from where it hovers."""
        if self.over is not None:
            QApplication.sendEvent(self.over, QDragLeaveEvent())
            self.over = None

    def drop(self, widget: QWidget, where: QPoint, keys: Qt.KeyboardModifier = NONE) -> bool:
        """Let it go; returns whether it was taken. What would be ignored is not let go on it."""
        if self.hover(widget, where, keys) is Qt.DropAction.IgnoreAction:
            self.leave()
            return False
        return self.let_go(widget, where, keys)

    def let_go(self, widget: QWidget, where: QPoint, keys: Qt.KeyboardModifier = NONE) -> bool:
        """Let it go without another move."""
        event = QDropEvent(QPointF(where), _BOTH, self.data, Qt.MouseButton.LeftButton, keys)
        event.ignore()
        QApplication.sendEvent(widget, event)
        self.over = None
        return event.isAccepted()
