"""A decoded image on a checkerboard: fitted to the pane, or at a zoom of one's own.

Invariant: painting scales no more than four pixels for each one on screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.ui.preview.decoding import Picture

_SQUARE = 8
_STEP = 1.25
_SMALLEST, _LARGEST = 0.02, 32.0
_NOTCH = 120


class ImageView(QAbstractScrollArea):
    """Shows one ``Picture``.

    Signals:
        zoomed: the zoom is another now (1.0 is a pixel of the file per pixel of the screen).
    """

    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("previewImage")
        self.setAccessibleName(self.tr("Image"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        self.viewport().setAutoFillBackground(True)
        self._levels: tuple[QImage, ...] = ()
        self._full = QSize()
        self._zoom = 1.0
        self._fitted = True
        self._dragged: QPoint | None = None

    def show_picture(self, picture: Picture | None) -> None:
        """Show a picture, fitted, or nothing."""
        self._levels = () if picture is None else picture.levels
        self._full = QSize() if picture is None else picture.size
        self.fit()

    @property
    def zoom(self) -> float:
        """Pixels of the screen per pixel of the file, each way."""
        return self._zoom

    @property
    def is_fitted(self) -> bool:
        """Whether the zoom follows the size of the pane."""
        return self._fitted

    def fit(self) -> None:
        """Show the whole picture, never enlarged beyond its own size."""
        self._fitted = True
        if not self._full.isEmpty():
            room = self.viewport().size() * self.devicePixelRatioF()
            self._zoom = min(
                1.0, room.width() / self._full.width(), room.height() / self._full.height()
            )
        self._settle()

    def set_zoom(self, zoom: float, around: QPoint | None = None) -> None:
        """Zoom, keeping the point ``around`` (the middle if not given) where it is."""
        around = around or self.viewport().rect().center()
        before = self._target()
        across = (around.x() - before.x()) / max(1, before.width())
        down = (around.y() - before.y()) / max(1, before.height())
        self._fitted = False
        self._zoom = min(max(zoom, _SMALLEST), _LARGEST)
        self._settle()
        after = self._size()
        self.horizontalScrollBar().setValue(int(across * after.width()) - around.x())
        self.verticalScrollBar().setValue(int(down * after.height()) - around.y())

    def zoom_in(self) -> None:
        """One step nearer."""
        self.set_zoom(self._zoom * _STEP)

    def zoom_out(self) -> None:
        """One step further away."""
        self.set_zoom(self._zoom / _STEP)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._levels:
            return
        painter = QPainter(self.viewport())
        target = self._target()
        if self._levels[0].hasAlphaChannel():
            self._paint_checkerboard(painter, target & self.viewport().rect())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._zoom < 2.0)
        painter.drawImage(target, self._level_for(target.size() * self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()
        else:
            self._settle()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            turns = event.angleDelta().y() / _NOTCH
            self.set_zoom(self._zoom * _STEP**turns, event.position().toPoint())
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
            Qt.Key.Key_0: self.fit,
            Qt.Key.Key_1: lambda: self.set_zoom(1.0),
        }
        act = keys.get(Qt.Key(event.key()))
        if act is not None:
            act()
        elif event.key() == Qt.Key.Key_Space:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._dragged = event.position().toPoint()
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is None:
            return
        moved = event.position().toPoint() - self._dragged
        self._dragged = event.position().toPoint()
        for bar, by in (
            (self.horizontalScrollBar(), moved.x()),
            (self.verticalScrollBar(), moved.y()),
        ):
            bar.setValue(bar.value() - by)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._dragged = None
        self.viewport().unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._fitted:
            self.set_zoom(1.0, event.position().toPoint())
        else:
            self.fit()

    def _size(self) -> QSize:
        """Return the size on screen in logical pixels."""
        scale = self._zoom / self.devicePixelRatioF()
        size = QSize(round(self._full.width() * scale), round(self._full.height() * scale))
        return size.expandedTo(QSize(1, 1))

    def _target(self) -> QRect:
        """Return where the picture lies in the viewport, in the middle when there is room."""
        size, room = self._size(), self.viewport().size()
        x = max(0, (room.width() - size.width()) // 2) - self.horizontalScrollBar().value()
        y = max(0, (room.height() - size.height()) // 2) - self.verticalScrollBar().value()
        return QRect(QPoint(x, y), size)

    def _level_for(self, size: QSize) -> QImage:
        """Return the smallest level that has at least as many pixels as are to be shown."""
        fitting = [level for level in self._levels if level.width() >= size.width()]
        return fitting[-1] if fitting else self._levels[0]

    def _settle(self) -> None:
        size, room = self._size(), self.viewport().size()
        empty = self._full.isEmpty() or self._fitted
        for bar, length, seen in (
            (self.horizontalScrollBar(), size.width(), room.width()),
            (self.verticalScrollBar(), size.height(), room.height()),
        ):
            bar.setPageStep(seen)
            bar.setSingleStep(max(1, seen // 20))
            bar.setRange(0, 0 if empty else max(0, length - seen))
        self.viewport().update()
        self.zoomed.emit(self._zoom)

    def _paint_checkerboard(self, painter: QPainter, area: QRect) -> None:
        tile = QPixmap(2 * _SQUARE, 2 * _SQUARE)
        tile.fill(theme().color("base"))
        brush = QPainter(tile)
        for at in (0, _SQUARE):
            brush.fillRect(at, at, _SQUARE, _SQUARE, theme().color("line"))
        brush.end()
        painter.drawTiledPixmap(QRectF(area), tile)
