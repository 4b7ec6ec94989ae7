"""A text of any size on screen: only the rows in sight are read, laid out and painted.

Invariant: the place of the view is a row of the document and a line within it, never a
pixel or a line count of the whole; what has not been read is read beside the painting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
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
    QTextCharFormat,
    QTextLayout,
    QWheelEvent,
)

from dalbrowser.ui.format import count_text
from dalbrowser.ui.preview.layouts import RowLayouts, to_units
from dalbrowser.ui.preview.scrolling import LargeView
from dalbrowser.ui.preview.textplace import TextPlace
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QWidget

    from dalbrowser.preview import Row, TextDocument
    from dalbrowser.ui.preview.scrolling import Spawn

_PAD = 8.0
_WHEEL_LINES = 3
_NOTCH = 120
_LINE_BYTES = 80
MOST_COPIED = 8 * 1024 * 1024

Place = tuple[int, int]
"""Where a row starts, and a character within it."""


class TextView(LargeView):
    """Shows a ``TextDocument``; the text can be selected and copied.

    Signals:
        copy_refused: the selection is too long to be copied; carries the sentence.
    """

    copy_refused = Signal(str)

    def __init__(self, spawn: Spawn, parent: QWidget | None = None) -> None:
        super().__init__(spawn, parent)
        self.setObjectName("previewText")
        self.setAccessibleName(self.tr("Text"))
        self._place: TextPlace | None = None
        self._rows: list[Row] = []
        self._numbers: list[str] = []
        self._moving = False
        self._anchor: Place | None = None
        self._caret: Place | None = None
        self._wrap = False
        self._turned = 0
        self._layouts = RowLayouts(self.font())
        self.verticalScrollBar().valueChanged.connect(self._follow_slider)
        self.horizontalScrollBar().valueChanged.connect(self.viewport().update)

    def show_document(self, document: TextDocument | None) -> None:
        """Show a document from its beginning, or nothing."""
        self._layouts.set_font(self.font())
        self._place = None if document is None else TextPlace(document, self._layouts)
        self._rows = []
        self._numbers = []
        self._moving = False
        self._anchor = self._caret = None
        self.horizontalScrollBar().setRange(0, 0)
        self._measure()

    def set_wrap(self, wrap: bool) -> None:
        """Break long lines at the edge, or let them run out of sight."""
        self._wrap = wrap
        if self._place is not None:
            self._place.sub = 0
        self.horizontalScrollBar().setValue(0)
        self.horizontalScrollBar().setRange(0, 0)
        self._measure()

    @property
    def document(self) -> TextDocument | None:
        """What is shown."""
        return None if self._place is None else self._place.document

    @property
    def top(self) -> int:
        """Where the first row in sight begins, in bytes."""
        return 0 if self._place is None else self._place.top

    @property
    def rows(self) -> list[Row]:
        """The rows in sight."""
        return self._rows

    def retry(self) -> None:
        """Read again what could not be read."""
        self._moving = False
        self._fill()

    def go_to(self, offset: int) -> None:
        """Show the row that holds a byte at the top, or the end when there is less below."""
        place = self._place
        if place is None:
            return
        place.owed = 0
        start = place.document.peek_row_start(offset)
        if start is None:
            self.start(lambda: self._go_later(place, offset), "go to")
        else:
            place.set(start)
            self._fill()

    def go_to_end(self) -> None:
        """Show the last rows."""
        if self._place is not None:
            self.go_to(self._place.document.size)

    def move_lines(self, lines: int) -> None:
        """Move by lines on screen, down or (negative) up."""
        if self._place is not None:
            self._place.owed += lines
            if not self._moving:
                self._pay()

    def selected_range(self) -> tuple[Place, Place] | None:
        """Return the selection in order, or ``None``."""
        if self._anchor is None or self._caret is None or self._anchor == self._caret:
            return None
        return min(self._anchor, self._caret), max(self._anchor, self._caret)

    def select_all(self) -> None:
        """Select the whole text."""
        if self._place is not None:
            self._anchor, self._caret = (0, 0), (self._place.document.size, 0)
            self.viewport().update()

    def copy(self) -> None:
        """Put the selected text on the clipboard, reading what is not at hand."""
        chosen, document = self.selected_range(), self.document
        if chosen is None or document is None:
            return
        if chosen[1][0] - chosen[0][0] > MOST_COPIED:
            self.copy_refused.emit(self.tr("Up to 8 MiB can be copied; download the object."))
            return
        self.start(lambda: self._copy(document, *chosen), "copy")

    def start(self, work: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        """Run a read in place of the one under way, which may have been a move."""
        self._moving = False
        super().start(work, name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        place = self._place
        if place is None:
            return
        gutter = self._gutter()
        height = self._layouts.line_height
        left = gutter + _PAD - self.horizontalScrollBar().value()
        y = -place.sub * height
        area = QRectF(self.viewport().rect())
        for row, number in zip(self._rows, self._numbers, strict=True):
            if y > area.height():
                break
            painter.save()
            painter.setClipRect(area.adjusted(gutter, 0, 0, 0))
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            offset = (height - self._metrics().height()) / 2
            self._layouts.of(row).draw(painter, QPointF(left, y + offset), self._marks(row))
            painter.restore()
            self._paint_number(painter, number, y, gutter)
            y += self._layouts.lines(row) * height
        painter.setPen(theme().color("line"))
        painter.drawLine(QPointF(gutter, 0), QPointF(gutter, area.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        if abs(delta.x()) > abs(delta.y()):
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - delta.x())
        else:
            self._turned += delta.y() * _WHEEL_LINES
            lines = int(self._turned / _NOTCH)
            self._turned -= lines * _NOTCH
            self.move_lines(-lines)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = 1 if self._place is None else max(1, self._place.page - 1)
        bar = self.horizontalScrollBar()
        moves = {
            QKeySequence.StandardKey.MoveToNextLine: lambda: self.move_lines(1),
            QKeySequence.StandardKey.MoveToPreviousLine: lambda: self.move_lines(-1),
            QKeySequence.StandardKey.MoveToNextPage: lambda: self.move_lines(page),
            QKeySequence.StandardKey.MoveToPreviousPage: lambda: self.move_lines(-page),
            QKeySequence.StandardKey.MoveToStartOfDocument: lambda: self.go_to(0),
            QKeySequence.StandardKey.MoveToEndOfDocument: self.go_to_end,
            QKeySequence.StandardKey.MoveToStartOfLine: lambda: bar.setValue(0),
            QKeySequence.StandardKey.MoveToEndOfLine: lambda: bar.setValue(bar.maximum()),
            QKeySequence.StandardKey.MoveToNextChar: lambda: bar.setValue(bar.value() + 40),
            QKeySequence.StandardKey.MoveToPreviousChar: lambda: bar.setValue(bar.value() - 40),
            QKeySequence.StandardKey.Copy: self.copy,
            QKeySequence.StandardKey.SelectAll: self.select_all,
        }
        for key, move in moves.items():
            if event.matches(key):
                move()
                event.accept()
                return
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            place = self._place_at(event.position().toPoint())
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._caret = place
            if not shift or self._anchor is None:
                self._anchor = place
            self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        y = event.position().y()
        if y < 0:
            self.move_lines(-1)
        elif y > self.viewport().height():
            self.move_lines(1)
        self._caret = self._place_at(event.position().toPoint())
        self.viewport().update()

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self.font())

    def _gutter(self) -> float:
        lines = 0 if self._place is None else self._place.document.lines_seen
        digits = max(3, len(count_text(lines + 1)))
        return digits * self._layouts.char_width + 2 * _PAD

    def _paint_number(self, painter: QPainter, number: str, y: float, gutter: float) -> None:
        painter.setPen(theme().color("faint"))
        box = QRectF(0, y, gutter - _PAD, self._layouts.line_height)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)

    def _count(self, document: TextDocument) -> list[str]:
        """Return what stands beside each row in sight: its line's number, where that is known."""
        numbers: list[str] = []
        number: int | None = None
        for row in self._rows:
            if not row.begins_line:
                numbers.append("↪")
                continue
            number = document.line_number(row.start) if number is None else number + 1
            numbers.append("" if number is None else count_text(number))
        return numbers

    def _marks(self, row: Row) -> list[QTextLayout.FormatRange]:
        """Return what of the row is selected, as the layout takes it."""
        chosen = self.selected_range()
        if chosen is None or chosen[1] <= (row.start, 0) or chosen[0][0] >= row.end:
            return []
        (first, begin), (last, end) = chosen
        start = to_units(row.text, begin) if first == row.start else 0
        stop = to_units(row.text, end if last == row.start else len(row.text) + 1)
        mark = QTextLayout.FormatRange()
        mark.start = start
        mark.length = stop - start
        look = QTextCharFormat()
        look.setBackground(theme().color("selection"))
        look.setForeground(theme().color("on-selection"))
        mark.format = look
        return [mark]

    def _place_at(self, point: QPoint) -> Place | None:
        """Return the place in the text under a point of the viewport."""
        if not self._rows or self._place is None:
            return None
        line = self._place.sub + int(point.y() // self._layouts.line_height)
        x = point.x() - self._gutter() - _PAD + self.horizontalScrollBar().value()
        row = self._rows[-1]
        for row in self._rows:
            lines = self._layouts.lines(row)
            if line < lines:
                return row.start, self._layouts.column_at(row, max(0, line), x)
            line -= lines
        return row.start, len(row.text)

    def _measure(self) -> None:
        """Take the size of the screen, and have the rows that it shows."""
        if self._place is not None:
            width = max(self._text_width(), 10 * self._layouts.char_width)
            self._layouts.set_width(width if self._wrap else None)
            self._place.measured(int(self.viewport().height() / self._layouts.line_height))
            self._place.settle()
        self._fill()

    def _text_width(self) -> float:
        return self.viewport().width() - self._gutter() - 2 * _PAD

    def _fill(self) -> None:
        """Have the rows in sight, now or when they have been read."""
        place = self._place
        if place is not None:
            rows = place.rows()
            if rows is None:
                self.start(lambda: self._fill_later(place), "rows")
                return
            self._rows = rows
            self._numbers = self._count(place.document)
            self._widen()
            last = place.last()
            end = place.document.size if last is None else last[0]
            self.set_slider(min(place.top, end), end, place.page * _LINE_BYTES)
        self.viewport().update()

    def _widen(self) -> None:
        """Let the horizontal scroll bar reach the widest row seen so far."""
        if self._wrap:
            return
        layouts = [self._layouts.of(row) for row in self._rows]
        widths = [layout.lineAt(0).naturalTextWidth() for layout in layouts if layout.lineCount()]
        width = self._text_width()
        bar = self.horizontalScrollBar()
        bar.setPageStep(int(width))
        bar.setSingleStep(int(4 * self._layouts.char_width))
        bar.setRange(0, max(bar.maximum(), int(max(widths, default=0.0) - width) + 1))

    def _follow_slider(self) -> None:
        if self._place is not None:
            last = self._place.last()
            end = self._place.document.size if last is None else last[0]
            position = self.slider_position(end)
            self.go_to(self._place.document.size if position >= end > 0 else position)

    def _pay(self) -> None:
        """Move by the lines that are owed, as far as what is needed is at hand."""
        place = self._place
        if place is None:
            return
        if place.pay():
            self._fill()
        else:
            self.start(lambda: self._pay_later(place), "scroll")
            self._moving = True

    async def _fill_later(self, place: TextPlace) -> None:
        await place.document.rows_from(place.top, place.page + 2 + place.sub)
        self._fill()

    async def _go_later(self, place: TextPlace, offset: int) -> None:
        start = await place.document.row_start(offset)
        await place.document.rows_from(start, place.page + 2)
        place.set(start)
        self._fill()

    async def _pay_later(self, place: TextPlace) -> None:
        try:
            await place.read_owed()
        finally:
            self._moving = False
        self._pay()

    async def _copy(self, document: TextDocument, first: Place, last: Place) -> None:
        """Collect the text between two places row by row."""
        parts: list[str] = []
        start = first[0]
        while start <= last[0] and start < document.size:
            rows = await document.rows_from(start, 200)
            for row in rows:
                if row.start > last[0]:
                    break
                begin = first[1] if row.start == first[0] else 0
                end = last[1] if row.start == last[0] else len(row.text)
                newline = "\n" if row.ends_line and row.start != last[0] else ""
                parts.append(row.text[begin:end] + newline)
            start = rows[-1].end if rows else document.size
        QGuiApplication.clipboard().setText("".join(parts))
