"""Runs the real program and writes ``open`` to stdout once its window is on screen."""

from __future__ import annotations

import asyncio
import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from dalbrowser.app import main
from tests.e2e.driver import Driver, main_window


async def tell(driver: Driver) -> None:
    """Wait for the window, and say so."""
    await driver.until(main_window, "the main window")
    print("open", flush=True)


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    driver = Driver()
    kept: list[asyncio.Task[None]] = []
    QTimer.singleShot(0, lambda: kept.append(asyncio.get_running_loop().create_task(tell(driver))))
    sys.exit(main([]))
