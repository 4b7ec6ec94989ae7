"""Changing what is in the folder shown: new folder, rename, delete, properties, copy path.

Invariants: what is changed is fixed as exact places when the person asks, never looked up
again by row afterwards; the list changes when the service has said that it did.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from dalbrowser.profiles import Location, format_location
from dalbrowser.session import Measure, describe
from dalbrowser.session.places import Sight
from dalbrowser.storage import Entry, EntryMode, Metadata, StorageError
from dalbrowser.ui.dialogs.delete import DeleteDialog
from dalbrowser.ui.dialogs.newfolder import NewFolderDialog
from dalbrowser.ui.dialogs.properties import PropertiesDialog
from dalbrowser.ui.dialogs.uploads import UploadsDialog
from dalbrowser.ui.format import count_text, items_text
from dalbrowser.ui.slices import SlicedWork

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.session import Session
    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.entries.view import EntryView
    from dalbrowser.ui.navigation import Navigator

    Chosen = list[tuple[Location, Metadata]]

_SLICE = 500
"""Places that are gathered between two looks at the clock."""


class Changes(QObject):
    """The handlers of the actions that change a folder.

    Signals:
        said: news for the person, and its tone.
        busy: what is being done, its tone, and a button with what that does.
        folder_changed: the folders in this place are others.
        gone: places that are not there any more, for every other list that shows them.
        came: a place that is new, and its metadata, for every other list of its folder.
    """

    said = Signal(str, str)
    busy = Signal(str, str, str, object)
    folder_changed = Signal(object)
    gone = Signal(list)
    came = Signal(object, object)

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
        self._stopping: set[asyncio.Task[object]] = set()
        model.rename_requested.connect(self._rename)

    def place_of(self, row: int) -> Location | None:
        """Return the exact place of a row of the list."""
        here = self._navigator.location
        if here is None:
            return None
        return self._session.child(here, self._model.columns.entry(row))

    def selected(self) -> list[tuple[Location, Metadata]]:
        """Return the places selected and what is known of them; of many see ``when_gathered``."""
        return list(self._gathered(self._view.selected_rows()))

    def when_gathered(self, then: Callable[[Chosen], None]) -> None:
        """Call ``then`` with the places selected now, and what is known of them.

        Of a few at once; of 100,000 it takes half a second, between the turns of the loop.
        """
        rows = self._view.selected_rows()
        gathering = self._gathered(rows)
        if len(rows) <= _SLICE:
            then(list(gathering))
            return
        found: Chosen = []

        def gather() -> Generator[None, None, Chosen]:
            while some := list(islice(gathering, _SLICE)):
                found.extend(some)
                yield
            return found

        work = SlicedWork(self)

        def end(chosen: Chosen) -> None:
            work.deleteLater()
            then(chosen)

        work.start(gather(), end)

    def _gathered(self, rows: Sequence[int]) -> Iterator[tuple[Location, Metadata]]:
        here, columns = self._navigator.location, self._model.columns
        if here is None or not rows:
            return
        if self._model.buckets:
            for row in rows:
                yield self._session.child(here, columns.entry(row)), columns.metadata(row)
            return
        # Asked once for all of them: whether these are buckets is the same for each.
        for row in rows:
            yield here.at(columns.path(row)), columns.metadata(row)

    # New folder.

    def new_folder(self) -> None:
        """Ask for a name and create a folder here."""
        here = self._navigator.location
        if here is None:
            return
        dialog = NewFolderDialog(
            format_location(here, self._session.profiles),
            self._model.columns,
            self._window,
        )
        dialog.name_chosen.connect(
            lambda name: self._do(self._create(here, name, dialog), "create folder")
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
        self.came.emit(made, Metadata(mode=EntryMode.DIR))

    def show_folder(self, made: Location) -> int | None:
        """Add a folder that was just made to the list, and return its row, if it is there."""
        here = self._navigator.location
        if here is None or here != made.parent:
            return None
        self.show_entry(made, Metadata(mode=EntryMode.DIR))
        return self._model.columns.row_of(made.path[len(here.path) :])

    def show_entry(self, place: Location, metadata: Metadata) -> None:
        """Add what is new in the folder shown, or renew it; what is shown so already stays."""
        here, columns = self._navigator.location, self._model.columns
        row = None if here is None else columns.row_of(place.path[len(here.path) :])
        if row is not None and columns.metadata(row) == metadata:
            return
        self._model.put([Entry(place.path, metadata)])
        self._list_again()

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
            self._do(self._do_rename(here, place, name), "rename")

    async def _do_rename(self, here: Location, place: Location, name: str) -> None:
        try:
            moved = await self._session.rename(place, name)
        except (StorageError, OSError) as error:
            self.said.emit(describe(error), "error")
            return
        try:
            metadata = await self._session.stat(moved)
        except (StorageError, OSError):
            # It has its new name; only what is there cannot be told now.
            self._look_again(here)
            return
        self._model.when_released(lambda: self._show_renamed(here, place, moved, metadata))
        self.gone.emit([place])
        self.came.emit(moved, metadata)

    def _show_renamed(
        self, here: Location, place: Location, moved: Location, metadata: Metadata
    ) -> None:
        if self._navigator.location != here:
            return
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
        if here is not None:
            self.when_gathered(lambda chosen: self._ask_delete(here, chosen))

    def _ask_delete(self, here: Location, chosen: Chosen) -> None:
        if not chosen:
            return
        places = [place for place, _ in chosen]
        dialog = DeleteDialog(places, self._window)
        if any(place.is_folder for place in places):
            self._spawn(dialog.count(self._session, places), "measure", group="measure")
        else:
            size = sum(found.content_length or 0 for _, found in chosen)
            dialog.show_measure(Measure(len(places), size))
        dialog.accepted.connect(lambda: self._do(self._delete(here, places), "delete"))
        dialog.finished.connect(lambda _: self._session.tasks.cancel_group("measure"))
        dialog.open()

    async def _delete(self, here: Location, places: Sequence[Location]) -> None:
        try:
            report = await self._session.delete(places, self._tell_deleting(len(places)))
        except asyncio.CancelledError:
            if not self._stopped():
                raise
            self.said.emit(self.tr("Stopped. What was deleted before is gone."), "warning")
            self._look_again(here)
            return
        except (StorageError, OSError) as error:
            self.said.emit(describe(error), "error")
            self._look_again(here)
            return
        kept = {place for place, _ in report.failed}
        gone = [place for place in places if place not in kept] if kept else list(places)
        self.forget(gone)
        self.gone.emit(gone)
        if self._navigator.location != here and any(place.is_folder for place in gone):
            self.folder_changed.emit(here)
        if not report.failed:
            self.said.emit("", "info")
            return
        why = describe(report.failed[0][1])
        text = self.tr("{items} could not be deleted. {why}").format(
            items=items_text(len(report.failed)), why=why
        )
        self.said.emit(text, "error")

    def _tell_deleting(self, count: int) -> Callable[[int], None]:
        """Say that the task that runs deletes, and offer to stop it; the result says how far."""
        task = asyncio.current_task()

        def stop() -> None:
            if task is not None:
                self._stopping.add(task)
                task.cancel()

        def tell(done: int) -> None:
            text = self.tr("Deleting {items}…").format(items=items_text(count))
            if done:
                text = self.tr("Deleting {items}, {done} so far…").format(
                    items=items_text(count), done=count_text(done)
                )
            self.busy.emit(text, "info", self.tr("Stop"), stop)

        tell(0)
        return tell

    def _stopped(self) -> bool:
        """Whether the task that runs was cancelled by its button; it goes on then."""
        task = asyncio.current_task()
        if task is None or task not in self._stopping:
            return False
        self._stopping.discard(task)
        task.uncancel()
        return True

    def _look_again(self, here: Location) -> None:
        """List a place anew of which nobody knows what is left in it."""
        self.folder_changed.emit(here)
        if self._navigator.location == here:
            self._navigator.reload()

    # Moved away.

    def forget(self, places: Sequence[Location]) -> None:
        """Take places out of the list that are not where they were any more."""
        self._model.when_released(lambda: self._forget(places))

    def _forget(self, places: Sequence[Location]) -> None:
        here = self._navigator.location
        if here is None:
            return
        sight = Sight(here, self._session.profiles)
        if any(map(sight.is_inside, places)):
            # The folder shown is gone, or one that it was in.
            self._navigator.reload()
            return
        names = {name for name in map(sight.name, places) if name is not None}
        rows = self._model.columns.rows_of(names)
        if not rows and not (names and self._navigator.running):
            return
        self._model.remove(rows)
        self._list_again()
        if any(name.endswith("/") for name in names):
            self.folder_changed.emit(here)

    def _list_again(self) -> None:
        """Begin a listing that is under way anew: its pages may be older than the change."""
        if self._navigator.running:
            self._navigator.reload()

    # Looking and telling.

    def copy_path(self) -> None:
        """Copy the addresses of what is selected, else of this place."""
        here = self._navigator.location
        if here is not None:
            self.when_gathered(lambda chosen: self._copy_paths(here, chosen))

    def _copy_paths(self, here: Location, chosen: Chosen) -> None:
        start, cut = format_location(here, self._session.profiles), len(here.path)
        if self._session.is_bucket_root(here):
            lines = [format_location(place, self._session.profiles) for place, _ in chosen]
        else:
            lines = [start + place.path[cut:] for place, _ in chosen]
        QGuiApplication.clipboard().setText("\n".join(lines or [start]))

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

    def _do(self, coro: Coroutine[object, object, None], name: str) -> None:
        """Do what was asked for to its end: a window that is closed waits for it."""
        self._session.tasks.spawn(coro, owner="window", name=name, awaited=True)

    def _spawn(
        self, coro: Coroutine[object, object, None], name: str, group: str | None = None
    ) -> None:
        self._session.tasks.spawn(coro, owner="window", name=name, group=group)
