"""Qt's application, or a sentence that says why there can be none.

Qt aborts the process where no platform plug-in starts: an unknown name, a display that does not
answer or refuses this user. Invariant: that ends here, with exit code 1 and one line.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext


def make_application() -> QApplication:
    """Return the process's application, a new one where there is none; ends the process without."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    said: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        del context
        if kind is QtMsgType.QtFatalMsg:
            _give_up(said[0] if said else text)
        said.append(text)

    before = qInstallMessageHandler(hear)
    try:
        made = QApplication(sys.argv[:1])
    finally:
        qInstallMessageHandler(before)
    for text in said:
        sys.stderr.write(f"{text}\n")
    return made


def _give_up(cause: str) -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    given = ", ".join(f"{name}={os.environ[name]}" for name in names if os.environ.get(name))
    sys.stderr.write(
        f"dalbrowser: No window can be shown here ({given}). Qt says: {cause.rstrip('. ')}. Start"
        " it from the desktop session of this user; for a --screenshot QT_QPA_PLATFORM=offscreen"
        " needs no display.\n"
    )
    sys.stderr.flush()
    # Qt aborts as soon as this returns, and may hold locks by now: nothing is to be cleaned up.
    os._exit(1)
