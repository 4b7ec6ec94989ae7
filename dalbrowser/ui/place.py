"""The middle of the window: the list, or the placeholder that says why there is none.

Invariant: the placeholder is derived from what is known (running, error, counts) and from nothing
else, so it cannot stay behind when the truth has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from dalbrowser.ui import placeholders
from dalbrowser.ui.dropping import DropHandling, Spot
from dalbrowser.ui.notice import Notice
from dalbrowser.ui.start import StartPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent

    from dalbrowser.profiles import Location
    from dalbrowser.ui.dragging.drops import Drops
    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.entries.view import EntryView
    from dalbrowser.ui.navigation import Navigator

_PATIENCE = 250
"""Milliseconds before an empty list that is being loaded says so."""

_NARROWEST = 320
"""Logical pixels: a name and its size; before that the panels beside it become narrower."""


class _DroppablePlaceholder(placeholders.PlaceholderView):
    """A placeholder that takes drops for the folder shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drops = DropHandling(self, self._spot_at, self._mark)
        self._here: Callable[[], Location | None] = lambda: None

    def take_drops(self, drops: Drops, here: Callable[[], Location | None]) -> None:
        """Take drops for the folder that is shown."""
        self._drops.drops = drops
        self._here = here

    def _spot_at(self, _where: QPoint) -> Spot:
        return Spot(-1, self._here())

    def _mark(self, target: int | None) -> None:
        self.setProperty("dropping", target is not None)
        self.style().unpolish(self)
        self.style().polish(self)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drops.move(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drops.drop(event)


class PlacePages(QFrame):
    """Start page, list and placeholders, below a notice.

    Signals:
        action_wanted: the id of an action that a placeholder or the start page offers.
    """

    action_wanted = Signal(str)

    def __init__(
        self,
        navigator: Navigator,
        model: EntryModel,
        view: EntryView,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self._model = model
        self._view = view
        self.can_upload = False
        self.can_edit = False
        self.among_buckets = False
        self.filter_text = ""
        self._focus_wanted = False
        self.notice = Notice()
        self._start = StartPage()
        self._placeholder = _DroppablePlaceholder()
        self._pages = QStackedWidget()
        self._pages.setObjectName("placePages")
        # The start page must not decide how narrow the window may be.
        self._start_room = QScrollArea()
        self._start_room.setFrameShape(QFrame.Shape.NoFrame)
        self._start_room.setWidgetResizable(True)
        self._start_room.setWidget(self._start)
        self.setMinimumWidth(_NARROWEST)
        for page in (self._start_room, self._view, self._placeholder):
            self._pages.addWidget(page)
        holder = QVBoxLayout()
        holder.setContentsMargins(8, 8, 8, 8)
        holder.addWidget(self.notice)
        self._notice_room = QWidget()
        self._notice_room.setLayout(holder)
        lines = QVBoxLayout(self)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        lines.addWidget(self._notice_room)
        lines.addWidget(self._pages, 1)
        self._notice_room.hide()
        self.notice.shown_changed.connect(self._notice_room.setVisible)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_PATIENCE)
        self._late.timeout.connect(self._show_loading)
        self._start.chosen.connect(self.action_wanted)
        self._placeholder.chosen.connect(self.action_wanted)
        navigator.progressed.connect(self.refresh)
        model.counts_changed.connect(self.refresh)

    def allow_uploads(self, allowed: bool) -> None:
        """Say whether files can be put here; a drop on a row is judged by itself."""
        self.can_upload = allowed

    def take_drops(self, drops: Drops, here: Callable[[], Location | None]) -> None:
        """Take what falls where there is no list; ``here`` is the folder shown."""
        self._placeholder.take_drops(drops, here)

    def refresh(self) -> None:
        """Show what is true now."""
        if self._navigator.location is None:
            self._turn_to(self._start_room)
            return
        if self._model.rows:
            self._turn_to(self._view)
            return
        if self._navigator.running and self._model.total == 0:
            if not self._late.isActive() and self._pages.currentWidget() is not self._placeholder:
                self._turn_to(self._view)
                self._late.start()
            elif self._pages.currentWidget() is self._placeholder:
                self._show_loading()
            return
        self._late.stop()
        if self._model.arranging:
            return
        self._placeholder.setAcceptDrops(self.can_upload)
        self._show(self._fitting())

    def _fitting(self) -> placeholders.Placeholder:
        error = self._navigator.error
        if self._model.total == 0 and error is not None:
            return placeholders.failed(
                error, editable=self.can_edit, among_buckets=self.among_buckets
            )
        if self._model.total == 0:
            return placeholders.empty(can_upload=self.can_upload, buckets=self._model.buckets)
        if self._model.filtered:
            return placeholders.nothing_matches(self.filter_text)
        return placeholders.all_hidden()

    def _show(self, placeholder: placeholders.Placeholder) -> None:
        if placeholder != self._placeholder.placeholder:
            self._placeholder.show_placeholder(placeholder)
        self._turn_to(self._placeholder)

    def _show_loading(self) -> None:
        if self._navigator.running and self._model.total == 0:
            self._placeholder.setAcceptDrops(False)
            self._show(placeholders.loading())

    def _turn_to(self, page: QWidget) -> None:
        if page is not self._placeholder or not self._navigator.running:
            self._late.stop()
        if self._pages.currentWidget() is not page:
            self._pages.setCurrentWidget(page)
        if self._focus_wanted and page is self._view:
            self._focus_wanted = False
            page.setFocus()

    def focus_list(self) -> None:
        """Give the list the keyboard, now or once there is one."""
        self._focus_wanted = True
        if self._pages.currentWidget() is self._view:
            self._focus_wanted = False
            self._view.setFocus()
