"""The facts of an object as a list of titles and selectable texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from dalbrowser.ui.preview.facts import facts, tr

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata

_LONGEST = 2000


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
            value = QLabel(text[:_LONGEST], content)
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setWordWrap(True)
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setAccessibleName(f"{title}: {text[:_LONGEST]}")
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(name, row, 0, top)
            grid.addWidget(value, row, 1, top)
        grid.setRowStretch(len(self._shown), 1)
        self.setWidget(content)
