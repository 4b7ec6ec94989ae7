"""Between the window and the transfer engine: what goes up, what comes down, what arrived.

Invariant: the window hands paths and places to the engine and forgets them; what arrived in
the folder shown is seen because the engine said so, by a look at those objects alone.
While the folder is being listed they wait: a page may be older than they are, or have them too.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from dalbrowser.profiles import Location, format_location
from dalbrowser.session import describe
from dalbrowser.session.places import Sight
from dalbrowser.storage import Entry, EntryMode, Metadata, StorageError
from dalbrowser.transfer import Direction, JobsChanged, JobState, TransferError
from dalbrowser.ui.dialogs.choosing import file_dialog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.session import Session
    from dalbrowser.transfer import Event
    from dalbrowser.ui.changes import Changes
    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.navigation import Navigator

# So many arrivals at once are looked at one by one; more are worth a listing.
_FEW = 20
_SETTLE = 300
"""Milliseconds in which arrivals are gathered."""
_REST = 2
"""Times as long as a listing for arrivals took, the next one waits: it asks for every page."""


class Traffic(QObject):
    """The handlers of upload and download.

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
        changes: Changes,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._navigator = navigator
        self._model = model
        self._changes = changes
        self._window = window
        self._arrived: set[str] = set()
        self._arrived_at: Location | None = None
        self._folders_arrived = False
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE)
        self._settle.timeout.connect(self._look)
        self._began = self._ended = 0.0
        """When the last listing for arrivals began and ended, on the monotonic clock."""
        navigator.progressed.connect(self._listing_moved)
        self.unsubscribe: Callable[[], None] = session.transfers.on_event(self._take)

    def upload_to(self, paths: Sequence[Path], target: Location) -> None:
        """Upload local files and folders into the folder ``target``."""
        if self._session.is_bucket_root(target):
            self.said.emit(self.tr("Open a bucket first; files go into a bucket."), "warning")
            return
        self._session.tasks.spawn(
            self._upload(list(paths), target), owner="window", name="queue uploads", awaited=True
        )

    async def _upload(self, paths: list[Path], target: Location) -> None:
        try:
            await self._session.transfers.upload(paths, target)
        except (StorageError, TransferError, OSError, RuntimeError) as error:
            self.said.emit(describe(error), "error")

    def choose_files(self) -> None:
        """Ask for files and upload them here."""
        dialog = file_dialog(self._window, self.tr("Upload files"), self.tr("Upload"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        self._upload_chosen(dialog)

    def choose_folder(self) -> None:
        """Ask for a folder and upload it here."""
        dialog = file_dialog(self._window, self.tr("Upload a folder"), self.tr("Upload"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._upload_chosen(dialog)

    def _upload_chosen(self, dialog: QFileDialog) -> None:
        here = self._navigator.location
        if here is None:
            dialog.deleteLater()
            return
        dialog.filesSelected.connect(
            lambda names: self.upload_to([Path(name) for name in names], here)
        )
        dialog.open()

    def download(self) -> None:
        """Ask for a folder and download what is selected into it."""
        self._changes.when_gathered(self._ask_download)

    def _ask_download(self, chosen: Sequence[tuple[Location, Metadata]]) -> None:
        if not chosen:
            return
        dialog = file_dialog(self._window, self.tr("Download to"), self.tr("Download here"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        start = self._session.settings.get("transfers.download_folder")
        if start:
            dialog.setDirectory(start)
        dialog.fileSelected.connect(lambda name: self.download_to(chosen, Path(name)))
        dialog.open()

    def download_to(self, chosen: Sequence[tuple[Location, Metadata | None]], folder: Path) -> None:
        """Download objects and folders into a local folder."""
        self._session.tasks.spawn(
            self._download(chosen, folder), owner="window", name="queue downloads", awaited=True
        )

    async def _download(
        self, chosen: Sequence[tuple[Location, Metadata | None]], folder: Path
    ) -> None:
        try:
            await self._session.transfers.download(chosen, folder)
        except (StorageError, TransferError, OSError, RuntimeError) as error:
            self.said.emit(describe(error), "error")

    # What arrived.

    def _take(self, event: Event) -> None:
        here = self._navigator.location
        if not isinstance(event, JobsChanged) or here is None:
            return
        done = [view for view in event.views if view.state is JobState.DONE]
        self._forget(here, [view.source for view in done if view.direction is Direction.MOVE])
        sight = Sight(here, self._session.profiles)
        arrived: set[str] = set()
        for view in done:
            if view.direction is not Direction.DOWNLOAD:
                below = sight.below(Location(view.profile_id, view.bucket, view.key))
                # The job of the folder itself: its key is no name in it.
                if below:
                    arrived.add("".join(below.partition("/")[:2]))
        for name in sorted(arrived):
            self._note(here, name)

    def _forget(self, here: Location, sources: Sequence[str]) -> None:
        """Take out of the list what was moved away, be it a move of an earlier run."""
        if not sources:
            return
        try:
            start = format_location(here, self._session.profiles)
        except StorageError:
            return  # Its connection is being removed.
        below = (source[len(start) :] for source in sources if source.startswith(start))
        self._changes.forget([here.child(name) for name in below if name])

    def _note(self, here: Location, below: str) -> None:
        if self._arrived_at != here:
            self._arrived.clear()
            self._folders_arrived = False
            self._began = self._ended = 0.0
            self._arrived_at = here
        name, slash, _ = below.partition("/")
        if slash and self._model.columns.row_of(f"{name}/") is not None:
            return
        if slash:
            self._folders_arrived = True
        if len(self._arrived) <= _FEW:
            self._arrived.add(name + slash)
        self._soon()

    def _soon(self, wait: int = _SETTLE) -> None:
        if not self._settle.isActive():
            self._settle.start(wait)

    def _listing_moved(self) -> None:
        if self._navigator.running:
            return
        if self._ended < self._began:
            self._ended = monotonic()
        if self._arrived:
            self._soon()

    def _look(self) -> None:
        here = self._arrived_at
        if here is None or here != self._navigator.location:
            self._arrived.clear()
            return
        if self._navigator.running or not self._arrived:
            return  # Its end is told.
        names = sorted(self._arrived)
        if len(names) > _FEW and self._model.held:
            # A listing replaces all rows, and the one whose name is being edited among them.
            self._model.when_released(self._soon)
            return
        if len(names) > _FEW:
            rest = _REST * (self._ended - self._began) - (monotonic() - self._ended)
            if rest > 0:
                self._soon(ceil(rest * 1000))
                return
        self._arrived.clear()
        if self._folders_arrived:
            self._folders_arrived = False
            self.folder_changed.emit(here)
        if len(names) > _FEW:
            self._began = monotonic()
            self._navigator.reload()
            return
        self._session.tasks.spawn(
            self._put(here, names), owner="window", name="look at what arrived"
        )

    async def _put(self, here: Location, names: Sequence[str]) -> None:
        entries = []
        for name in names:
            place = here.child(name)
            if place.is_folder:
                entries.append(Entry(place.path, Metadata(mode=EntryMode.DIR)))
                continue
            try:
                entries.append(Entry(place.path, await self._session.stat(place)))
            except (StorageError, OSError):
                # Gone again, or not to be looked at: a listing would say no more.
                continue
        if self._navigator.location != here:
            return
        if self._navigator.running:
            for name in names:
                self._note(here, name)
            return
        self._model.put(entries)
