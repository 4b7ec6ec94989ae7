"""What one list learns of a folder, every list of that folder shows.

Invariant: a list hears of it under its own connection's name, be it the one that it was done
through or another that leads to the same store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from dalbrowser.session.places import Sight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.storage import Metadata
    from dalbrowser.ui.tabs.stack import TabStack
    from dalbrowser.ui.tabs.tab import Tab


class Together(QObject):
    """Passes on what tabs tell. Whoever told it is told too, and knows it already."""

    def __init__(self, session: Session, tabs: TabStack) -> None:
        super().__init__(tabs)
        self._session = session
        self._tabs = tabs
        tabs.built.connect(self._follow)

    def forget(self, places: Sequence[Location]) -> None:
        """Take places that are gone out of every list."""
        for tab in self._tabs.tabs:
            tab.changes.forget(places)

    def show(self, place: Location, metadata: Metadata) -> None:
        """Show a place that is new, or is another than it was, in every list of its folder."""
        for tab in self._tabs.tabs:
            here = tab.location
            name = None if here is None else Sight(here, self._session.profiles).name(place)
            if here is not None and name is not None:
                tab.changes.show_entry(here.child(name), metadata)

    def _follow(self, tab: Tab) -> None:
        # Not by way of the tab: what was begun in one that is closed by now is told all the same.
        tab.changes.gone.connect(self.forget)
        tab.changes.came.connect(self.show)
