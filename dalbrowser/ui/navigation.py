"""Going from place to place: history, and the listing of the place that is shown.

Invariants: at most one listing runs here, that of the place shown, whatever others list; a
place left and come back to shows what was selected in it; going up selects where one came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from dalbrowser.session import ListingState
from dalbrowser.storage import StorageError
from dalbrowser.ui.entries.feed import ListingFeed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.session import Listing, Session
    from dalbrowser.ui.entries.model import EntryModel

_LONGEST = 200
_numbers = count(1)


@dataclass(slots=True)
class Visit:
    """One place in the history, and the name that was current in it."""

    location: Location
    name: str = ""


class History:
    """Where one has been; the newest 200 places."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []
        self._here = -1

    @property
    def here(self) -> Visit | None:
        """The visit that is shown."""
        return self._visits[self._here] if self._here >= 0 else None

    @property
    def can_go_back(self) -> bool:
        """Whether there is a place before this."""
        return self._here > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a place after this."""
        return self._here < len(self._visits) - 1

    def go(self, location: Location, name: str = "") -> Visit:
        """Go to a new place; what was ahead is forgotten."""
        del self._visits[self._here + 1 :]
        self._visits.append(Visit(location, name))
        del self._visits[: max(0, len(self._visits) - _LONGEST)]
        self._here = len(self._visits) - 1
        return self._visits[self._here]

    def forget(self, profile_id: str) -> None:
        """Forget every place in a connection; if this is one, be nowhere, the others ahead."""
        here = self.here
        self._visits = [one for one in self._visits if one.location.profile_id != profile_id]
        kept = [number for number, one in enumerate(self._visits) if one is here]
        self._here = kept[0] if kept else -1

    def leave(self) -> None:
        """Be nowhere; all places lie ahead."""
        self._here = -1

    def visits(self) -> tuple[tuple[Visit, ...], int]:
        """Return copies of all visits, and the number of the one that is shown or -1."""
        return tuple(replace(one) for one in self._visits), self._here

    def restore(self, visits: Sequence[Visit], here: int) -> None:
        """Take over what ``visits`` returned, perhaps of another history."""
        self._visits = [replace(one) for one in visits[-_LONGEST:]]
        self._here = max(-1, min(here - max(0, len(visits) - _LONGEST), len(self._visits) - 1))

    def step(self, by: int) -> Visit | None:
        """Go back (-1) or forward (1)."""
        if not 0 <= self._here + by < len(self._visits):
            return None
        self._here += by
        return self._visits[self._here]


class Navigator(QObject):
    """Opens places in the model.

    Signals:
        location_changed: another place is shown.
        leaving: the place is about to change; its current name can be remembered.
        progressed: the listing moved on, ended, failed or was stopped.
    """

    location_changed = Signal(object)
    leaving = Signal()
    progressed = Signal()

    def __init__(self, session: Session, model: EntryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._model = model
        self._group = f"listing {next(_numbers)}"
        self._feed = ListingFeed(model, self)
        self._feed.progressed.connect(self.progressed)
        self._feed.finished.connect(self._finished)
        self._feed.failed.connect(self._failed)
        self._listing: Listing | None = None
        self.history = History()
        self.error: Exception | None = None
        """What the last listing of this place failed with."""
        self.incomplete = False
        """Whether what is shown is known to be only a part."""

    @property
    def location(self) -> Location | None:
        """The place that is shown, or ``None`` at the start page."""
        return self.history.here.location if self.history.here else None

    @property
    def running(self) -> bool:
        """Whether the place is being listed."""
        return self._listing is not None and self._listing.state is ListingState.RUNNING

    @property
    def so_far(self) -> int:
        """How many entries the running listing brought."""
        return self._listing.so_far if self._listing is not None else 0

    @property
    def wanted_name(self) -> str:
        """The name to be selected once it is listed, empty when there is none."""
        return self.history.here.name if self.history.here else ""

    def open(self, location: Location, name: str = "") -> None:
        """Go to a folder and, once it is listed, to the entry ``name`` in it."""
        here = self.history.here
        if here is not None and here.location == location:
            here.name = name or here.name
            self.reload()
            return
        self.leaving.emit()
        self.history.go(location, name)
        self._show(location)

    def settle_name(self) -> None:
        """Forget the name to be selected: it has been looked for."""
        if self.history.here is not None:
            self.history.here.name = ""

    def resume(self, visits: Sequence[Visit], here: int) -> None:
        """Go on with another history, at its place."""
        self.history.restore(visits, here)
        if self.location is not None:
            self._show(self.location)

    def close(self, profile_id: str) -> None:
        """Leave a connection that is gone, and forget every place in it."""
        self.history.forget(profile_id)
        if self.history.here is None:
            self.leave()

    def leave(self) -> None:
        """Be nowhere: the listing ends, and the rows go."""
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
        self.history.leave()
        self.error = None
        self.incomplete = False
        self._feed.expect("", buckets=False, reload=False)

    def back(self) -> None:
        """Go to the place before."""
        self._step(-1)

    def forward(self) -> None:
        """Go to the place after."""
        self._step(1)

    def up(self) -> None:
        """Go to the folder that holds this one, and select this one there."""
        here = self.location
        if here is not None and self.can_go_up:
            name = here.name if here.path else f"{here.bucket}/"
            self.open(self.parent_of(here), name)

    @property
    def can_go_up(self) -> bool:
        """Whether something holds this place."""
        here = self.location
        return here is not None and self.parent_of(here) != here

    def parent_of(self, location: Location) -> Location:
        """Return what holds a place; a connection bound to one bucket ends at that bucket."""
        if location.path:
            return location.parent
        above = location.parent
        return above if self.lists_buckets(above) else location

    def lists_buckets(self, location: Location) -> bool:
        """Whether a place is a root of buckets; no, where its connection is gone."""
        try:
            return self._session.is_bucket_root(location)
        except StorageError:
            return False

    def reload(self) -> None:
        """List the place anew; what is shown stays until that is whole."""
        here = self.location
        if here is not None:
            self._list(here, reload=True)

    def stop(self) -> None:
        """Stop the listing; what has come stays."""
        if self.running and self._listing is not None:
            self._listing.cancel()
            self.incomplete = True
            self._feed.stopped()
            self.progressed.emit()

    def _step(self, by: int) -> None:
        self.leaving.emit()
        visit = self.history.step(by)
        if visit is not None:
            self._show(visit.location)

    def _show(self, location: Location) -> None:
        self._list(location, reload=False)
        self.location_changed.emit(location)

    def _list(self, location: Location, *, reload: bool) -> None:
        if self._listing is not None:
            self._listing.cancel()
        self.error = None
        self.incomplete = False
        buckets = self.lists_buckets(location)
        # Its first page comes at a later turn of the loop; nobody may take the empty list
        # meanwhile for one that is complete.
        self._listing = self._session.open(location, self._feed, group=self._group)
        self._feed.expect(location.path, buckets=buckets, reload=reload)
        self.progressed.emit()

    def _finished(self) -> None:
        self.progressed.emit()

    def _failed(self, error: Exception) -> None:
        self.error = error
        self.incomplete = True
        self.progressed.emit()
