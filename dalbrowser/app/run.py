"""The window's life: the Qt application and its loop, start, quit, and what outlives neither.

Invariant: whatever ends the window (its button, a signal, a screenshot), the transfers are
put down so that they can be resumed, before the process ends.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from dalbrowser.app.collector import collected_here
from dalbrowser.app.demo_start import offer_demo
from dalbrowser.app.screenshot import save_screenshot
from dalbrowser.app.signals import quit_signals
from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import TargetError, parse_location
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.transfer import JournalHeld
from dalbrowser.ui.theme import apply_theme
from dalbrowser.ui.window import MainWindow

if TYPE_CHECKING:
    from dalbrowser.app.arguments import Arguments
    from dalbrowser.session import Session

# Blocking calls under way at once for the window: disk, keyring waits, decoding.
_WORKERS = 8
_FIRST_SIZE = (1280, 800)


def run(arguments: Arguments) -> int:
    """Run the window until it is closed; returns the exit code."""
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("dalbrowser")
    application.setApplicationDisplayName("dalbrowser")
    application.setDesktopFileName("dalbrowser")
    # A dialog that closes while the window is hidden must not end the program.
    application.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(application)
    loop.set_default_executor(ThreadPoolExecutor(_WORKERS, thread_name_prefix="work"))
    with loop, collected_here():
        code: int = loop.run_until_complete(_live(application, arguments))
        return code


async def _live(application: QApplication, arguments: Arguments) -> int:
    loop = asyncio.get_running_loop()
    session = build_session(loop)
    apply_theme(application, arguments.theme or session.settings.get("appearance.theme"))
    closing: asyncio.Future[None] = loop.create_future()

    def ask_to_quit() -> None:
        if not closing.done():
            closing.set_result(None)

    window = MainWindow(session)
    window.close_requested.connect(ask_to_quit)
    if arguments.size is not None or not session.settings.get("window.geometry"):
        window.resize(*(arguments.size or _FIRST_SIZE))
    session.transfers.on_started(window.panels.transfers.show_started)
    offer_demo(session)
    code = 0
    with quit_signals(loop, ask_to_quit):
        try:
            await _start_transfers(session, window)
            await _open_first(arguments, session, window)
            window.show()
            if arguments.screenshot is not None:
                code = await save_screenshot(window, session, arguments)
            else:
                await closing
        finally:
            window.allow_close()
            window.hide()
            await session.aclose()
            window.close()
            window.deleteLater()
    return code


async def _start_transfers(session: Session, window: MainWindow) -> None:
    try:
        await session.transfers.start()
    except (JournalHeld, OSError) as error:
        window.panels.transfers.show_problem(describe(error))


async def _open_first(arguments: Arguments, session: Session, window: MainWindow) -> None:
    if arguments.screenshot is None:
        await window.restore_tabs(alone=arguments.location is None)
    window.open_start()
    if arguments.location is None:
        return
    try:
        # It may have to look at the disk, for a local path.
        location = await asyncio.to_thread(
            parse_location,
            arguments.location,
            session.profiles,
            endpoint=arguments.endpoint,
            region=arguments.region,
        )
    except (TargetError, StorageError, OSError) as error:
        window.show_notice(describe(error), "error")
        return
    window.open_apart(location)
