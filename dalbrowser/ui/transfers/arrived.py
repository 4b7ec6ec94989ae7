"""Opens what a transfer brought, or shows where it went: on the desktop, or in the window.

Invariant: the desktop is asked only for what is there at that moment; what is not is said.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from dalbrowser.profiles import Location
from dalbrowser.transfer import Direction, JobState, JobView
from dalbrowser.ui.format import visible_line
from dalbrowser.ui.showing import FileShower
from dalbrowser.ui.transfers.banners import Banner
from dalbrowser.ui.transfers.wording import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dalbrowser.session.session import Session


class Arrived(QObject):
    """Carries out *Open* and *Show in folder* of a row.

    Signals:
        location_requested: a ``Location`` to be shown in the window.
    """

    location_requested = Signal(object)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._shower = FileShower(self)
        self.banner = Banner("transferGone", "warning", "warning", parent)
        close = self.banner.add_button("transferGoneClose", tr("Close"))
        close.clicked.connect(self.banner.hide)

    def open(self, view: JobView) -> None:
        """Open what arrived: the local file of a download, else the object in the window."""
        if view.direction is Direction.DOWNLOAD:
            self._ask_desktop(view.local_path)
        else:
            self.location_requested.emit(Location(view.profile_id, view.bucket, view.key))

    def show(self, view: JobView) -> None:
        """Show where something goes to: on the desktop, selected once it is there, or here."""
        if view.direction is Direction.DOWNLOAD:
            arrived = view.id > 0 and view.state is JobState.DONE
            self._ask_desktop(view.local_path if arrived else local_folder(view), select=arrived)
            return
        target = Location(view.profile_id, view.bucket, view.key)
        self.location_requested.emit(target if view.id < 0 else target.parent)

    def _ask_desktop(self, path: str, *, select: bool = False) -> None:
        self._session.tasks.spawn(
            self._hand_over(path, select=select), owner="transfers", name="open a local file"
        )

    async def _hand_over(self, path: str, *, select: bool) -> None:
        """Have the desktop open a path; it would not say that there is nothing."""
        if not await asyncio.to_thread(os.path.lexists, path):
            text = tr("{path} is not there: it was moved, renamed or deleted on this computer.")
            self.banner.say(text.format(path=visible_line(path)))
            return
        self.banner.hide()
        if select:
            self._shower.show_file(path)
        else:
            QDesktopServices.openUrl(QUrl.fromLocalFile(path))


def local_folder(view: JobView) -> str:
    """Return the local folder that a row's file is in; a batch's is its own."""
    if not view.local_path:
        return ""
    return view.local_path if view.id < 0 else str(Path(view.local_path).parent)
