"""One line of news above the list, instead of a dialog: a word, maybe one button, a cross."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from dalbrowser.ui.theme import theme
from dalbrowser.ui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from collections.abc import Callable

_ICONS = {"error": "error", "warning": "warning", "success": "verified", "info": "info"}
_COLORS = {"error": "danger", "warning": "warning", "success": "success", "info": "muted"}


class Notice(QFrame):
    """A message that stays until it is read or replaced; hidden when there is none.

    ``closable`` gives it a cross; a note inside a form has none.

    Signals:
        shown_changed: whether something is said now.
    """

    shown_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None, *, closable: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._tone = "info"
        self._then: Callable[[], None] | None = None
        self._picture = QLabel()
        # It must not make the window as wide as the longest name that it has to tell.
        self._text = WrappedLabel(copyable=True)
        self._text.setObjectName("noticeText")
        self._text.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._button = QPushButton()
        self._button.setObjectName("noticeButton")
        self._button.clicked.connect(self._press)
        self._close = QToolButton()
        self._close.setObjectName("noticeClose")
        self._close.setAccessibleName(self.tr("Dismiss"))
        self._close.setToolTip(self.tr("Dismiss"))
        self._close.clicked.connect(self.clear)
        theme().dress(self._close, "close")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(12)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        # Not before it is part of this: without a parent it would flash up as a window.
        self._close.setVisible(closable)
        theme().changed.connect(self._draw)
        self.hide()

    @property
    def text(self) -> str:
        """What is said, empty when nothing is."""
        return self._text.text() if not self.isHidden() else ""

    @property
    def error(self) -> str:
        """What is said, if it is an error."""
        return self.text if self._tone == "error" else ""

    def say(
        self,
        text: str,
        tone: str = "info",
        button: str = "",
        then: Callable[[], None] | None = None,
    ) -> None:
        """Show ``text`` as ``info``, ``success``, ``warning`` or ``error``."""
        self._tone = tone
        self._then = then
        self._text.setText(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self.setAccessibleName(text)
        self.setProperty("note", tone)
        self.style().unpolish(self)
        self.style().polish(self)
        self._draw()
        self.setVisible(bool(text))
        self.shown_changed.emit(bool(text))

    def clear(self) -> None:
        """Say nothing any more."""
        self.hide()
        self.shown_changed.emit(False)

    def _draw(self) -> None:
        self._picture.setPixmap(theme().pixmap(_ICONS[self._tone], 20, _COLORS[self._tone]))

    def _press(self) -> None:
        self.clear()
        if self._then is not None:
            self._then()
