"""The ways out: the window's button, *Quit*, the tray, a signal, the end of the desktop's session.

Invariant: a person is asked at most once, and only while transfers run; a signal and the
end of the session never ask. Whatever the way, the work is put down before the end. What was
asked for last (a delete, an upload being queued) ends first, unless the person asks twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from dalbrowser.ui.dialogs.closing import Closing, ClosingDialog
from dalbrowser.ui.transfers.panel import ON_CLOSE
from dalbrowser.ui.transfers.verbs import RESUMABLE

if TYPE_CHECKING:
    from dalbrowser.session import Session
    from dalbrowser.ui.tray import Tray
    from dalbrowser.ui.window import MainWindow

_PATIENCE = 2.0
"""Seconds before a window that waits for what was asked for last says so."""


class Leaving:
    """Decides for one window; ``done`` is set when the program shall end."""

    def __init__(
        self, session: Session, window: MainWindow, tray: Tray, done: asyncio.Future[None]
    ) -> None:
        self._session = session
        self._window = window
        self._tray = tray
        self._done = done
        self._asking: ClosingDialog | None = None
        self._waited: asyncio.Event | None = None
        self._told = False
        """Whether the window says what it waits for."""
        panel = window.panels.transfers
        window.close_requested.connect(self.close)
        window.quit_requested.connect(self.quit)
        tray.open_wanted.connect(self.show)
        tray.transfers_wanted.connect(self.show_transfers)
        tray.pause_wanted.connect(panel.pause_all)
        tray.resume_wanted.connect(panel.resume_all)
        tray.quit_wanted.connect(self.end)
        panel.model.changed.connect(self._show_work)
        self._show_work()

    def close(self) -> None:
        """The window shall close: as the setting says while transfers run, or ask."""
        wanted = Closing(self._session.settings.get(ON_CLOSE))
        if wanted is Closing.TRAY and not self._tray.available:
            wanted = Closing.STAY
        self._go(wanted)

    def quit(self) -> None:
        """The program shall end: to go on in the tray is no answer to that by itself."""
        wanted = Closing(self._session.settings.get(ON_CLOSE))
        self._go(Closing.STAY if wanted is Closing.TRAY else wanted)

    def end(self) -> None:
        """End without asking."""
        if self._asking is not None:
            self._asking.reject()
        if not self._done.done():
            self._done.set_result(None)

    def show(self) -> None:
        """Show the window, before all others."""
        window = self._window
        window.setWindowState(window.windowState() & ~window.windowState().WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()
        self._tray.need("hidden window", False)
        self._tray.need("message", False)

    def show_transfers(self) -> None:
        """Show the window with its transfers."""
        self.show()
        self._window.panels.show("transfers")

    def _go(self, wanted: Closing) -> None:
        if self._waited is not None:
            # Whoever was told what it waits for, and asks again, does not want to wait.
            if self._told:
                self._waited.set()
            return
        if self._session.tasks.are_awaited() and not self._told:
            self._waited = asyncio.Event()
            self._session.tasks.spawn(self._go_then(wanted), owner="app", name="wait to close")
            return
        self._told = False
        count = self._running()
        if not count or wanted is Closing.PAUSE:
            self.end()
        elif wanted is Closing.TRAY:
            self._hide()
        elif self._asking is not None:
            self._asking.raise_()
        else:
            self._asking = ClosingDialog(count, tray=self._tray.available, parent=self._window)
            self._asking.finished.connect(self._answered)
            self._session.tasks.spawn(self._ask(self._asking), owner="app", name="ask to close")

    async def _go_then(self, wanted: Closing) -> None:
        """Let what was dropped or pasted just now become transfers, and decide then.

        Where it has failed the window stays: nobody would hear of it.
        """
        before = self._window.pages.notice.error
        ended = asyncio.ensure_future(self._session.tasks.ended())
        try:
            await self._wait(ended)
        finally:
            ended.cancel()
            self._waited = None
        failed = self._window.pages.notice.error
        if failed and failed != before and not self._told:
            return
        # The panel hears of them with the next events of the engine.
        if self._session.transfers.running:
            await self._session.transfers.tell_all()
        self._go(wanted)

    async def _wait(self, ended: asyncio.Future[None]) -> None:
        """Wait for what was begun; after a while say so, and how it can be cut short."""
        await asyncio.wait([ended], timeout=_PATIENCE)
        if ended.done() or self._waited is None:
            return
        self._told = True
        words = QCoreApplication.translate(
            "leaving",
            "What was asked for last is still being done. The window closes once that has ended;"
            " close it again to stop it now.",
        )
        self._window.show_notice(words, "info")
        cut = asyncio.ensure_future(self._waited.wait())
        try:
            await asyncio.wait((ended, cut), return_when=asyncio.FIRST_COMPLETED)
        finally:
            cut.cancel()
        if ended.done():
            self._told = False
            if self._window.pages.notice.text == words:
                self._window.show_notice("", "info")

    def _answered(self, _code: int) -> None:
        self._asking = None

    async def _ask(self, dialog: ClosingDialog) -> None:
        answer, remember = await dialog.ask()
        if answer is Closing.STAY:
            return
        if remember:
            self._session.settings.set(ON_CLOSE, answer.value)
        if answer is Closing.TRAY and self._running():
            self._hide()
        else:
            self.end()

    def _running(self) -> int:
        """Return how many files are under way, or how many folders are still being read."""
        if not self._session.transfers.running:
            return 0
        active = self._window.panels.transfers.active
        files = sum(1 for view in active if not view.is_folder)
        return files or len(active)

    def _hide(self) -> None:
        self._tray.need("hidden window", True)
        self._window.hide()

    def _show_work(self) -> None:
        panel = self._window.panels.transfers
        active = panel.active
        files = [view for view in active if not view.is_folder and view.total]
        total = sum(view.total or 0 for view in files)
        summary = panel.summary
        if total:
            summary += f" · {sum(view.done for view in files) / total:.0%}"
        resumable = bool(panel.model.states & RESUMABLE)
        self._tray.show_work(summary, active=bool(active), resumable=resumable)
