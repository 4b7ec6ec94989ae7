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
        here = self._here
        if (place.profile_id, place.bucket) == (here.profile_id, here.bucket):
            path, start = place.path, here.path
        else:
            known = self._known(place)
            if known is None or self._own is None or known[0] != self._own[0]:
                return None
            path, start = known[1], self._own[1]
        return path[len(start) :] if path.startswith(start) else None

    def name(self, place: Location) -> str | None:
        """Return the name of a place that is directly in the folder, a folder's with its slash."""
        below = self.below(place)
        return below if below and "/" not in below[:-1] else None

    def _known(self, place: Location) -> tuple[str, str] | None:
        try:
            return self._identities.of(place)
        except StorageError:
            return None
