"""Showing a local file in the desktop's file manager: selected there where that is possible.

A file manager of a free desktop takes ``ShowItems`` of ``org.freedesktop.FileManager1`` over
D-Bus (freedesktop.org's File Manager D-Bus Interface). Where there is none the folder is
opened instead. Invariant: the window waits for neither.
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

try:
    from PySide6 import QtDBus
except ImportError:  # pragma: no cover - a Qt that was built without D-Bus
    QtDBus = None  # type: ignore[assignment]

_NAME = "org.freedesktop.FileManager1"
_PATH = "/org/freedesktop/FileManager1"
_DEADLINE = 5000
"""Milliseconds that a file manager may take to start and answer."""


class FileShower(QObject):
    """Shows files to the person at the desktop that this program was started from."""

    def show_file(self, path: str) -> None:
        """Show a file selected in its folder."""
        # Without an address Qt's library would start a bus of its own, and wait for it.
        bus = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
        if QtDBus is None or not bus:
            open_folder(path)
            return
        link = QtDBus.QDBusConnection.connectToBus(bus, f"dalbrowser {bus}")
        if not link.isConnected():
            # A call would never be answered, not even with its failure.
            open_folder(path)
            return
        call = QtDBus.QDBusMessage.createMethodCall(_NAME, _PATH, _NAME, "ShowItems")
        call.setArguments([[bytes(QUrl.fromLocalFile(path).toEncoded().data()).decode()], ""])
        answer = QtDBus.QDBusPendingCallWatcher(link.asyncCall(call, _DEADLINE), self)
        answer.finished.connect(lambda: self._answered(answer, path))

    def _answered(self, answer: QtDBus.QDBusPendingCallWatcher, path: str) -> None:
        if answer.isError():
            open_folder(path)
        answer.deleteLater()


def open_folder(path: str) -> None:
    """Open the folder that a local file is in."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))
