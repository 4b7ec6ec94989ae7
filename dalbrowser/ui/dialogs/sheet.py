"""What all dialogs share: margins, an inline note, and a row of verbs.

Invariant: a dialog never runs a loop of its own (``open``, not ``exec``), and is gone from
memory when it is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dalbrowser.ui.enter import press_focused
from dalbrowser.ui.notice import Notice
from dalbrowser.ui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QShowEvent


class Sheet(QDialog):
    """A dialog over its window, with room for a body above a row of buttons."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(24, 20, 24, 20)
        self._lines.setSpacing(12)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self._lines.addLayout(self.body, 1)
        self.note = Notice(closable=False)
        self.note.setObjectName(f"{name}Note")
        self._lines.addWidget(self.note)
        # What is said makes the dialog taller, instead of its fields shorter.
        self.note.shown_changed.connect(lambda _shown: self.grow())
        self._verbs = QHBoxLayout()
        self._verbs.setSpacing(8)
        self._verbs.addStretch(1)
        self._lines.addSpacing(4)
        self._lines.addLayout(self._verbs)

    def showEvent(self, event: QShowEvent) -> None:
        """Be as tall as the lines are at this width; Qt looks at them at another one."""
        super().showEvent(event)
        if not self.testAttribute(Qt.WidgetAttribute.WA_Resized):
            self.grow()
        self.make_room()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Enter press the button that has the keyboard; Qt's own presses the default one."""
        if not press_focused(self, event):
            super().keyPressEvent(event)

    def make_room(self) -> None:
        """Become taller where the content does not fit any more."""
        self._lines.activate()
        if self._lines.heightForWidth(self.width()) > self.height():
            self.grow()

    def grow(self) -> None:
        """Become as tall as the content needs at this width."""
        self._lines.activate()
        needed = self._lines.heightForWidth(self.width())
        self.resize(self.width(), max(needed, self._lines.minimumSize().height()))

    def add_title(self, text: str) -> QLabel:
        """Add the head line."""
        label = WrappedLabel(text)
        label.setProperty("title", True)
        self.body.addWidget(label)
        return label

    def add_text(self, text: str, name: str = "") -> QLabel:
        """Add a paragraph."""
        label = WrappedLabel(text)
        label.setObjectName(name)
        label.setProperty("muted", True)
        self.body.addWidget(label)
        return label

    def add_verb(
        self,
        name: str,
        text: str,
        *,
        default: bool = False,
        danger: bool = False,
        primary: bool = False,
    ) -> QPushButton:
        """Add a button.

        The ``default`` one answers Enter; a ``primary`` one looks like it, but waits to be
        chosen.
        """
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAutoDefault(default)
        button.setDefault(default and not danger)
        if danger:
            button.setProperty("danger", True)
        elif default or primary:
            # Not left to ``:default`` in the style sheet: the words of a state are drawn bold,
            # but measured as if they were not.
            button.setProperty("verb", True)
        self._verbs.addWidget(button)
        return button

    def add_aside(self, name: str, text: str) -> QPushButton:
        """Add a button at the other end of the row."""
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAutoDefault(False)
        self._verbs.insertWidget(0, button)
        return button
