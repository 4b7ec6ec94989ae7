"""The row of tabs: names, crosses, order, menu, and what a drag does above it.

Invariants: a tab is known by the number in its ``tabData``, which stays with it wherever it
is dragged; with one tab the row is not to be seen; a drag that rests on a tab shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QTabBar, QToolButton

from dalbrowser.ui.dropping import DropHandling, Spot
from dalbrowser.ui.format import tip_text
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import (
        QContextMenuEvent,
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
        QMouseEvent,
        QPaintEvent,
    )
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.ui.dragging.drops import Drops

_WIDEST = 240
_NARROWEST = 120
"""Logical pixels of a tab: a longer name is elided in the middle."""
_CROSS = 16


class TabStrip(QTabBar):
    """The tabs; ``place_of`` says which place the tab of a number shows.

    Signals:
        close_wanted: the number of a tab.
        menu_wanted: the number of a tab, and a global position.
        new_wanted: the empty part was double-clicked.
    """

    close_wanted = Signal(int)
    menu_wanted = Signal(int, QPoint)
    new_wanted = Signal()

    def __init__(
        self, place_of: Callable[[int], Location | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("tabStrip")
        self.setAccessibleName(self.tr("Open places"))
        self._place_of = place_of
        self._drops = DropHandling(self, self._spot_at, self._mark, self._spring)
        self._pressed = -1
        self._target: int | None = None
        self.setAutoHide(True)
        self.setMovable(True)
        self.setExpanding(False)
        self.setDocumentMode(True)
        self.setDrawBase(False)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUsesScrollButtons(True)
        self.setSelectionBehaviorOnRemove(QTabBar.SelectionBehavior.SelectPreviousTab)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAcceptDrops(True)
        # A window is as narrow as its list allows; the tabs scroll.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    # Tabs by number.

    def add(self, number: int, index: int) -> None:
        """Add a tab of this number at an index, without showing it."""
        self.insertTab(index, "")
        index = self.index_of(number, new=True)
        cross = QToolButton(self)
        cross.setObjectName(f"tabClose.{number}")
        cross.setAutoRaise(True)
        cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        cross.setProperty("tabClose", True)
        theme().dress(cross, "close")
        cross.setIconSize(QSize(_CROSS - 4, _CROSS - 4))
        cross.setFixedSize(_CROSS + 2, _CROSS + 2)
        cross.clicked.connect(lambda: self.close_wanted.emit(number))
        self.setTabButton(index, QTabBar.ButtonPosition.RightSide, cross)

    def index_of(self, number: int, *, new: bool = False) -> int:
        """Return where the tab of a number is, or -1."""
        for index in range(self.count()):
            found = self.tabData(index)
            if found == number:
                return index
            if new and found is None:
                self.setTabData(index, number)
                return index
        return -1

    def number_at(self, index: int) -> int:
        """Return the number of the tab at an index, or -1."""
        found = self.tabData(index)
        return int(found) if found is not None else -1

    def numbers(self) -> list[int]:
        """Return the numbers of all tabs in their order."""
        return [self.number_at(index) for index in range(self.count())]

    def name(self, number: int, title: str, address: str) -> None:
        """Say what a tab is called; ``address`` is the whole of it."""
        index = self.index_of(number)
        if index < 0:
            return
        # A single & would underline the letter behind it.
        self.setTabText(index, title.replace("&", "&&"))
        self.setTabToolTip(index, tip_text(address or title))
        self.setAccessibleTabName(index, title)
        cross = self.tabButton(index, QTabBar.ButtonPosition.RightSide)
        if cross is not None:
            text = self.tr("Close the tab “{name}”").format(name=title)
            cross.setAccessibleName(text)
            cross.setToolTip(self.tr("Close tab (Ctrl+W)"))

    # Size.

    def tabSizeHint(self, index: int) -> QSize:
        """As wide as the name, within limits."""
        hint = super().tabSizeHint(index)
        return QSize(max(_NARROWEST, min(_WIDEST, hint.width())), hint.height())

    def minimumTabSizeHint(self, index: int) -> QSize:
        """The least that a tab is squeezed to before the row scrolls."""
        return QSize(_NARROWEST, super().minimumTabSizeHint(index).height())

    # Mouse.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A middle press begins a close, and selects nothing."""
        if event.button() is Qt.MouseButton.MiddleButton:
            self._pressed = self.number_at(self.tabAt(event.position().toPoint()))
            return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A middle click closes."""
        if event.button() is Qt.MouseButton.MiddleButton:
            pressed, self._pressed = self._pressed, -1
            released = self.number_at(self.tabAt(event.position().toPoint()))
            if released == pressed and pressed >= 0:
                self.close_wanted.emit(pressed)
            return
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Beside the tabs it asks for a new one."""
        left = event.button() is Qt.MouseButton.LeftButton
        if left and self.tabAt(event.position().toPoint()) < 0:
            self.new_wanted.emit()
            return
        super().mouseDoubleClickEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of a tab; by key that of the current one."""
        by_key = event.reason() is event.Reason.Keyboard
        index = self.currentIndex() if by_key else self.tabAt(event.pos())
        if index >= 0:
            where = self.tabRect(index).bottomLeft() if by_key else event.pos()
            self.menu_wanted.emit(self.number_at(index), self.mapToGlobal(where))

    # Drags.

    def take_drops(self, drops: Drops) -> None:
        """Take drops on tabs: what falls on one goes into its folder."""
        self._drops.drops = drops

    def _spot_at(self, where: QPoint) -> Spot | None:
        number = self.number_at(self.tabAt(where))
        return None if number < 0 else Spot(number, self._place_of(number))

    def _mark(self, number: int | None) -> None:
        if number != self._target:
            self._target = number
            self.update()

    def _spring(self, number: int) -> int:
        self.setCurrentIndex(self.index_of(number))
        return number

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drops.move(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drops.drop(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a frame round the tab that takes the drop."""
        super().paintEvent(event)
        index = -1 if self._target is None else self.index_of(self._target)
        if index >= 0:
            painter = QPainter(self)
            painter.setPen(QPen(theme().color("accent"), 2))
            painter.drawRect(self.tabRect(index).adjusted(1, 1, -1, -1))
            painter.end()
