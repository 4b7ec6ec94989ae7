"""What the window was like when it was left: size, panels, tabs, the columns of each place.

Invariants: what cannot be restored is left as it is; a remembered layout never keeps the
window from opening; nothing that was remembered is lost before there was a chance to restore.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

from dalbrowser.profiles import Location, TargetError, parse_location
from dalbrowser.storage import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QMainWindow, QSplitter

    from dalbrowser.profiles import ProfileStore
    from dalbrowser.session import Session
    from dalbrowser.settings import Settings
    from dalbrowser.ui.entries.header import HeaderColumns

_MOST_TABS = 100
_PASSING = "://"
"""An address whose server was only named on that start; another start knows it no more."""


class Memory:
    """The window's size and panels, in the settings."""

    def __init__(
        self, session: Session, window: QMainWindow, splitters: tuple[QSplitter, QSplitter]
    ) -> None:
        self._settings = session.settings
        self._window = window
        self._splitters = splitters

    def restore_window(self) -> None:
        """Give the window the size and the panels it had."""
        geometry = _decode(self._settings.get("window.geometry"))
        if geometry:
            self._window.restoreGeometry(geometry)
        states = str(self._settings.get("window.state")).split(",")
        for splitter, state in zip(self._splitters, states, strict=False):
            if decoded := _decode(state):
                direction = splitter.orientation()
                splitter.restoreState(decoded)
                # The state carries the handle of an older look, and cut off another direction.
                splitter.setHandleWidth(1)
                splitter.setOrientation(direction)

    def keep_window(self) -> None:
        """Remember the window's size and its panels."""
        self._settings.set("window.geometry", _encode(self._window.saveGeometry()))
        states = ",".join(_encode(splitter.saveState()) for splitter in self._splitters)
        self._settings.set("window.state", states)


class ColumnMemory:
    """The columns of one list, as they were in each bucket. Lists of one bucket share them."""

    def __init__(self, settings: Settings, columns: HeaderColumns) -> None:
        self._settings = settings
        self._columns = columns
        self._place = ""
        self._restoring = False
        columns.changed.connect(self._keep)

    def show_place(self, location: Location) -> None:
        """Show the columns as they were in this bucket."""
        place = f"{location.profile_id}/{location.bucket}"
        if place != self._place:
            self._place = place
            self._show(sorting=True)

    def refresh(self) -> None:
        """Show the columns as they are remembered now; another list may have changed them.

        The order of its rows is the list's own.
        """
        self._show(sorting=False)

    def _show(self, *, sorting: bool) -> None:
        state = self._settings.get("view.header").get(self._place)
        if isinstance(state, dict) and state != self._columns.state():
            self._restoring = True
            self._columns.restore(state, sorting=sorting)
            self._restoring = False

    def _keep(self) -> None:
        if self._place and not self._restoring:
            kept = self._settings.get("view.header")
            self._settings.set("view.header", {**kept, self._place: self._columns.state()})


class TabMemory:
    """The places of the tabs, as addresses in the settings."""

    def __init__(self, session: Session) -> None:
        self._settings = session.settings
        self._profiles = session.profiles
        self._awake = False

    async def restore(self) -> tuple[list[Location], int]:
        """Return the places that were open and which was in front; from now on keep them.

        Those that mean nothing any more are left out.
        """
        # An address may name the disk, if somebody wrote it into the settings by hand.
        try:
            return await asyncio.to_thread(_read, self._settings.get("window.tabs"), self._profiles)
        finally:
            self._awake = True

    def keep(self, addresses: Sequence[str], current: int) -> None:
        """Remember the addresses of all tabs; an empty one is the start page."""
        if not self._awake:
            return
        kept = [
            (number, text)
            for number, text in enumerate(addresses[:_MOST_TABS])
            if text and _PASSING not in text
        ]
        before = sum(number < current for number, _ in kept)
        self._settings.set(
            "window.tabs",
            {
                "places": [text for _, text in kept],
                "current": max(0, min(before, len(kept) - 1)),
            },
        )


def _read(state: dict[str, object], profiles: ProfileStore) -> tuple[list[Location], int]:
    written, current = state.get("places"), state.get("current")
    places: list[Location] = []
    shown = 0
    for number, text in enumerate(written[:_MOST_TABS] if isinstance(written, list) else ()):
        if not isinstance(text, str) or _PASSING in text:
            continue
        try:
            place = parse_location(text, profiles)
        except (TargetError, StorageError, OSError):
            continue
        if number == current:
            shown = len(places)
        places.append(place)
    return places, shown


def _encode(data: QByteArray) -> str:
    return base64.b64encode(data.data()).decode("ascii")


def _decode(text: object) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(str(text), validate=True))
    except (binascii.Error, ValueError):
        return QByteArray()
