"""The breadcrumb that turns into a text field.

Invariant: the field holds the exact URI of the place; the parts show names with nothing
hidden in them. Parts that do not fit are in the menu of the leading dots, never cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QWidget,
)

from dalbrowser.ui.dropping import DropHandling, Spot
from dalbrowser.ui.format import tip_text
from dalbrowser.ui.pasted import typed
from dalbrowser.ui.theme import theme
from dalbrowser.utils.shortening import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtGui import (
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
        QMouseEvent,
        QResizeEvent,
    )

    from dalbrowser.profiles import Location
    from dalbrowser.ui.dragging.drops import Drops

_HEIGHT = 34
_LONGEST = 40
"""Characters of one part before its middle is left out."""


class Crumb(NamedTuple):
    """One part of the path."""

    label: str
    location: Location
    icon: str = ""


class _Crumbs(QWidget):
    """The row of buttons; asks to be edited when its empty end is clicked."""

    chosen = Signal(object)
    edit_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._crumbs: list[Crumb] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 0, 4, 0)
        self._row.setSpacing(0)
        self._more = QToolButton()
        self._more.setText("…")
        self._more.setObjectName("pathMore")
        self._more.setAccessibleName(self.tr("Folders further up"))
        self._more.setProperty("breadcrumb", True)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self._more)
        self._more.setMenu(self._menu)
        self._row.addWidget(self._more)
        self._parts: list[tuple[QToolButton, QLabel | None]] = []
        self._row.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.drops = DropHandling(self, self._spot_at, self._mark, self._spring)
        self.setAcceptDrops(True)
        theme().changed.connect(self._draw)

    def show_crumbs(self, crumbs: Sequence[Crumb]) -> None:
        """Show other parts."""
        for button, arrow in self._parts:
            for widget in (button, arrow):
                if widget is not None:
                    self._row.removeWidget(widget)
                    widget.hide()
                    widget.deleteLater()
        self._parts = []
        self._crumbs = list(crumbs)
        for number, crumb in enumerate(self._crumbs):
            self._add(crumb, first=number == 0, last=number == len(self._crumbs) - 1)
        self._draw()
        self._fit()

    def _add(self, crumb: Crumb, *, first: bool, last: bool) -> None:
        arrow = None
        if not first:
            arrow = QLabel()
            self._row.insertWidget(self._row.count() - 1, arrow)
        label = shortened(crumb.label, _LONGEST)
        button = QToolButton()
        button.setObjectName("pathPart")
        button.setText(label.replace("&", "&&"))
        button.setToolTip(tip_text(crumb.label))
        button.setAccessibleName(crumb.label)
        button.setProperty("breadcrumb", True)
        button.setProperty("here", last)
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if crumb.icon:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.clicked.connect(lambda: self.chosen.emit(crumb.location))
        self._row.insertWidget(self._row.count() - 1, button)
        self._parts.append((button, arrow))

    def _draw(self) -> None:
        for crumb, (button, arrow) in zip(self._crumbs, self._parts, strict=True):
            if crumb.icon:
                button.setIcon(theme().icon(crumb.icon))
            if arrow is not None:
                arrow.setPixmap(theme().pixmap("chevron-right", 12, "faint"))

    def _fit(self) -> None:
        """Hide parts from the left until the rest fits; the last is always shown."""
        room = self.width() - 24
        widths = [
            button.sizeHint().width() + (12 if arrow is not None else 0)
            for button, arrow in self._parts
        ]
        first = 0
        total = sum(widths)
        while total > room and first < len(widths) - 1:
            total -= widths[first]
            first += 1
            if first == 1:
                total += self._more.sizeHint().width()
        for number, (button, arrow) in enumerate(self._parts):
            button.setVisible(number >= first)
            if arrow is not None:
                arrow.setVisible(number >= first)
        self._more.setVisible(first > 0)
        self._menu.clear()
        for crumb in self._crumbs[:first]:
            entry = self._menu.addAction(crumb.label.replace("&", "&&"))
            entry.triggered.connect(lambda _=False, to=crumb.location: self.chosen.emit(to))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.edit_wanted.emit()

    # Drag and drop.

    def _spot_at(self, where: QPoint) -> Spot | None:
        for number, (button, _) in enumerate(self._parts):
            if button.isVisible() and button.geometry().contains(where):
                return Spot(number, self._crumbs[number].location)
        return None

    def _mark(self, number: int | None) -> None:
        for at, (button, _) in enumerate(self._parts):
            if bool(button.property("dropping")) != (at == number):
                button.setProperty("dropping", at == number)
                button.style().unpolish(button)
                button.style().polish(button)

    def _spring(self, number: int) -> None:
        if number < len(self._crumbs):
            self.chosen.emit(self._crumbs[number].location)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.drops.move(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self.drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self.drops.drop(event)


class PathBar(QFrame):
    """The place shown, clickable and editable.

    Signals:
        location_chosen: a part was clicked.
        text_entered: a text was typed and Enter pressed.
        left: editing ended, the list should have the keyboard again.
    """

    location_chosen = Signal(object)
    text_entered = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pathBar")
        self.setAccessibleName(self.tr("Place"))
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._crumbs = _Crumbs()
        self._edit = QLineEdit()
        self._edit.setObjectName("pathEdit")
        self._edit.setAccessibleName(self.tr("Path or address"))
        self._edit.setPlaceholderText(self.tr("name:bucket/folder/ or s3://bucket/folder/"))
        self._edit.installEventFilter(self)
        self._edit.returnPressed.connect(self._enter)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self._crumbs)
        self._pages.addWidget(self._edit)
        self._crumbs.chosen.connect(self.location_chosen)
        self._crumbs.edit_wanted.connect(self.edit)
        self._uri = ""

    def take_drops(self, drops: Drops) -> None:
        """Take drops on the parts."""
        self._crumbs.drops.drops = drops

    def show_place(self, crumbs: Sequence[Crumb], uri: str) -> None:
        """Show another place, its parts and its exact address."""
        self._uri = uri
        self._crumbs.show_crumbs(crumbs)
        self._edit.setText(uri)
        self._pages.setCurrentWidget(self._crumbs)

    def edit(self) -> None:
        """Turn into a text field with the whole address selected."""
        self._edit.setText(self._uri)
        self._pages.setCurrentWidget(self._edit)
        self._edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._edit.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape, or leaving the field, brings the parts back."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() is QEvent.Type.ShortcutOverride:
                # Else the window's own Escape would take it.
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:
                self._leave()
                return True
        if event.type() is QEvent.Type.FocusOut and self._edit.isVisible():
            # Deferred: the page must not change inside the focus change that asks for it.
            QTimer.singleShot(0, self, self._show_parts)
        return super().eventFilter(watched, event)

    def _show_parts(self) -> None:
        if not self._edit.hasFocus():
            self._pages.setCurrentWidget(self._crumbs)

    def _leave(self) -> None:
        self._pages.setCurrentWidget(self._crumbs)
        self.left.emit()

    def _enter(self) -> None:
        text = typed(self._edit.text(), self._uri)
        self._leave()
        self.text_entered.emit(text)
