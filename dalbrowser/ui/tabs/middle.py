"""A middle click on an item of a view; the view itself never hears of it.

Invariant: press and release count only on one and the same item, and neither changes the
selection or the place shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QMouseEvent

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractItemView


class MiddleClicks(QObject):
    """Watches a view.

    Signals:
        clicked: the index that was clicked with the middle button.
    """

    clicked = Signal(QModelIndex)

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view
        self._pressed = QPersistentModelIndex()
        view.viewport().installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Keep the middle button's events from the view."""
        if not isinstance(event, QMouseEvent) or event.button() is not Qt.MouseButton.MiddleButton:
            return False
        index = self._view.indexAt(event.position().toPoint())
        if event.type() is QEvent.Type.MouseButtonPress:
            self._pressed = QPersistentModelIndex(index)
        elif event.type() is QEvent.Type.MouseButtonRelease:
            pressed, self._pressed = self._pressed, QPersistentModelIndex()
            if index.isValid() and pressed == index:
                self.clicked.emit(index)
        return True
