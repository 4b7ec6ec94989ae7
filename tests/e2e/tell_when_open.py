"""Runs the real program and writes to stdout what happens to its window.

``open`` once it is on screen, ``started`` once it answers other starts, ``at …`` when it
was sent to a place by one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from dalbrowser.app import main
from dalbrowser.ui.window import MainWindow
from tests.e2e.driver import Driver, main_window


async def tell(driver: Driver) -> None:
    """Wait for the window, and say so."""
    await driver.until(main_window, "the main window")
    print("open", flush=True)
    socket = Path(os.environ["HOME"]) / ".local/state/dalbrowser/window.socket"
    await driver.until(socket.exists, "the socket")
    print("started", flush=True)
    await driver.until(lambda: address(driver), "a place", seconds=90)
    print("at", address(driver), flush=True)


def address(driver: Driver) -> str:
    """Return where the window is."""
    place = driver.find(MainWindow, "mainWindow").navigator.location
    return f"{place.profile_id}:{place.path}" if place is not None else ""


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    driver = Driver()
    kept: list[asyncio.Task[None]] = []
    QTimer.singleShot(0, lambda: kept.append(asyncio.get_running_loop().create_task(tell(driver))))
    sys.exit(main([]))
