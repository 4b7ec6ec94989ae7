"""One tab: a place with its history and listing, and the list that shows it.

Invariants: a tab knows nothing of the others and nothing of the window around it; what it
begins goes on while it is in the background; once closed it lists nothing, holds no rows,
and what a person had begun there (a delete, an upload) still comes to its end.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal

from dalbrowser.profiles import Location, TargetError, parse_location
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui import placeholders
from dalbrowser.ui.changes import Changes
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.entries.view import EntryView
from dalbrowser.ui.navigation import Navigator
from dalbrowser.ui.place import PlacePages
from dalbrowser.ui.remember import ColumnMemory
from dalbrowser.ui.selection import SelectionWatcher
from dalbrowser.ui.tabs.kept import Kept, address_of, title_of
from dalbrowser.ui.tabs.middle import MiddleClicks
from dalbrowser.ui.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtCore import QModelIndex
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Profile
    from dalbrowser.session import Session
    from dalbrowser.storage import Capability
    from dalbrowser.ui.dragging.drops import Drops

_numbers = count(1)


class Tab(QObject):
    """A place and all that shows it. ``window`` is what its dialogs stand before.

    Signals (each with the tab itself, where nothing else is said):
        place_changed: another place is shown, or none.
        listing_moved: the listing moved on, ended, failed or was stopped.
        counts_changed: how many rows there are, or are shown, is another.
        selection_changed: the selection, or what is known of it, is another.
        capability_changed: what can be done at the place is known, or not known yet.
        folder_changed: a place whose folders are others.
        apart_wanted: a place that should be shown in a tab of its own.
        file_opened: a file was opened; it wants to be previewed.
        action_wanted: the id of an action that a placeholder or the start page offers.
        menu_requested: the list's context menu, at a global position.
    """

    place_changed = Signal(object)
    listing_moved = Signal(object)
    counts_changed = Signal(object)
    selection_changed = Signal(object)
    capability_changed = Signal(object)
    folder_changed = Signal(object)
    apart_wanted = Signal(object)
    file_opened = Signal()
    action_wanted = Signal(str)
    menu_requested = Signal(QPoint)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._owner = f"tab {next(_numbers)}"
        self._closed = False
        self._told_gone: BaseException | None = None
        self._incomplete = False
        """Whether what is said above the list is that it is not whole."""
        self.capability: Capability | None = None
        """What can be done here; ``None`` while that is not known."""
        self.model = EntryModel(self)
        self.view = EntryView(self.model)
        self.navigator = Navigator(session, self.model, self)
        self.selection = SelectionWatcher(self.model, self.view, self)
        self.pages = PlacePages(self.navigator, self.model, self.view)
        self.changes = Changes(session, self.navigator, self.model, self.view, window)
        self.traffic = Traffic(session, self.navigator, self.model, self.changes, window)
        self.columns = ColumnMemory(session.settings, self.view.header_columns)
        self._middle = MiddleClicks(self.view)
        self._connect()
        self.pages.refresh()

    def _connect(self) -> None:
        self.navigator.location_changed.connect(self._location_changed)
        self.navigator.leaving.connect(self._remember_name)
        self.navigator.progressed.connect(self._listing_moved)
        self.model.counts_changed.connect(self._counts_changed)
        self.selection.changed.connect(self._selection_changed)
        self.selection.added_up.connect(self._selection_changed)
        self.view.row_opened.connect(self.open_row)
        self.view.menu_requested.connect(self.menu_requested)
        self._middle.clicked.connect(self._middle_clicked)
        self.pages.action_wanted.connect(self.action_wanted)
        self.changes.busy.connect(self.pages.notice.say)
        for part in (self.changes, self.traffic):
            part.said.connect(self.pages.notice.say)
            part.folder_changed.connect(self.folder_changed)

    # What it is.

    @property
    def location(self) -> Location | None:
        """The place that is shown, or ``None`` at the start page."""
        return self.navigator.location

    @property
    def title(self) -> str:
        """What the tab is called."""
        return title_of(self._session, self.location)

    @property
    def address(self) -> str:
        """The whole address of the place, empty at the start page."""
        return address_of(self._session, self.location)

    @property
    def filter_text(self) -> str:
        """What the list is narrowed to."""
        return self.pages.filter_text

    def kept(self) -> Kept:
        """Return what is needed to make this tab again."""
        self._remember_name()
        visits, here = self.navigator.history.visits()
        head = self.view.horizontalHeader()
        sort = (Column(head.sortIndicatorSection()), head.sortIndicatorOrder())
        return Kept(visits, here, self.filter_text, sort)

    def resume(self, kept: Kept) -> None:
        """Go on where a tab was left; its place is listed anew."""
        if kept.location is not None and not self._is_known(kept.location):
            return
        self.navigator.resume(kept.visits, kept.here)
        if kept.sort is not None:
            # After the place, which brings the order that is remembered of it.
            self.view.sortByColumn(*kept.sort)
        self.set_filter(kept.filter_text)

    # Going places.

    def open_location(self, location: Location) -> None:
        """Show a folder, or the folder of an object with that object selected."""
        if not self._is_known(location):
            return
        if location.is_folder:
            self.navigator.open(location)
            return
        self._spawn(self._open_object(location), "find a place", group="find")

    def open_text(self, text: str) -> None:
        """Show the place that a typed address names."""
        if text.strip():
            self._spawn(self._open_text(text), "read an address", group="find")

    def open_row(self, row: int) -> None:
        """Open a folder of the list, or preview a file."""
        place = self.changes.place_of(row)
        if place is None:
            return
        if place.is_folder:
            self.navigator.open(place)
        else:
            self.file_opened.emit()

    def open_selected(self) -> None:
        """Open the row that is selected; the keyboard may be on another one by Ctrl and arrows."""
        rows = self.view.selected_rows()
        if len(rows) == 1:
            self.open_row(rows[0])

    def open_selected_apart(self) -> None:
        """Ask for a tab of its own for the folder selected."""
        places = [place for place, _ in self.changes.selected() if place.is_folder]
        if len(places) == 1:
            self.apart_wanted.emit(places[0])

    def reload(self) -> None:
        """List the place anew."""
        self.navigator.reload()

    def stop(self) -> bool:
        """Stop the listing; false when none is under way."""
        running = self.navigator.running
        self.navigator.stop()
        return running

    def connection_edited(self, profile: Profile) -> None:
        """Look again at a place whose connection is another now."""
        here = self.location
        if here is None or here.profile_id != profile.id:
            return
        if profile.fixed_bucket and here.bucket != profile.fixed_bucket:
            self.navigator.open(Location(profile.id, profile.fixed_bucket))
            return
        self._judge_place(here)
        self.reload()
        self.place_changed.emit(self)

    def leave_connection(self, profile_id: str) -> None:
        """Forget the places of a connection that is about to go."""
        here = self.location
        self.navigator.close(profile_id)
        if here is not None and self.location is None:
            self.capability = None
            self.set_filter("")
            self.pages.notice.clear()
            self.pages.refresh()
            self.place_changed.emit(self)

    def select_name(self, name: str) -> None:
        """Select the entry of that exact name (a folder's with or without its slash)."""
        for wanted in (name, f"{name}/"):
            row = self.model.columns.row_of(wanted)
            if row is not None and self.view.select_row(row):
                return

    def set_filter(self, text: str) -> None:
        """Show only names that contain ``text``."""
        self.pages.filter_text = text
        self.model.set_filter(text)

    def show_hidden(self) -> None:
        """Show or hide names that begin with a dot, as the setting says."""
        here = self.location
        profile = None if here is None else self._profile_of(here)
        on_disk = profile is not None and profile.scheme == "fs"
        self.model.set_show_hidden(not on_disk or self._session.settings.get("view.hidden"))

    def take_drops(self, drops: Drops) -> None:
        """Take what is dropped on the list, on a folder in it, or where there is none."""
        self.view.take_drops(drops, self._drop_place)
        self.pages.take_drops(drops, lambda: self.location)

    def say(
        self,
        text: str,
        tone: str = "warning",
        button: str = "",
        then: Callable[[], None] | None = None,
    ) -> None:
        """Say something above the list."""
        self.pages.notice.say(text, tone, button, then)

    def close(self, heir: Callable[[str, str], None]) -> None:
        """End the listing and free rows and widgets; later news goes to ``heir``."""
        if self._closed:
            return
        self._closed = True
        self._session.tasks.cancel_owner(self._owner)
        self.traffic.unsubscribe()
        self.navigator.leave()
        self.selection.rows = []
        for part in (self.changes, self.traffic):
            # What was begun holds it until that has ended; then nothing does.
            part.setParent(None)
            part.said.connect(heir)
        self.pages.hide()
        self.pages.deleteLater()
        self.deleteLater()

    # What happens.

    async def _open_object(self, location: Location) -> None:
        """Open an object's folder; a key without a slash may also be a folder's name."""
        try:
            found = await self._session.resolve(location)
        except (StorageError, OSError) as error:
            self.navigator.open(location.parent)
            self.say(describe(error), "error")
            return
        if found is None:
            self.navigator.open(location.parent)
            text = self.tr("Nothing here is called “{name}”: no object, and no folder.")
            self.say(text.format(name=location.name), "error")
        elif found.is_folder:
            self.navigator.open(found)
        else:
            self.navigator.open(found.parent, found.name)

    async def _open_text(self, text: str) -> None:
        try:
            # It may have to look at the disk, for a local path.
            location = await asyncio.to_thread(parse_location, text, self._session.profiles)
        except (TargetError, StorageError, OSError) as error:
            self.say(describe(error), "error")
            return
        if location.is_folder:
            self.navigator.open(location)
        else:
            await self._open_object(location)

    async def _learn(self, location: Location) -> None:
        try:
            self.capability = await self._session.capability(location)
        except (StorageError, OSError):
            # The listing of the same place says what is wrong.
            return
        self.capability_changed.emit(self)

    def _location_changed(self, location: Location) -> None:
        self.set_filter("")
        self.pages.notice.clear()
        self._incomplete = False
        self._judge_place(location)
        self.columns.show_place(location)
        self.place_changed.emit(self)

    def _judge_place(self, location: Location) -> None:
        """Learn what its connection means for a place: what can be done, what is hidden."""
        profile = self._profile_of(location)
        self.pages.can_edit = profile is not None and not (profile.builtin or profile.is_adhoc)
        among = bool(location.bucket) and profile is not None and not profile.fixed_bucket
        self.pages.among_buckets = among
        self.show_hidden()
        self.capability = None
        self._spawn(self._learn(location), "capability", group="capability")

    def _listing_moved(self) -> None:
        if self._closed:
            return
        error = self.navigator.error
        self._look_for_bucket(error)
        wanted = self.navigator.wanted_name
        if wanted and not self.navigator.running and not self.selection.rows:
            self.select_name(wanted)
            self.navigator.settle_name()
        if self._incomplete and error is None:
            self._incomplete = False
            self.pages.notice.clear()
        if error is not None and self.model.total:
            self._incomplete = True
            self.say(
                self.tr("This listing is incomplete. {why}").format(why=describe(error)),
                "error",
                self.tr("Try again"),
                self.reload,
            )
        self.listing_moved.emit(self)

    def _look_for_bucket(self, error: BaseException | None) -> None:
        """Have the buckets listed anew where the one shown is not there any more."""
        told = self._told_gone
        self._told_gone = error if placeholders.is_bucket_gone(error) else None
        if self._told_gone is None or self._told_gone is told:
            return
        if self.location is not None and self.pages.among_buckets:
            self.folder_changed.emit(Location(self.location.profile_id))

    def _counts_changed(self) -> None:
        self.counts_changed.emit(self)

    def _selection_changed(self) -> None:
        self.selection_changed.emit(self)

    def _remember_name(self) -> None:
        here, row = self.navigator.history.here, self.view.current_row()
        if here is not None and row is not None:
            here.name = self.model.columns.names[row]

    def _middle_clicked(self, index: QModelIndex) -> None:
        place = self.changes.place_of(self.model.rows[index.row()])
        if place is not None and place.is_folder:
            self.apart_wanted.emit(place)

    def _drop_place(self, row: int) -> Location | None:
        return self.location if row < 0 else self.changes.place_of(row)

    def _is_known(self, location: Location) -> bool:
        """Whether its connection is there; a place from the history may be of one that is gone."""
        try:
            self._session.profiles.get(location.profile_id)
        except StorageError as error:
            self.say(describe(error), "error")
            return False
        return True

    def _profile_of(self, location: Location) -> Profile | None:
        """Return its connection, unless another program has removed that meanwhile."""
        try:
            return self._session.profiles.get(location.profile_id)
        except StorageError:
            return None

    def _spawn(self, coro: Coroutine[object, object, None], name: str, *, group: str) -> None:
        self._session.tasks.spawn(
            coro, owner=self._owner, name=name, group=f"{self._owner}: {group}"
        )
