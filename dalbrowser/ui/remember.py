"""What the window was like when it was left: its size, its panels, the columns of each place.

Invariant: what cannot be restored is left as it is; a remembered layout never keeps the
window from opening.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow, QSplitter

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.ui.entries.header import HeaderColumns


class Memory:
    """Saves to the settings and restores from them."""

    def __init__(
        self,
        session: Session,
        window: QMainWindow,
        columns: HeaderColumns,
        splitters: tuple[QSplitter, QSplitter],
    ) -> None:
        self._settings = session.settings
        self._window = window
        self._columns = columns
        self._splitters = splitters
        self._place = ""
        self._restoring = False
        columns.changed.connect(self._keep_columns)

    def restore_window(self) -> None:
        """Give the window the size and the panels it had."""
        geometry = _decode(self._settings.get("window.geometry"))
        if geometry:
            self._window.restoreGeometry(geometry)
        states = str(self._settings.get("window.state")).split(",")
        for splitter, state in zip(self._splitters, states, strict=False):
            if decoded := _decode(state):
                splitter.restoreState(decoded)
                # The state carries the handle of an older look.
                splitter.setHandleWidth(1)

    def keep_window(self) -> None:
        """Remember the window's size and its panels."""
        self._settings.set("window.geometry", _encode(self._window.saveGeometry()))
        states = ",".join(_encode(splitter.saveState()) for splitter in self._splitters)
        self._settings.set("window.state", states)

    def show_place(self, location: Location, address: str) -> None:
        """Show the columns as they were in this bucket, and remember that it was open last."""
        self._settings.set("window.last_location", address)
        place = f"{location.profile_id}/{location.bucket}"
        if place == self._place:
            return
        self._place = place
        state = self._settings.get("view.header").get(place)
        if isinstance(state, dict):
            self._restoring = True
            self._columns.restore(state)
            self._restoring = False

    def _keep_columns(self) -> None:
        if self._place and not self._restoring:
            kept = self._settings.get("view.header")
            self._settings.set("view.header", {**kept, self._place: self._columns.state()})


def _encode(data: QByteArray) -> str:
    return base64.b64encode(data.data()).decode("ascii")


def _decode(text: object) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(str(text), validate=True))
    except (binascii.Error, ValueError):
        return QByteArray()
