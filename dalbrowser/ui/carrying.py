"""Drag and drop and the clipboard of a window, for every list, tree, path bar and tab of it.

Invariants: drops, pastes and drags of all of them go one way, through ``Drops``; what has
been moved away leaves every list that shows it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

from dalbrowser.session.carrying import Cargo
from dalbrowser.session.payload import PayloadError, require_few
from dalbrowser.session.staging import Staging
from dalbrowser.storage import EntryMode, Metadata
from dalbrowser.ui.clipboard import Clipboard
from dalbrowser.ui.dragging.source import DragSource
from dalbrowser.ui.sending import DestinationDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.ui.changes import Changes
    from dalbrowser.ui.dragging.drops import Drops
    from dalbrowser.ui.entries.view import EntryView
    from dalbrowser.ui.navigation import Navigator
    from dalbrowser.ui.place import PlacePages
    from dalbrowser.ui.tabs.together import Together
    from dalbrowser.ui.traffic import Traffic


class Browsed(Protocol):
    """A folder on screen: a tab."""

    @property
    def navigator(self) -> Navigator: ...
    @property
    def view(self) -> EntryView: ...
    @property
    def pages(self) -> PlacePages: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def traffic(self) -> Traffic: ...


class Carrying(QObject):
    """What can be carried, in one window. ``in_front`` is the tab that keys are meant for.

    Signals:
        said: news for the person, and its tone.
        hinted: what would happen now; empty when nothing hovers.
    """

    said = Signal(str, str)
    hinted = Signal(str)

    def __init__(
        self,
        session: Session,
        drops: Drops,
        window: QWidget,
        in_front: Callable[[], Browsed],
        together: Together,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._in_front = in_front
        self._all: list[Browsed] = []
        self._together = together
        self.drops = drops
        self.clipboard = Clipboard(session, self.drops, self)
        self._staging = Staging(session)
        self.source = DragSource(session, self.drops, self._staging, window)
        for part in (self.clipboard, self.source):
            part.said.connect(self.said)
        self.source.hinted.connect(self.hinted)
        self.drops.left.connect(self._together.forget)
        self.source.download_wanted.connect(self._offer_download)
        self.source.moved_out.connect(self._reload)
        self.clipboard.cut_changed.connect(self._show_cut)

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return the handlers of the actions, by id."""
        return {
            "copy": lambda: self.clipboard.copy(self._selected()),
            "cut": lambda: self.clipboard.cut(self._selected()),
            "paste": self._paste,
            "paste_into": self._paste_into,
            "duplicate": self._duplicate,
            "copy_to": lambda: self._send(move=False),
            "move_to": lambda: self._send(move=True),
        }

    def follow(self, part: Browsed) -> None:
        """Let the rows of another tab be dragged away, and show in it what was cut."""
        self._all.append(part)
        part.view.destroyed.connect(lambda: self._forget(part))
        part.view.drag_wanted.connect(lambda: self.source.begin(self._items(part)))
        part.navigator.location_changed.connect(lambda _place: self._show_cut_in(part))

    def close(self) -> None:
        """Delete what was staged, beside the closing."""
        threading.Thread(target=self._staging.remove, name="remove staged files").start()

    def _reload(self) -> None:
        self._in_front().navigator.reload()

    def _forget(self, part: Browsed) -> None:
        if part in self._all:
            self._all.remove(part)

    def _selected(self) -> list[Location]:
        return [place for place, _ in self._items(self._in_front())]

    def _items(self, part: Browsed) -> list[tuple[Location, Metadata]]:
        """Return what is selected, or nothing, and say so, where that is too much at once."""
        try:
            require_few(len(part.view.selected_rows()))
        except PayloadError as error:
            self.said.emit(str(error), "warning")
            return []
        return part.changes.selected()

    def _paste(self) -> None:
        here = self._in_front().navigator.location
        if here is not None:
            self.clipboard.paste(here)

    def _paste_into(self) -> None:
        places = self._selected()
        if len(places) == 1 and places[0].is_folder:
            self.clipboard.paste(places[0])

    def _duplicate(self) -> None:
        places = self._selected()

        async def duplicate() -> None:
            await self.drops.duplicate(places)

        if places:
            self.drops.spawn(duplicate(), "duplicate")

    def _send(self, *, move: bool) -> None:
        here, places = self._in_front().navigator.location, self._selected()
        if here is None or not places:
            return
        cargo = Cargo(places=tuple(places), move=move)
        dialog = DestinationDialog(self._session, cargo, here, self._window)
        dialog.chosen.connect(self.drops.take)
        dialog.folder_made.connect(self._show_folder)
        dialog.open()

    def _show_folder(self, made: Location) -> None:
        self._in_front().changes.folder_changed.emit(made.parent)
        self._together.show(made, Metadata(mode=EntryMode.DIR))

    def _show_cut(self) -> None:
        for part in self._all:
            self._show_cut_in(part)

    def _show_cut_in(self, part: Browsed) -> None:
        here = part.navigator.location
        cut = self.clipboard.cut_places
        if here is None:
            return
        names = [place.path[len(here.path) :] for place in cut if place.parent == here]
        part.view.show_cut(frozenset(names))

    def _offer_download(self, text: str) -> None:
        part = self._in_front()
        part.pages.notice.say(text, "info", self.tr("Download to…"), part.traffic.download)
