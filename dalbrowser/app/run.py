"""The window's life: the Qt application and its loop, start, quit, and what outlives neither.

Invariant: whatever ends the window (its button, a signal, a screenshot), the transfers are
put down so that they can be resumed, before the process ends.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from qasync import QEventLoop

from dalbrowser.app.collector import collected_here
from dalbrowser.app.demo_start import offer_demo
from dalbrowser.app.display import make_application
from dalbrowser.app.leaving import Leaving
from dalbrowser.app.screenshot import save_screenshot
from dalbrowser.app.signals import quit_signals
from dalbrowser.app.single import Doorbell, hand_over
from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import TargetError, parse_location
from dalbrowser.session import describe
from dalbrowser.settings import Folders
from dalbrowser.storage import StorageError
from dalbrowser.transfer import JournalHeld, TransferError
from dalbrowser.ui.theme import apply_theme
from dalbrowser.ui.transfers.endings import Endings
from dalbrowser.ui.tray import Tray
from dalbrowser.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtWidgets import QApplication

    from dalbrowser.app.arguments import Arguments
    from dalbrowser.session import Session
    from dalbrowser.transfer import StartReport

# Blocking calls under way at once for the window: disk, keyring waits, decoding.
_WORKERS = 8
_FIRST_SIZE = (1280, 800)


def run(arguments: Arguments) -> int:
    """Run the window until it is closed; returns the exit code."""
    try:
        folders = Folders.default()
    except OSError as error:
        sys.stderr.write(
            f"dalbrowser: There is no place for settings and transfers: {describe(error)} Set"
            " HOME (or the XDG_… variable of that folder) to a folder that can be written.\n"
        )
        return 1
    application = make_application()
    application.setApplicationName("dalbrowser")
    application.setApplicationDisplayName("dalbrowser")
    application.setDesktopFileName("dalbrowser")
    # A dialog that closes while the window is hidden must not end the program.
    application.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(application)
    loop.set_default_executor(ThreadPoolExecutor(_WORKERS, thread_name_prefix="work"))
    with loop, collected_here():
        code: int = loop.run_until_complete(_live(application, arguments, folders))
        return code


async def _live(application: QApplication, arguments: Arguments, folders: Folders) -> int:
    loop = asyncio.get_running_loop()
    if arguments.screenshot is None and await hand_over(folders, arguments):
        return 0
    session = build_session(loop, folders)
    apply_theme(application, arguments.theme or session.settings.get("appearance.theme"))
    closing: asyncio.Future[None] = loop.create_future()
    window = MainWindow(session)
    # A picture is as large wherever it is drawn; the screen that there is not would bound it.
    drawn = arguments.screenshot is not None
    if arguments.size is not None or drawn or not session.settings.get("window.geometry"):
        # Not as it may have been left: maximised.
        window.setWindowState(Qt.WindowState.WindowNoState)
        window.resize(*(arguments.size or _FIRST_SIZE))
    tray = Tray(window)
    leaving = Leaving(session, window, tray, closing)
    # The desktop's session ends: there is nobody to ask, and no time.
    application.commitDataRequest.connect(lambda _manager: leaving.end())
    endings = Endings(session, window, window.panels.transfers, tray)
    endings.said.connect(window.tell_ended)
    session.settings.on_unwritten(lambda note: loop.call_soon_threadsafe(window.show_notice, note))
    doorbell = Doorbell(folders, lambda asked: _answer(asked, session, window, leaving))

    def answer_others(_report: StartReport) -> None:
        session.tasks.spawn(doorbell.open(), owner="app", name="answer other starts")

    session.transfers.on_started(answer_others)
    # The window is to be seen before the journal, and the history in it, is opened.
    started = asyncio.ensure_future(_start_transfers(session, window))
    offer_demo(session, started)
    code = 0
    with quit_signals(loop, leaving.end):
        try:
            await _open_first(arguments, session, window)
            # A file that was damaged, and what of it is therefore missing.
            notes = [note for note in (session.settings.note, session.profiles.note) if note]
            if notes:
                window.show_notice(" ".join(notes))
            window.show()
            if arguments.screenshot is not None:
                await started
                code = await save_screenshot(window, session, arguments)
            else:
                await closing
        finally:
            window.allow_close(keep=arguments.screenshot is None)
            window.hide()
            session.settings.on_unwritten(None)
            tray.remove()
            endings.stop()
            await asyncio.wait([started])
            await doorbell.close()
            await session.aclose()
            window.close()
            window.deleteLater()
    return code


def _answer(
    asked: Mapping[str, str | None], session: Session, window: MainWindow, leaving: Leaving
) -> None:
    """Another start asks for this window: show it, with the place that was asked for."""
    leaving.show()
    place = asked.get("location")
    if place:
        session.tasks.spawn(
            _open_place(
                place, asked.get("endpoint"), asked.get("region"), session=session, window=window
            ),
            owner="app",
            name="open a place",
        )


async def _start_transfers(session: Session, window: MainWindow) -> None:
    try:
        await session.transfers.start()
    except (JournalHeld, TransferError, OSError) as error:
        window.panels.transfers.show_problem(describe(error))


async def _open_first(arguments: Arguments, session: Session, window: MainWindow) -> None:
    if arguments.screenshot is None:
        await window.restore_tabs(alone=arguments.location is None)
    window.open_start()
    if arguments.location is not None:
        asked = (arguments.location, arguments.endpoint, arguments.region)
        await _open_place(*asked, session=session, window=window)


async def _open_place(
    place: str, endpoint: str | None, region: str | None, *, session: Session, window: MainWindow
) -> None:
    try:
        # It may have to look at the disk, for a local path.
        location = await asyncio.to_thread(
            parse_location, place, session.profiles, endpoint=endpoint, region=region
        )
    except (TargetError, StorageError, OSError) as error:
        window.show_notice(describe(error), "error")
        return
    window.open_apart(location)
