"""The visible rows of a text as Qt lays them out: wrapped or not, each line of equal height.

Invariant: what is shown has as many characters as the row's text, so that a place on screen
is a place in the text; characters that would hide, break or reorder are shown as symbols.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QTextLayout, QTextOption

if TYPE_CHECKING:
    from dalbrowser.preview import Row

_KEPT = 400
_UNWRAPPED = 10_000_000.0
_TAB_COLUMNS = 8
_SUBSTITUTE = "\u2426"
_NEWLINE = "\u2424"
_SHOWN = (
    {code: chr(0x2400 + code) for code in range(32) if code != 9}
    | {0x7F: "\u2421", 0x85: _NEWLINE, 0x2028: _NEWLINE, 0x2029: _NEWLINE}
    | dict.fromkeys([*range(0x80, 0x85), *range(0x86, 0xA0)], _SUBSTITUTE)
    | dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], _SUBSTITUTE)
)


def shown(text: str) -> str:
    """Return the text as it is drawn, character for character."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def to_units(text: str, index: int) -> int:
    """Turn a place in a Python text into Qt's, which counts in UTF-16."""
    return index if text.isascii() else index + sum(ord(char) > 0xFFFF for char in text[:index])


def from_units(text: str, units: int) -> int:
    """Turn a place that Qt counted into one of a Python text."""
    if text.isascii():
        return units
    for index, char in enumerate(text):
        if units <= 0:
            return index
        units -= 2 if ord(char) > 0xFFFF else 1
    return len(text)


class RowLayouts:
    """Lays rows out in one font and width, and keeps the last ones."""

    def __init__(self, font: QFont) -> None:
        self._kept: OrderedDict[tuple[int, int], QTextLayout] = OrderedDict()
        self._width: float | None = None
        self.set_font(font)

    def set_font(self, font: QFont) -> None:
        """Use another font from now on."""
        self._font = font
        self._metrics = QFontMetricsF(font)
        self.line_height = max(1.0, round(self._metrics.height() * 1.25))
        self.char_width = self._metrics.horizontalAdvance("0")
        self._kept.clear()

    def set_width(self, width: float | None) -> None:
        """Wrap at a width in pixels, or not at all."""
        if width != self._width:
            self._width = width
            self._kept.clear()

    def of(self, row: Row) -> QTextLayout:
        """Return the row laid out."""
        key = (row.start, row.end)
        layout = self._kept.get(key)
        if layout is None:
            layout = self._kept[key] = self._lay_out(row)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return layout

    def lines(self, row: Row) -> int:
        """Return how many lines on screen the row takes."""
        return 1 if self._width is None else max(1, self.of(row).lineCount())

    def column_at(self, row: Row, line: int, x: float) -> int:
        """Return the place in the row's text under ``x`` of one of its lines, for the mouse."""
        layout = self.of(row)
        if not layout.lineCount():
            return 0
        found = layout.lineAt(min(line, layout.lineCount() - 1))
        return from_units(row.text, int(found.xToCursor(x)))

    def _lay_out(self, row: Row) -> QTextLayout:
        layout = QTextLayout(shown(row.text), self._font)
        option = QTextOption()
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        option.setTabStopDistance(self.char_width * _TAB_COLUMNS)
        option.setWrapMode(
            QTextOption.WrapMode.NoWrap
            if self._width is None
            else QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere
        )
        layout.setTextOption(option)
        layout.setCacheEnabled(True)
        layout.beginLayout()
        number = 0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(_UNWRAPPED if self._width is None else self._width)
            line.setPosition(QPointF(0, number * self.line_height))
            number += 1
        layout.endLayout()
        return layout
