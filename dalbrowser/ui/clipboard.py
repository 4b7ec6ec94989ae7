"""Copy, cut and paste of places and files, through the desktop's clipboard.

Invariants: what is pasted is what the clipboard holds at that moment, and never anything
else that this window remembers; what was cut stays where it is until it is pasted, and is
off the clipboard once it has been moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from dalbrowser.session.carrying import Deed, judge
from dalbrowser.session.payload import MIME, PayloadError
from dalbrowser.ui.dragging.drops import LOOKED_AT
from dalbrowser.ui.dragging.mime import make_mime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QMimeData

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.ui.dragging.drops import Drops


class Clipboard(QObject):
    """The clipboard as one window sees it.

    Signals:
        cut_changed: other places than before wait to be moved.
        said: news for the person, and its tone.
    """

    cut_changed = Signal()
    said = Signal(str, str)

    def __init__(self, session: Session, drops: Drops, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._drops = drops
        self._clipboard = QGuiApplication.clipboard()
        self._setting = False
        self._written = b""
        self._leaving: set[Location] = set()
        self.cut_places: frozenset[Location] = frozenset()
        """What was cut here and is shown so."""
        self._clipboard.dataChanged.connect(self._changed)
        drops.left.connect(self._left)

    def copy(self, places: Sequence[Location]) -> None:
        """Put places on the clipboard, to be copied."""
        self._put(places, move=False)

    def cut(self, places: Sequence[Location]) -> None:
        """Put places on the clipboard, to be moved."""
        self._put(places, move=True)

    def paste(self, target: Location) -> None:
        """Bring what is on the clipboard into the folder ``target``, in the background."""
        self._drops.spawn(self._paste(target), "paste")

    async def _paste(self, target: Location) -> None:
        await self.pasted(target)

    async def pasted(self, target: Location) -> list[int]:
        """Bring what is on the clipboard into a folder; returns the ids of the jobs."""
        cargo = self._drops.read(self._clipboard.mimeData())
        if not cargo.count:
            empty = self.tr("There is nothing on the clipboard that could go into a folder.")
            self.said.emit(cargo.problem or empty, "warning")
            return []
        wish = Deed.MOVE if cargo.move else Deed.COPY
        # All of it is judged once more, beside the window, before anything is done.
        verdict = judge(cargo, target, self._session.profiles, wish=wish, sample=LOOKED_AT)
        if cargo.places and cargo.move:
            self._leaving = set(cargo.places)
        ids = await self._drops.dropped(verdict)
        if ids and cargo.places and cargo.move:
            self._show_cut(frozenset())
        return ids

    def _put(self, places: Sequence[Location], *, move: bool) -> None:
        if not places:
            return
        try:
            data = make_mime(places, self._session.profiles, move=move)
        except PayloadError as error:
            self.said.emit(str(error), "warning")
            return
        self._written = bytes(data.data(MIME).data())
        self._leaving = set()
        self._setting = True
        try:
            self._clipboard.setMimeData(data)
        finally:
            self._setting = False
        self._show_cut(frozenset(places) if move else frozenset())

    def _changed(self) -> None:
        """Somebody put something else there, or the desktop only says so again."""
        if self._setting or (self._clipboard.ownsClipboard() and self._is_ours()):
            return
        self._written = b""
        self._show_cut(frozenset())

    def _is_ours(self) -> bool:
        # An empty clipboard has no data at all, whatever the stubs say.
        data: QMimeData | None = self._clipboard.mimeData()
        if data is None or not self._written:
            return False
        return bytes(data.data(MIME).data()) == self._written

    def _left(self, places: Sequence[Location]) -> None:
        """Take off the clipboard what has been moved: it is not there to be moved again."""
        if not self._leaving:
            return
        self._leaving -= set(places)
        if not self._leaving and self._written and self._is_ours():
            self._written = b""
            self._clipboard.clear()

    def _show_cut(self, places: frozenset[Location]) -> None:
        if places != self.cut_places:
            self.cut_places = places
            self.cut_changed.emit()
