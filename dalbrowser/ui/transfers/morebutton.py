"""The button with three dots, whose menu holds what has no button of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QToolButton

from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


def more_button(name: str, title: str, parent: QWidget) -> tuple[QToolButton, QMenu]:
    """Return the button, which a key reaches too, and its menu to be filled."""
    button = QToolButton(parent)
    button.setObjectName(name)
    button.setAccessibleName(title)
    button.setToolTip(title)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    theme().dress(button, "more")
    menu = QMenu(button)
    button.setMenu(menu)
    return button, menu
