"""Where a place is seen from a folder: two connections may lead to one and the same store.

Invariant: no disk and no server is asked; two names of one server, and what links make the
same, are different places here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dalbrowser.session.carrying import Identities
from dalbrowser.storage import StorageError

if TYPE_CHECKING:
    from dalbrowser.profiles import Location, ProfileStore


class Sight:
    """What can be seen from one folder. Made anew for each question: connections change."""

    def __init__(self, here: Location, profiles: ProfileStore) -> None:
        self._here = here
        self._identities = Identities(profiles, os.path.abspath)
        self._own = self._known(here)

    def below(self, place: Location) -> str | None:
        """Return the path of a place below the folder, empty for itself; ``None`` elsewhere."""
        paths = self._paths(place)
        if paths is None:
            return None
        path, start = paths
        return path[len(start) :] if path.startswith(start) else None

    def name(self, place: Location) -> str | None:
        """Return the name of a place that is directly in the folder, a folder's with its slash."""
        below = self.below(place)
        return below if below and "/" not in below[:-1] else None

    def is_inside(self, place: Location) -> bool:
        """Whether the folder is this one, or is in it."""
        paths = self._paths(place) if place.is_folder else None
        return paths is not None and paths[1].startswith(paths[0])

    def _paths(self, place: Location) -> tuple[str, str] | None:
        """Return the paths of a place and of the folder in their store, where it is one."""
        here = self._here
        if (place.profile_id, place.bucket) == (here.profile_id, here.bucket):
            return place.path, here.path
        known = self._known(place)
        if known is None or self._own is None or known[0] != self._own[0]:
            return None
        return known[1], self._own[1]

    def _known(self, place: Location) -> tuple[str, str] | None:
        try:
            return self._identities.of(place)
        except StorageError:
            return None
