"""What the views over objects of any size share: reads beside painting, and a scaled scroll bar.

Invariant: a scroll bar counts in steps that fit Qt's 31 bits, whatever the size; one read of
a view is under way at a time, a newer one takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from dalbrowser.preview import PreviewError
from dalbrowser.storage import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Spawn = Callable[[Coroutine[object, object, None], str], object]

STEPS = 1 << 30


def fixed_font() -> QFont:
    """Return the desktop's fixed-width font."""
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)


class LargeView(QAbstractScrollArea):
    """A scroll area over something too large to count in pixels.

    Signals:
        failed: a read failed; carries the ``StorageError`` or ``PreviewError``.
        read: a read ended well.
    """

    failed = Signal(object)
    read = Signal()

    def __init__(self, spawn: Spawn, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spawn = spawn
        self.setFont(fixed_font())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        self.viewport().setAutoFillBackground(True)
        corner = QWidget(self)
        corner.setBackgroundRole(QPalette.ColorRole.Base)
        corner.setAutoFillBackground(True)
        self.setCornerWidget(corner)
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)

    def start(self, work: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        """Run a read of this view in place of the one under way."""
        self._spawn(self._guarded(work), name)

    def set_slider(self, position: int, last: int, page: int) -> None:
        """Show where the view is, 0 to ``last``, without being told that it moved."""
        bar = self.verticalScrollBar()
        scale = max(1, -(-last // STEPS))
        blocked = bar.blockSignals(True)
        bar.setRange(0, last // scale)
        bar.setPageStep(max(1, page // scale))
        bar.setSingleStep(max(1, page // scale // 20))
        bar.setValue(min(position, last) // scale)
        bar.blockSignals(blocked)

    def slider_position(self, last: int) -> int:
        """Return where the scroll bar stands, 0 to ``last``."""
        bar = self.verticalScrollBar()
        if bar.value() >= bar.maximum():
            return last
        return bar.value() * max(1, -(-last // STEPS))

    async def _guarded(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        try:
            await work()
        except (StorageError, PreviewError) as error:
            self.failed.emit(error)
        else:
            self.read.emit()
