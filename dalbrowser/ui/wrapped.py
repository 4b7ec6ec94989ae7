"""Plain text over as many lines as it needs; a word too long for a line is broken.

A label of Qt's breaks between words alone, and is as wide as the longest of them: a key of
600 characters asks for a window of 7,000 pixels, or loses its end. Invariant: all of the text
is drawn at any width, given the height that it asks for.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QTextLayout, QTextOption

from dalbrowser.ui.copyable import CopyableLabel

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QWidget

_FEWEST = 12
_USUAL = 60
"""Characters: the narrowest that a line may become, and how long it is where there is room."""
_LINE_END = "\u2028"


class WrappedLabel(CopyableLabel):
    """A paragraph, or several with line ends between them."""

    def __init__(
        self, text: str = "", parent: QWidget | None = None, *, copyable: bool = False
    ) -> None:
        super().__init__(text, parent, copyable=copyable)
        # Layouts ask for the height at a width only of what says that it wraps.
        self.setWordWrap(True)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        longest = max(map(metrics.horizontalAdvance, self.text().split("\n")), default=0)
        width = min(longest + 2, metrics.averageCharWidth() * _USUAL) + self._frame().width()
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        narrow = self.fontMetrics().averageCharWidth() * _FEWEST + self._frame().width()
        return QSize(min(narrow, self.sizeHint().width()), self.fontMetrics().height())

    def heightForWidth(self, width: int) -> int:
        """Return how many logical pixels all lines take at this width."""
        frame = self._frame()
        # A layout asks for the width that it has, also where this one may not be so wide.
        width = min(width, self.maximumWidth())
        return self._lines(width - frame.width())[1] + frame.height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        here = self.contentsRect()
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        lines, height = self._lines(here.width())
        # What does not fit is cut at the end, not at both.
        above = max(0, here.height() - height) if not self._is_at_top() else 0
        lines.draw(painter, QPointF(here.x(), here.y() + above / 2))
        painter.end()

    def _is_at_top(self) -> bool:
        return bool(self.alignment() & Qt.AlignmentFlag.AlignTop)

    def _frame(self) -> QSize:
        around = self.contentsMargins()
        return QSize(around.left() + around.right(), around.top() + around.bottom())

    def _lines(self, width: int) -> tuple[QTextLayout, int]:
        layout = QTextLayout(self.text().replace("\n", _LINE_END), self.font(), self)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(self.layoutDirection())
        option.setAlignment(self.alignment())
        layout.setTextOption(option)
        height = 0.0
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            line.setPosition(QPointF(0, height))
            height += line.height()
        layout.endLayout()
        return layout, ceil(height)
