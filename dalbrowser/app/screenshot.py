"""A picture of the window, taken once it has come to rest."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dalbrowser.app.arguments import Arguments
    from dalbrowser.session import Session
    from dalbrowser.ui.window import MainWindow

# At rest means that nothing was under way for so many looks in a row.
_LOOKS, _BETWEEN, _AT_MOST = 5, 0.05, 30.0


async def save_screenshot(window: MainWindow, session: Session, arguments: Arguments) -> int:
    """Draw the window to ``arguments.screenshot``; returns the exit code.

    A listing that does not end within 30 seconds is drawn as it is then.
    """
    await _rest(session)
    if arguments.select is not None:
        window.select_name(arguments.select)
        await _rest(session)
    target = arguments.screenshot
    if target is None:
        return 0
    picture = window.grab()
    if not await asyncio.to_thread(picture.toImage().save, str(target)):
        sys.stderr.write(
            f"dalbrowser: {target} could not be written; check the folder, and that the name"
            " ends in .png\n"
        )
        return 1
    return 0


async def _rest(session: Session) -> None:
    deadline = asyncio.get_running_loop().time() + _AT_MOST
    quiet = 0
    while quiet < _LOOKS and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_BETWEEN)
        quiet = quiet + 1 if not session.tasks.live else 0
