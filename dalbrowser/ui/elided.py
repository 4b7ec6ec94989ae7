"""A line of text that is shortened to its room; all of it in the tooltip and in its menu.

Invariant: ``text`` and what is copied are the whole text, whatever is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from dalbrowser.ui.copyable import CopyableLabel
from dalbrowser.ui.format import tip_text

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QResizeEvent

_FEWEST = 6
"""Characters that a line keeps room for."""


class ElidedLabel(CopyableLabel):
    """One line of plain text. With ``copyable`` it takes the focus, and Ctrl+C copies it."""

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        copyable: bool = False,
    ) -> None:
        super().__init__(text, parent, copyable=copyable)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self._explain()

    def sizeHint(self) -> QSize:
        margins = self.contentsMargins()
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self.text()) + margins.left() + margins.right()
        return QSize(width + 2, metrics.height() + margins.top() + margins.bottom())

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        fewest = self.fontMetrics().averageCharWidth() * _FEWEST
        return QSize(min(hint.width(), fewest), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._explain()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.contentsRect(), flags, self._shortened())
        painter.end()

    def _shortened(self) -> str:
        return self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())

    def _explain(self) -> None:
        self.setToolTip("" if self._shortened() == self.text() else tip_text(self.text()))
