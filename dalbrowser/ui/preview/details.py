"""The facts of an object as a list of titles and selectable texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from dalbrowser.ui.elided import ElidedLabel
from dalbrowser.ui.preview.facts import facts, tr

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata

_LONGEST = 2000
_LONGEST_WORD = 20
"""Characters: a longer one, such as an ETag, cannot be wrapped and would be cut off."""


class DetailsView(QScrollArea):
    """Shows what is known of one object."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("previewDetails")
        self.setAccessibleName(tr("Metadata"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._shown: list[tuple[str, str]] = []
        self._lay_out()
        self.hide()

    def show_metadata(self, metadata: Metadata | None) -> None:
        """Show the facts of one object, or none."""
        rows = [] if metadata is None else facts(metadata)
        if rows != self._shown:
            self._shown = rows
            self._lay_out()
        self.setVisible(bool(rows))

    @property
    def shown(self) -> dict[str, str]:
        """What is shown, by title."""
        return dict(self._shown)

    def _lay_out(self) -> None:
        content = QWidget(self)
        grid = QGridLayout(content)
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, (title, text) in enumerate(self._shown):
            name = QLabel(title, content)
            name.setProperty("muted", True)
            name.setTextFormat(Qt.TextFormat.PlainText)
            value = _value(text[:_LONGEST], content)
            value.setAccessibleName(f"{title}: {text[:_LONGEST]}")
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(name, row, 0, top)
            grid.addWidget(value, row, 1, top)
        grid.setRowStretch(len(self._shown), 1)
        self.setWidget(content)


def _value(text: str, parent: QWidget) -> QWidget:
    """Make the widget of one fact: words are wrapped, one long word is shortened."""
    if max(map(len, text.split()), default=0) > _LONGEST_WORD:
        return ElidedLabel(text, parent, mode=Qt.TextElideMode.ElideMiddle, copyable=True)
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
