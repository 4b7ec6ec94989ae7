"""Changing what is in the folder shown: new folder, rename, delete, properties, copy path.

Invariants: what is changed is fixed as exact places when the person asks, never looked up
again by row afterwards; the list changes when the service has said that it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from dalbrowser.profiles import Location, format_location
from dalbrowser.session import Measure, describe
from dalbrowser.storage import Entry, EntryMode, Metadata, StorageError
from dalbrowser.ui.dialogs.delete import DeleteDialog
from dalbrowser.ui.dialogs.newfolder import NewFolderDialog
from dalbrowser.ui.dialogs.properties import PropertiesDialog
from dalbrowser.ui.dialogs.uploads import UploadsDialog
from dalbrowser.ui.format import items_text

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.session import Session
    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.entries.view import EntryView
    from dalbrowser.ui.navigation import Navigator


class Changes(QObject):
    """The handlers of the actions that change a folder.

    Signals:
        said: news for the person, and its tone.
        folder_changed: the folders in this place are others.
    """

    said = Signal(str, str)
    folder_changed = Signal(object)

    def __init__(
        self,
        session: Session,
        navigator: Navigator,
        model: EntryModel,
        view: EntryView,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._navigator = navigator
        self._model = model
        self._view = view
        self._window = window
        model.rename_requested.connect(self._rename)

    def place_of(self, row: int) -> Location | None:
        """Return the exact place of a row of the list."""
        here = self._navigator.location
        if here is None:
            return None
        return self._session.child(here, self._model.columns.entry(row))

    def selected(self) -> list[tuple[Location, Metadata]]:
        """Return the places selected and what is known of them."""
        found = []
        for row in self._view.selected_rows():
            place = self.place_of(row)
            if place is not None:
                found.append((place, self._model.columns.metadata(row)))
        return found

    # New folder.

    def new_folder(self) -> None:
        """Ask for a name and create a folder here."""
        here = self._navigator.location
        if here is None:
            return
        dialog = NewFolderDialog(
            format_location(here, self._session.profiles),
            self._model.columns.names,
            self._window,
        )
        dialog.name_chosen.connect(
            lambda name: self._spawn(self._create(here, name, dialog), "create folder")
        )
        dialog.open()

    async def _create(self, here: Location, name: str, dialog: NewFolderDialog) -> None:
        made = await dialog.make(self._session, here, name)
        if made is None:
            return
        self.folder_changed.emit(here)
        row = self.show_folder(made)
        if row is not None:
            self._view.select_row(row)

    def show_folder(self, made: Location) -> int | None:
        """Add a folder that was just made to the list, and return its row, if it is there."""
        here = self._navigator.location
        if here is None or here != made.parent:
            return None
        self._model.put([Entry(made.path, Metadata(mode=EntryMode.DIR))])
        self._list_again()
        return self._model.columns.row_of(made.path[len(here.path) :])

    # Rename.

    def rename(self) -> None:
        """Edit the name of the selected file in place."""
        rows = self._view.selected_rows()
        if len(rows) == 1:
            self._view.edit_name(rows[0])

    def _rename(self, row: int, name: str) -> None:
        place = self.place_of(row)
        here = self._navigator.location
        if place is not None and here is not None:
            self._spawn(self._do_rename(here, place, name), "rename")

    async def _do_rename(self, here: Location, place: Location, name: str) -> None:
        try:
            moved = await self._session.rename(place, name)
            metadata = await self._session.stat(moved)
        except (StorageError, OSError) as error:
            self.said.emit(describe(error), "error")
            return
        if self._navigator.location == here:
            old = self._model.columns.row_of(place.path[len(here.path) :])
            self._model.remove([] if old is None else [old])
            self._model.put([Entry(moved.path, metadata)])
            new = self._model.columns.row_of(moved.path[len(here.path) :])
            if new is not None:
                self._view.select_row(new)
            self._list_again()

    # Delete.

    def delete(self) -> None:
        """Ask, saying how much it is, and delete what is selected."""
        here = self._navigator.location
        chosen = self.selected()
        if here is None or not chosen:
            return
        places = [place for place, _ in chosen]
        dialog = DeleteDialog(places, self._window)
        if any(place.is_folder for place in places):
            self._spawn(dialog.count(self._session, places), "measure", group="measure")
        else:
            size = sum(found.content_length or 0 for _, found in chosen)
            dialog.show_measure(Measure(len(places), size))
        dialog.accepted.connect(lambda: self._spawn(self._delete(here, places), "delete"))
        dialog.finished.connect(lambda _: self._session.tasks.cancel_group("measure"))
        dialog.open()

    async def _delete(self, here: Location, places: Sequence[Location]) -> None:
        self.said.emit(self.tr("Deleting {items}…").format(items=items_text(len(places))), "info")
        try:
            report = await self._session.delete(places)
        except (StorageError, OSError) as error:
            self.said.emit(describe(error), "error")
            self._navigator.reload()
            return
        kept = {place for place, _ in report.failed}
        if self._navigator.location == here:
            cut = len(here.path)
            names = {place.path[cut:] for place in places if place not in kept}
            columns = self._model.columns
            self._model.remove([row for row in self._model.rows if columns.names[row] in names])
            self._list_again()
        if any(place.is_folder for place in places):
            self.folder_changed.emit(here)
        if not report.failed:
            self.said.emit("", "info")
            return
        why = describe(report.failed[0][1])
        text = self.tr("{items} could not be deleted. {why}").format(
            items=items_text(len(report.failed)), why=why
        )
        self.said.emit(text, "error")

    # Moved away.

    def forget(self, places: Sequence[Location]) -> None:
        """Take places out of the list that are not where they were any more."""
        here = self._navigator.location
        if here is None:
            return
        gone = [place for place in places if place.parent == here]
        rows = [self._model.columns.row_of(place.path[len(here.path) :]) for place in gone]
        self._model.remove([row for row in rows if row is not None])
        if gone:
            self._list_again()
        if any(place.is_folder for place in gone):
            self.folder_changed.emit(here)

    def _list_again(self) -> None:
        """Begin a listing that is under way anew: its pages may be older than the change."""
        if self._navigator.running:
            self._navigator.reload()

    # Looking and telling.

    def copy_path(self) -> None:
        """Copy the addresses of what is selected, else of this place."""
        here = self._navigator.location
        places = [place for place, _ in self.selected()] or ([here] if here is not None else [])
        lines = [format_location(place, self._session.profiles) for place in places]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def properties(self) -> None:
        """Show all that is known of the one thing selected, and ask for the rest."""
        chosen = self.selected()
        if len(chosen) != 1:
            return
        place, metadata = chosen[0]
        address = format_location(place, self._session.profiles)
        dialog = PropertiesDialog(place, address, metadata, self._window)
        if place.path:
            self._spawn(self._complete(place, dialog), "stat", group="properties")
            dialog.finished.connect(lambda _: self._session.tasks.cancel_group("properties"))
        dialog.open()

    def incomplete_uploads(self) -> None:
        """Show what was begun in this folder and never finished."""
        here = self._navigator.location
        if here is not None:
            UploadsDialog(self._session, here, self._window).open()

    async def _complete(self, place: Location, dialog: PropertiesDialog) -> None:
        try:
            dialog.show_metadata(await self._session.stat(place))
        except (StorageError, OSError) as error:
            dialog.note.say(describe(error), "warning")

    def _spawn(
        self, coro: Coroutine[object, object, None], name: str, group: str | None = None
    ) -> None:
        self._session.tasks.spawn(coro, owner="window", name=name, group=group)
