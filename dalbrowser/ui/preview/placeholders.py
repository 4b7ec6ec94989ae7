"""The placeholders of a preview that has nothing to draw, and the line above one that stopped."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dalbrowser.preview import MessageValue, Remedy
from dalbrowser.ui.preview.facts import tr
from dalbrowser.ui.theme import theme

_PICTURE = 48


def remedy_title(remedy: Remedy) -> str:
    """Return the verb on the button that helps."""
    return {Remedy.LOAD_MORE: tr("Load more"), Remedy.RELOAD: tr("Reload")}.get(remedy, "")


class Placeholder(QWidget):
    """A picture, a title, a sentence and at most one button.

    Signals:
        helped: the button was pressed; carries the ``Remedy``.
    """

    helped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("previewFace")
        self._icon_name = "preview"
        self._remedy = Remedy.NONE
        self._picture = QLabel(self)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title = _label(self, "previewFaceTitle")
        self.title.setProperty("title", True)
        self.text = _label(self, "previewFaceText")
        self.text.setProperty("muted", True)
        self._button = QPushButton(self)
        self._button.setObjectName("previewFaceButton")
        self._button.setProperty("verb", True)
        self._button.clicked.connect(lambda: self.helped.emit(self._remedy))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(self._picture)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addSpacing(8)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        theme().changed.connect(self._dress)

    def say(self, icon: str, title: str, text: str, remedy: Remedy = Remedy.NONE) -> None:
        """Show these words."""
        self._icon_name = icon
        self._remedy = remedy
        self.title.setText(title)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self._button.setText(remedy_title(remedy))
        self._button.setVisible(remedy is not Remedy.NONE)
        self.setAccessibleName(f"{title}. {text}" if text else title)
        self._dress()

    def say_message(self, value: MessageValue) -> None:
        """Show a message in place of a preview."""
        icon = "empty" if value.title == "Empty" else "info"
        if value.remedy is Remedy.RELOAD or value.title == "Not found":
            icon = "warning"
        self.say(icon, tr(value.title), tr(value.text), value.remedy)

    def _dress(self) -> None:
        self._picture.setPixmap(theme().pixmap(self._icon_name, _PICTURE, "faint"))


class Notice(QFrame):
    """One line about a preview that cannot go on, with the button that helps.

    Signals:
        helped: the button was pressed; carries the ``MessageValue`` that was shown.
    """

    helped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("previewNotice")
        self.setProperty("note", "warning")
        self._value: MessageValue | None = None
        self.text = _label(self, "previewNoticeText")
        self.text.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self._button = QPushButton(self)
        self._button.setObjectName("previewNoticeButton")
        self._button.setProperty("link", True)
        self._button.clicked.connect(lambda: self.helped.emit(self._value))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.addWidget(self.text, 1)
        row.addWidget(self._button)
        self.hide()

    def say(self, value: MessageValue) -> None:
        """Show a message above what was drawn so far."""
        self._value = value
        self.text.setText(value.text)
        self._button.setText(remedy_title(value.remedy))
        self._button.setVisible(value.remedy is not Remedy.NONE)
        self.setAccessibleName(value.text)
        self.show()


def _label(parent: QWidget, name: str) -> QLabel:
    label = QLabel(parent)
    label.setObjectName(name)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
