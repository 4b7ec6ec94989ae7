"""The program's icon in the desktop's tray: what runs, a menu, and messages.

Invariant: the icon is to be seen only while there is a reason (work, a hidden window, a
message that was not read); where the desktop has no tray, nothing here pretends one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from dalbrowser.ui.icons import app_icon

if TYPE_CHECKING:
    from PySide6.QtGui import QWindow

_MESSAGE_TIME = 10_000
"""Milliseconds that a message stays, where the desktop lets programs say so."""


class Tray(QObject):
    """The icon and its menu.

    Signals:
        open_wanted: the window should be shown.
        transfers_wanted: the window should be shown with its transfers.
        pause_wanted: all transfers should pause.
        resume_wanted: all transfers should go on.
        quit_wanted: the program should put its work down and end.
    """

    open_wanted = Signal()
    transfers_wanted = Signal()
    pause_wanted = Signal()
    resume_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icon = QSystemTrayIcon(app_icon(), self)
        self._icon.setObjectName("trayIcon")
        self.menu = QMenu()
        self.menu.setObjectName("trayMenu")
        self._open = self.menu.addAction(self.tr("Open the window"))
        self._open.triggered.connect(self.open_wanted)
        self.menu.addSeparator()
        self._pause = self.menu.addAction(self.tr("Pause all transfers"))
        self._pause.triggered.connect(self.pause_wanted)
        self._resume = self.menu.addAction(self.tr("Resume all transfers"))
        self._resume.triggered.connect(self.resume_wanted)
        self.menu.addSeparator()
        self._quit = self.menu.addAction(self.tr("Quit"))
        self._quit.triggered.connect(self.quit_wanted)
        for name, action in (
            ("open", self._open),
            ("pause", self._pause),
            ("resume", self._resume),
            ("quit", self._quit),
        ):
            action.setObjectName(f"tray.{name}")
        self._icon.setContextMenu(self.menu)
        self._icon.activated.connect(self._activated)
        self._icon.messageClicked.connect(self.transfers_wanted)
        self._reasons: set[str] = set()
        self._removed = False
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.focusWindowChanged.connect(self._window_focused)
        self.show_work("", active=False, resumable=False)

    @property
    def available(self) -> bool:
        """Whether the desktop has a tray now."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    @property
    def tool_tip(self) -> str:
        """What the icon says when the pointer rests on it."""
        return self._icon.toolTip()

    def show_work(self, summary: str, *, active: bool, resumable: bool) -> None:
        """Say what the transfers do, and offer what can be done about them."""
        if self._removed:
            return  # The program ends, and its last transfers are just being put down.
        self._icon.setToolTip(f"dalbrowser: {summary}" if summary else "dalbrowser")
        self._pause.setEnabled(active)
        self._resume.setEnabled(resumable)
        self._quit.setText(self.tr("Pause and quit") if active else self.tr("Quit"))
        self.need("work", active)

    def need(self, reason: str, wanted: bool) -> None:
        """Show the icon for a reason, or no longer for it."""
        if wanted:
            self._reasons.add(reason)
        else:
            self._reasons.discard(reason)
        self._icon.setVisible(bool(self._reasons) and self.available)

    def tell(self, title: str, text: str, *, bad: bool) -> bool:
        """Show a message of the desktop's; false where there is no tray to show it."""
        if not self.available or not QSystemTrayIcon.supportsMessages():
            return False
        self.need("message", True)
        kinds = QSystemTrayIcon.MessageIcon
        self._icon.showMessage(title, text, kinds.Warning if bad else kinds.NoIcon, _MESSAGE_TIME)
        return True

    def remove(self) -> None:
        """Take the icon away for good; what is said of the work from now on is not shown."""
        self._removed = True
        self._reasons.clear()
        self._icon.hide()
        self.menu.deleteLater()

    def _window_focused(self, window: QWindow | None) -> None:
        """Whoever turns to the window has read what was said, however they got there."""
        if window is not None and not self._removed:
            self.need("message", False)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.open_wanted.emit()
