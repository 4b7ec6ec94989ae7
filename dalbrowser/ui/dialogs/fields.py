"""One field of a connection as a form shows it: the widget for a ``ConfigField``.

Invariant: the value of a field is text, as in the settings file; an untouched field is its
default and is not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from dalbrowser.ui.pasted import typed
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from dalbrowser.storage.registry import ConfigField


class FieldEdit(QObject):
    """A config field and its widget.

    Signals:
        edited: the value is another.
    """

    edited = Signal()

    def __init__(self, item: ConfigField, parent: QWidget) -> None:
        super().__init__(parent)
        self.item = item
        self._line: QLineEdit | None = None
        self._combo: QComboBox | None = None
        self._check: QCheckBox | None = None
        self.widget = self._make()
        self.widget.setObjectName(f"connection.{item.name}")
        self.widget.setAccessibleName(item.label)
        self.widget.setToolTip(item.doc)
        self.set_value(item.default)

    def _make(self) -> QWidget:
        if self.item.kind is bool:
            self._check = QCheckBox(self.item.label)
            self._check.toggled.connect(self.edited)
            return self._check
        if self.item.choices:
            self._combo = QComboBox()
            for choice in self.item.choices:
                shown = choice or QCoreApplication.translate("fields", "(none)")
                self._combo.addItem(shown, choice)
            self._combo.currentIndexChanged.connect(lambda _index: self.edited.emit())
            return self._combo
        self._line = QLineEdit()
        if self.item.secret:
            self._line.setEchoMode(QLineEdit.EchoMode.Password)
            self._add_eye(self._line)
        self._line.textEdited.connect(lambda _text: self.edited.emit())
        return self._line

    def _add_eye(self, line: QLineEdit) -> None:
        eye = line.addAction(theme().icon("eye"), QLineEdit.ActionPosition.TrailingPosition)
        eye.setCheckable(True)
        eye.setToolTip(QCoreApplication.translate("fields", "Show what is typed"))
        eye.toggled.connect(
            lambda shown: line.setEchoMode(
                QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password
            )
        )

    @property
    def value(self) -> str:
        """The value as text. Blanks around it are dropped, of a secret a line's end."""
        if self._check is not None:
            return "true" if self._check.isChecked() else "false"
        if self._combo is not None:
            return str(self._combo.currentData())
        text = self._line.text() if self._line is not None else ""
        return typed(text) if self.item.secret else text.strip()

    @property
    def touched(self) -> bool:
        """Whether the value is another than the default."""
        return self.value != self.item.default

    def set_value(self, value: str) -> None:
        """Show a value."""
        if self._check is not None:
            self._check.setChecked(value == "true")
        elif self._combo is not None:
            self._combo.setCurrentIndex(max(0, self._combo.findData(value)))
        elif self._line is not None:
            self._line.setText(value)

    def set_hint(self, text: str) -> None:
        """Show ``text`` where nothing is typed."""
        if self._line is not None:
            self._line.setPlaceholderText(text)

    def mark(self, *, wrong: bool) -> None:
        """Mark the field as the one that is wrong."""
        self.widget.setProperty("invalid", wrong)
        self.widget.style().unpolish(self.widget)
        self.widget.style().polish(self.widget)
