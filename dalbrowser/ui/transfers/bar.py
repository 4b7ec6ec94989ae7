"""The buttons above the transfers: a word beside each icon where there is room for all.

Invariant: a button is its action's; nothing can be pressed that the action would refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from dalbrowser.ui.transfers.morebutton import more_button
from dalbrowser.ui.transfers.wording import tr

if TYPE_CHECKING:
    from PySide6.QtGui import QAction


class TransferBar(QWidget):
    """A row of buttons; those of single rows on the left, those of all on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # The window may be narrower than all the words: then the icons stand alone.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 4, 8, 4)
        self._row.setSpacing(4)
        self._worded: list[QToolButton] = []
        self._width = 0

    def add(self, action: QAction, *, short: bool = False) -> None:
        """Add a button; a ``short`` one never has its word."""
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        if short:
            style = Qt.ToolButtonStyle.ToolButtonIconOnly
        else:
            self._worded.append(button)
        button.setToolButtonStyle(style)
        self._row.addWidget(button)

    def add_gap(self) -> None:
        """Put what follows at the other end."""
        self._row.addStretch(1)

    def add_menu(self, actions: list[QAction]) -> QMenu:
        """Add the button that shows what has no button of its own; returns its menu."""
        button, menu = more_button("transferMore", tr("More"), self)
        menu.addActions(actions)
        self._row.addWidget(button)
        return menu

    def fit(self, width: int) -> None:
        """Show the words where ``width`` pixels are enough for them all."""
        if not self._width:
            self._width = self.sizeHint().width()
        style = (
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            if width >= self._width
            else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        for button in self._worded:
            button.setToolButtonStyle(style)
