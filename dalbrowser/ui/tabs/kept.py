"""What is kept of a tab that is closed, or that was open last time and is not shown yet.

Invariant: it holds places and words alone, no rows and no widgets, so that ten closed tabs
cost as good as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from dalbrowser.profiles import Location, format_location
from dalbrowser.storage import StorageError
from dalbrowser.ui.format import visible_name
from dalbrowser.ui.navigation import Visit
from dalbrowser.ui.sidebar.tree import profile_label

if TYPE_CHECKING:
    from PySide6.QtCore import Qt

    from dalbrowser.session import Session
    from dalbrowser.ui.entries.cells import Column


@dataclass(frozen=True, slots=True)
class Kept:
    """A tab to be made again: its history, which place of it is shown, filter and order.

    Without a ``sort`` it is sorted as its place is remembered.
    """

    visits: tuple[Visit, ...] = ()
    here: int = -1
    filter_text: str = ""
    sort: tuple[Column, Qt.SortOrder] | None = None

    @classmethod
    def at(cls, location: Location | None, name: str = "") -> Kept:
        """Return a tab that has been at one place only; ``None`` is the start page."""
        return cls() if location is None else cls((Visit(location, name),), 0)

    @property
    def location(self) -> Location | None:
        """The place that is shown, or ``None`` at the start page."""
        return self.visits[self.here].location if self.here >= 0 else None

    def without(self, profile_id: str) -> Kept:
        """Return it without the places of a connection that is gone."""
        shown = self.visits[self.here] if self.here >= 0 else None
        left = tuple(one for one in self.visits if one.location.profile_id != profile_id)
        here = next((number for number, one in enumerate(left) if one is shown), -1)
        return Kept(left, here, self.filter_text, self.sort)


def title_of(session: Session, location: Location | None) -> str:
    """Return what the tab of a place is called: the last part of its path."""
    if location is None:
        return QCoreApplication.translate("tabs", "Start")
    name = location.name.removesuffix("/")
    if location.path or name:
        return visible_name(name)
    try:
        return profile_label(session.profiles.get(location.profile_id))
    except StorageError:
        return QCoreApplication.translate("tabs", "Gone")


def address_of(session: Session, location: Location | None) -> str:
    """Return the whole address of a place, empty for the start page or what is gone."""
    if location is None:
        return ""
    try:
        return format_location(location, session.profiles)
    except StorageError:
        return ""
