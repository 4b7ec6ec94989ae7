"""Enter on a button that has the keyboard presses it, as it does on every desktop.

Qt leaves it to Space in a window, and in a dialog Enter presses the default button, whichever
one has the keyboard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QToolButton

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

_ENTER = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


def press_focused(window: QWidget, event: QKeyEvent) -> bool:
    """Press the button of ``window`` that has the keyboard; false when Enter meant something else.

    To be asked for keys that no widget below took.
    """
    button = window.focusWidget()
    if event.key() not in _ENTER or not isinstance(button, QAbstractButton):
        return False
    if not button.hasFocus() or not button.isEnabled():
        return False
    at_once = QToolButton.ToolButtonPopupMode.InstantPopup
    if isinstance(button, QToolButton) and button.menu() and button.popupMode() is at_once:
        button.showMenu()
    else:
        button.click()
    return True
