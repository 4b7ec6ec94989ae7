"""Bytes of any number on screen: offsets, hex and text side by side.

Invariant: only the bytes in sight are read; every offset is exact, whatever the size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)

from dalbrowser.ui.preview.scrolling import LargeView
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dalbrowser.preview import RangeSource
    from dalbrowser.ui.preview.scrolling import Spawn

_WHEEL_LINES = 3
_NOTCH = 120
_PAD = 8.0
_SHORTEST_OFFSET = 8
MOST_COPIED = 256 * 1024
_VISIBLE = bytes(code if 32 <= code < 127 else 0x2E for code in range(256))


class HexView(LargeView):
    """Shows the bytes of a ``RangeSource``."""

    def __init__(self, spawn: Spawn, parent: QWidget | None = None) -> None:
        super().__init__(spawn, parent)
        self.setObjectName("previewHex")
        self.setAccessibleName(self.tr("Bytes"))
        self._source: RangeSource | None = None
        self._top = 0
        self._data = b""
        self._anchor: int | None = None
        self._caret: int | None = None
        self._turned = 0
        self._measure()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.verticalScrollBar().valueChanged.connect(self._follow_slider)
        self.horizontalScrollBar().valueChanged.connect(self.viewport().update)

    def show_source(self, source: RangeSource | None) -> None:
        """Show an object's bytes from the first, or nothing."""
        self._source = source
        self._top = 0
        self._data = b""
        self._anchor = self._caret = None
        self._measure()
        self._fill()

    @property
    def top(self) -> int:
        """The offset of the first byte in sight."""
        return self._top

    @property
    def data(self) -> bytes:
        """The bytes in sight."""
        return self._data

    @property
    def selection(self) -> tuple[int, int] | None:
        """The selected offsets, the second exclusive."""
        if self._anchor is None or self._caret is None:
            return None
        return min(self._anchor, self._caret), max(self._anchor, self._caret) + 1

    def go_to(self, offset: int) -> None:
        """Bring a byte into the first row in sight and select it."""
        offset = min(max(0, offset), max(0, self._size() - 1))
        self._anchor = self._caret = offset
        self._move_to(offset - offset % self._width)

    def retry(self) -> None:
        """Read again what could not be read."""
        self._fill()

    def copy(self) -> None:
        """Put the selected bytes on the clipboard as hex."""
        source, chosen = self._source, self.selection
        if source is not None and chosen is not None:
            start, end = chosen
            end = min(end, start + MOST_COPIED)
            self.start(lambda: self._copy(source, start, end), "copy")

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        chosen = self.selection
        plain = self.palette().color(QPalette.ColorRole.Text)
        for row in range(-(-len(self._data) // self._width)):
            start = self._top + row * self._width
            line = self._data[row * self._width : (row + 1) * self._width]
            y = row * self._line_height
            if chosen is not None:
                self._paint_selection(painter, chosen, start, len(line), y)
            painter.setPen(theme().color("faint"))
            self._draw(painter, 0, y, f"{start:0{self._digits}x}")
            painter.setPen(plain)
            for at, code in enumerate(line):
                painter.setPen(theme().color("faint") if code == 0 else plain)
                self._draw(painter, self._hex_column(at), y, f"{code:02x}")
            painter.setPen(theme().color("muted"))
            self._draw(painter, self._text_column, y, line.translate(_VISIBLE).decode("ascii"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        before = self._width
        self._measure()
        if self._width != before:
            self._top -= self._top % self._width
        self._fill()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._turned += event.angleDelta().y() * _WHEEL_LINES
        lines = int(self._turned / _NOTCH)
        self._turned -= lines * _NOTCH
        self._move_to(self._top - lines * self._width)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(1, self._page() - 1) * self._width
        moves = {
            QKeySequence.StandardKey.MoveToNextLine: self._top + self._width,
            QKeySequence.StandardKey.MoveToPreviousLine: self._top - self._width,
            QKeySequence.StandardKey.MoveToNextPage: self._top + page,
            QKeySequence.StandardKey.MoveToPreviousPage: self._top - page,
            QKeySequence.StandardKey.MoveToStartOfDocument: 0,
            QKeySequence.StandardKey.MoveToEndOfDocument: self._size(),
        }
        for key, target in moves.items():
            if event.matches(key):
                self._move_to(target)
                return
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            place = self._offset_at(event.position().toPoint())
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._caret = place
            if not shift or self._anchor is None:
                self._anchor = place
            self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._anchor is not None:
            self._caret = self._offset_at(event.position().toPoint())
            self.viewport().update()

    def _size(self) -> int:
        return 0 if self._source is None else self._source.total

    def _page(self) -> int:
        return max(1, int(self.viewport().height() / self._line_height))

    def _measure(self) -> None:
        """Choose 4, 8, 16 or 32 bytes a row, whatever fits the width."""
        metrics = QFontMetricsF(self.font())
        self._char = metrics.horizontalAdvance("0")
        self._line_height = max(1.0, round(metrics.height() * 1.25))
        self._digits = max(_SHORTEST_OFFSET, len(f"{self._size():x}"))
        columns = (self.viewport().width() - 2 * _PAD) / self._char
        self._width = 4
        for width in (8, 16, 32):
            if self._digits + 2 + width * 4 + width // 8 + 1 <= columns:
                self._width = width
        self._text_column = self._hex_column(self._width) + 1

    def _hex_column(self, at: int) -> int:
        return self._digits + 2 + at * 3 + at // 8

    def _x(self, column: int) -> float:
        return _PAD + column * self._char - self.horizontalScrollBar().value()

    def _draw(self, painter: QPainter, column: int, y: float, text: str) -> None:
        box = QRectF(self._x(column), y, (len(text) + 1) * self._char, self._line_height)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, flags | Qt.TextFlag.TextDontClip, text)

    def _paint_selection(
        self, painter: QPainter, chosen: tuple[int, int], start: int, count: int, y: float
    ) -> None:
        first, last = max(chosen[0], start) - start, min(chosen[1], start + count) - start
        if first >= last:
            return
        color = theme().color("selection")
        begin = self._x(self._hex_column(first))
        end = self._x(self._hex_column(last - 1)) + 2 * self._char
        painter.fillRect(QRectF(begin, y, end - begin, self._line_height), color)
        begin = self._x(self._text_column + first)
        painter.fillRect(QRectF(begin, y, (last - first) * self._char, self._line_height), color)

    def _offset_at(self, point: QPoint) -> int | None:
        """Return the offset of the byte under a point, the nearest one of its row."""
        if not self._data:
            return None
        row = min(max(0, int(point.y() // self._line_height)), (len(self._data) - 1) // self._width)
        if point.x() >= self._x(self._text_column):
            at = int((point.x() - self._x(self._text_column)) // self._char)
        else:
            at = sum(point.x() >= self._x(self._hex_column(n)) for n in range(1, self._width))
        offset = self._top + row * self._width + min(max(at, 0), self._width - 1)
        return min(offset, self._top + len(self._data) - 1)

    def _last_top(self) -> int:
        rows = -(-self._size() // self._width)
        return max(0, rows - self._page()) * self._width

    def _move_to(self, top: int) -> None:
        top = min(max(0, top - top % self._width), self._last_top())
        if top != self._top or not self._data:
            self._top = top
            self._fill()
        else:
            self.viewport().update()

    def _follow_slider(self) -> None:
        last = self._last_top() // self._width
        self._move_to(self.slider_position(last) * self._width)

    def _fill(self) -> None:
        """Have the bytes in sight, now or when they have been read."""
        source = self._source
        if source is not None:
            self._top = min(self._top, self._last_top())
            start = self._top
            end = start + (self._page() + 1) * self._width
            self.set_slider(self._top // self._width, self._last_top() // self._width, self._page())
            data = source.peek(start, end)
            if data is None:
                self._data = b""
                self.start(lambda: self._fill_later(source, start, end), "bytes")
            else:
                self._data = data
        self.viewport().update()

    async def _fill_later(self, source: RangeSource, start: int, end: int) -> None:
        await source.read(start, end)
        self._fill()

    async def _copy(self, source: RangeSource, start: int, end: int) -> None:
        data = await source.read(start, end)
        QGuiApplication.clipboard().setText(data.hex(" "))
