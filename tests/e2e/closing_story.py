"""A window that is left while an upload runs, as a process of its own.

    python -m tests.e2e.closing_story pause|wait|tray|go-on LOCATION ENDPOINT FILE

``pause`` closes the window and answers *Pause and quit*; ``wait`` says ``uploading`` and
waits for a signal; ``tray`` keeps going in the tray until the icon is clicked; ``go-on``
resumes what is offered and sees it proven.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QTableView

from tests.e2e.driver import Driver, drive, main_window
from tests.e2e.window_story import _drop, _parts


def tell(**facts: object) -> None:
    """Write one line of facts for the test to read."""
    print(json.dumps(facts), flush=True)


async def upload(driver: Driver) -> None:
    """Drop the file on the bucket that is open and wait for its first parts."""
    await driver.until(
        lambda: driver.find(QLabel, "statusItems").text().startswith("0 items"), "the bucket"
    )
    await driver.until(lambda: driver.find(QAction, "action.upload").isEnabled(), "what it can")
    _drop(driver, Path(sys.argv[4]))
    await driver.until(lambda: _parts(driver) >= 2, "two confirmed parts")


async def pause(driver: Driver) -> None:
    """Close the window as a person does, and answer the question."""
    await upload(driver)
    window = main_window()
    assert window is not None
    window.close()
    await driver.until(lambda: driver.shown("closingDialog"), "the question")
    buttons = [one.text() for one in window.findChildren(QPushButton) if one.isVisible()]
    tell(text=driver.find(QLabel, "closingText").text(), buttons=buttons, parts=_parts(driver))
    driver.click("closingPause")
    await asyncio.Event().wait()


async def wait(driver: Driver) -> None:
    """Say that parts are confirmed, and go on until a signal comes."""
    await upload(driver)
    tell(uploading=_parts(driver))
    await asyncio.Event().wait()


async def tray(driver: Driver) -> None:
    """Keep going in the tray, and close the window once it was opened from there."""
    await upload(driver)
    window = main_window()
    assert window is not None
    window.close()
    await driver.until(lambda: driver.shown("closingDialog"), "the question")
    driver.click("closingTray")
    await driver.until(lambda: not window.isVisible(), "no window")
    tell(hidden=_parts(driver))
    await driver.until(window.isVisible, "the window again", seconds=90)
    tell(opened=driver.names("transferView", "State"))


async def go_on(driver: Driver) -> None:
    """Resume what the window offers."""
    await driver.until(lambda: driver.shown("interruptedBanner"), "the offer to resume")
    tell(offered=driver.find(QLabel, "interruptedBannerText").text())
    driver.click("resumeInterrupted")
    await driver.until(
        lambda: any("verified" in text for text in driver.names("transferView", "State")),
        "a verified upload",
        seconds=90,
    )
    tell(done=driver.names("transferView", "State"))
    assert driver.find(QTableView, "transferView").isVisible()


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    story = {"pause": pause, "wait": wait, "tray": tray, "go-on": go_on}[sys.argv[1]]
    sys.exit(drive(["--location", sys.argv[2], "--endpoint", sys.argv[3]], story))
