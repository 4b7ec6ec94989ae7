"""Rows dragged away: to another folder here, or out to another program as local files.

``QDrag.exec`` runs an event loop inside the event that called it. Under qasync that is safe
outside of any coroutine only, so it is begun by a timer of its own, and the tasks of the
window go on in it. What other programs want is a list of ``file:`` URIs, which objects do
not have. Neither may a drag wait for a download, nor may a program that asks for the data
make this window wait. So the drag begins at once with our own places, and offers an empty
list of URIs; when the pointer leaves the window, what is small enough is staged, and the
list filled in once every byte is there and verified. Whoever asks before gets nothing, and
who let go too early is told, and finds the files ready at the next try. (Formats cannot be
added to a drag that has begun, on X11 and Wayland alike; their contents can change.)

Invariants: no other program is given a file that is not complete; an object is never
deleted because another program "moved" its staged copy.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QDrag, QFontMetrics, QGuiApplication, QPainter, QPen, QPixmap

from dalbrowser.session import describe
from dalbrowser.session.payload import PayloadError
from dalbrowser.session.staging import StagingError, measure_files, too_large
from dalbrowser.storage import StorageError
from dalbrowser.transfer import TransferError
from dalbrowser.ui.dragging.mime import URIS, local_paths_of, make_mime, uri_list
from dalbrowser.ui.format import items_text, visible_name
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PySide6.QtCore import QMimeData
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.session.staging import Staging
    from dalbrowser.storage import Metadata
    from dalbrowser.ui.dragging.drops import Drops

    Item = tuple[Location, Metadata]
    Run = Callable[[QDrag, Qt.DropAction, Qt.DropAction], Qt.DropAction]

_OUTSIDE = 120
"""Milliseconds without a sign of the drag after which it has left the window."""
_BOTH = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
_LABEL_HEIGHT = 32
_LABEL_WIDTH = 260


class Stage(Enum):
    """How far what is dragged is on its way to being local files."""

    LOCAL = "it is local"
    WAITING = "not asked for yet"
    FETCHING = "being fetched"
    READY = "ready"
    FAILED = "failed"
    TOO_LARGE = "too large"


class DragSource(QObject):
    """Begins drags for one window, one at a time.

    Signals:
        said: news for the person, and its tone.
        hinted: what is being prepared for other programs; empty when nothing is.
        download_wanted: what was dragged out is too large for that; it should be downloaded.
        moved_out: another program moved local files away.
    """

    said = Signal(str, str)
    hinted = Signal(str)
    download_wanted = Signal(str)
    moved_out = Signal()

    def __init__(self, session: Session, drops: Drops, staging: Staging, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._drops = drops
        self._staging = staging
        self._window = window
        self._items: list[Item] = []
        self._mime: QMimeData | None = None
        self._number = 0
        self._soon = False
        self.stage = Stage.LOCAL
        self.outside = False
        self.run: Run = QDrag.exec
        """How a drag is carried through; it returns what became of it."""
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.setInterval(_OUTSIDE)
        self._leaving.timeout.connect(self._left_window)

    @property
    def under_way(self) -> bool:
        """Whether a drag from this window is going on."""
        return self._mime is not None

    def begin(self, items: Sequence[Item]) -> None:
        """Begin to drag items as soon as the event that asked for it is over."""
        # A view asks again at each move until the drag has the mouse.
        if not self._soon and not self.under_way:
            self._soon = True
            QTimer.singleShot(0, self, lambda: self._begin(list(items)))

    def _begin(self, items: list[Item]) -> None:
        self._soon = False
        held = QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton
        if not items or not held:
            return
        places = [place for place, _ in items]
        try:
            mime = make_mime(places, self._session.profiles)
        except PayloadError as error:
            self.said.emit(str(error), "warning")
            return
        self._items, self._mime, self.outside = items, mime, False
        self._number += 1
        self.stage = self._first_stage(places)
        if self.stage is Stage.WAITING:
            mime.setData(URIS, b"")
        drag = QDrag(self._window)
        drag.setMimeData(mime)
        drag.setPixmap(label(_words(places)))
        drag.setHotSpot(QPoint(-8, -8))
        handle = self._window.windowHandle()
        handle.installEventFilter(self)
        try:
            done = self.run(drag, _BOTH, Qt.DropAction.CopyAction)
        finally:
            handle.removeEventFilter(self)
            self._leaving.stop()
            self._mime = None
            self.hinted.emit("")
        self._ended(done)

    def _first_stage(self, places: Sequence[Location]) -> Stage:
        if local_paths_of(places, self._session.profiles):
            return Stage.LOCAL
        files = [found for place, found in self._items if not place.is_folder]
        known = measure_files(files)
        return Stage.TOO_LARGE if too_large(known) else Stage.WAITING

    # Leaving the window.

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """See the drag leave the window, and come back."""
        if event.type() is QEvent.Type.DragLeave:
            self._leaving.start()
        elif event.type() in {QEvent.Type.DragEnter, QEvent.Type.DragMove}:
            self._leaving.stop()
            self.outside = False
        return False

    def _left_window(self) -> None:
        self.outside = True
        if self.stage is Stage.TOO_LARGE:
            self.hinted.emit(self.tr("This is too much to be dragged to another program"))
        elif self.stage is Stage.WAITING:
            self.stage = Stage.FETCHING
            text = self.tr("Preparing {items} for other programs…")
            self.hinted.emit(text.format(items=items_text(len(self._items))))
            self._drops.spawn(self._fetch(self._number, list(self._items)), "stage a drag")

    async def _fetch(self, number: int, items: Sequence[Item]) -> None:
        try:
            paths = await self._staging.stage(items)
        except StagingError as error:
            stage = Stage.TOO_LARGE if error.too_large else Stage.FAILED
            self._fetched(number, stage, str(error))
        except (StorageError, TransferError, OSError, RuntimeError) as error:
            self._fetched(number, Stage.FAILED, describe(error))
        else:
            self._fetched(number, Stage.READY, "", paths)

    def _fetched(self, number: int, stage: Stage, problem: str, paths: Sequence[Path] = ()) -> None:
        current = number == self._number and self._mime is not None
        if current and self._mime is not None and shiboken6.isValid(self._mime):
            self.stage = stage
            if stage is Stage.READY:
                self._mime.setData(URIS, uri_list(list(paths)))
                self.hinted.emit(self.tr("Ready to be dropped"))
            else:
                self.hinted.emit(problem)
        elif stage is Stage.READY:
            self._say_ready()
        elif stage is Stage.TOO_LARGE:
            self._offer_download()
        else:
            self.said.emit(problem, "error")

    # The end.

    def _ended(self, done: Qt.DropAction) -> None:
        if done is Qt.DropAction.MoveAction and self.outside and self.stage is Stage.LOCAL:
            self.moved_out.emit()
        if done is not Qt.DropAction.IgnoreAction and self.stage in {Stage.LOCAL, Stage.READY}:
            return
        if not self.outside:
            if done is Qt.DropAction.IgnoreAction and self._drops.refused:
                self.said.emit(self._drops.refused, "warning")
            return
        if self.stage is Stage.TOO_LARGE:
            self._offer_download()
        elif self.stage is Stage.READY:
            # It was not when the other program looked at it last.
            self._say_ready()
        elif self.stage is Stage.FETCHING:
            self.said.emit(
                self.tr("It was let go before all of it was fetched; it is still coming."), "info"
            )

    def _say_ready(self) -> None:
        text = self.tr("All of it is here now: drag it to the other program once more.")
        self.said.emit(text, "success")

    def _offer_download(self) -> None:
        self.download_wanted.emit(
            self.tr(
                "This is too much to be dragged to another program. Download it to a folder"
                " instead."
            )
        )


def _words(places: Sequence[Location]) -> str:
    if len(places) == 1:
        return visible_name(places[0].name.removesuffix("/"))
    return items_text(len(places))


def label(text: str) -> QPixmap:
    """Draw what hangs at the pointer during a drag."""
    ratio = QGuiApplication.primaryScreen().devicePixelRatio()
    metrics = QFontMetrics(QGuiApplication.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, _LABEL_WIDTH)
    size = QSize(metrics.horizontalAdvance(shown) + 44, _LABEL_HEIGHT)
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme().color("accent"), 1))
    painter.setBrush(theme().color("raised"))
    here = QRect(QPoint(0, 0), size)
    painter.drawRoundedRect(here.adjusted(1, 1, -1, -1), 6, 6)
    painter.drawPixmap(10, 8, theme().pixmap("copy", 16))
    painter.setPen(theme().color("text"))
    painter.drawText(here.adjusted(34, 0, -10, 0), Qt.AlignmentFlag.AlignVCenter, shown)
    painter.end()
    return picture
