"""The window's part of the story, run as a process of its own so that it can be killed.

    python -m tests.e2e.window_story begin|go-on

What it needs is in the environment: ``STORY_ENDPOINT``, ``STORY_KEY``, ``STORY_SECRET``,
``STORY_BUCKET``, ``STORY_FILE``. It tells what it saw as JSON lines on stdout; ``begin``
ends by killing itself with SIGKILL in the middle of the upload.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QTableView, QTreeView

from tests.e2e.driver import Driver, drive

_CONFIRMED = 3


def tell(**facts: object) -> None:
    """Write one line of facts for the test to read."""
    print(json.dumps(facts), flush=True)


async def begin(driver: Driver) -> None:
    """Connect, look around, preview, drop a large file, and die in the middle of it."""
    await _connect(driver)
    await _browse(driver)
    await _preview(driver)
    _drop(driver, Path(os.environ["STORY_FILE"]))
    await driver.until(lambda: _parts(driver) >= _CONFIRMED, "three confirmed parts")
    tell(parts_when_killed=_parts(driver), state=driver.names("transferView", "State"))
    os.kill(os.getpid(), signal.SIGKILL)


async def go_on(driver: Driver) -> None:
    """Find the upload offered, resume it, and see it proven; the object is then listed."""
    await driver.until(lambda: driver.shown("interruptedBanner"), "the offer to resume")
    tell(offered=driver.find(QLabel, "interruptedBannerText").text())
    driver.click("resumeInterrupted")
    states = driver.names("transferView", "State")
    await driver.until(
        lambda: any("verified" in text for text in driver.names("transferView", "State")),
        f"a verified upload (it was {states})",
        seconds=90,
    )
    tell(done=driver.names("transferView", "State"))
    await _open_bucket(driver)
    name = Path(os.environ["STORY_FILE"]).name
    await driver.until(lambda: name in driver.names(), "the uploaded object in the list")
    tell(listed=driver.names())


async def _connect(driver: Driver) -> None:
    driver.find(QAction, "action.add_connection").trigger()
    await driver.until(lambda: driver.shown("connectionDialog"), "the connection dialog")
    driver.fill("connectionName", "Work")
    driver.fill("connection.endpoint", os.environ["STORY_ENDPOINT"])
    driver.fill("connection.region", "us-east-1")
    driver.fill("connection.access_key_id", os.environ["STORY_KEY"])
    driver.fill("connection.secret_access_key", "not the secret")
    driver.click("connectionTest")
    await driver.until(lambda: _note(driver) not in ("", "Testing…"), "what is wrong")
    tell(wrong_secret=_note(driver))
    driver.fill("connection.secret_access_key", os.environ["STORY_SECRET"])
    driver.click("connectionTest")
    await driver.until(lambda: _note(driver) not in ("", "Testing…"), "what the test says")
    tell(tested=_note(driver), kept=driver.find(QLabel, "connectionSecrets").text())
    driver.click("connectionSave")
    await driver.until(lambda: not driver.shown("connectionDialog"), "the dialog to close")


def _note(driver: Driver) -> str:
    note = driver.find(QFrame, "connectionDialogNote")
    text = note.findChild(QLabel, "noticeText")
    return text.text() if text is not None and note.isVisible() else ""


async def _open_bucket(driver: Driver) -> None:
    """Choose the connection in the tree, then the bucket in the list."""
    tree = driver.find(QTreeView, "sidebarTree")
    model = tree.model()
    rows = {str(model.index(row, 0).data()): row for row in range(model.rowCount())}
    index = model.index(rows["Work"], 0)
    tree.setCurrentIndex(index)
    tree.clicked.emit(index)
    bucket = os.environ["STORY_BUCKET"]
    await driver.until(lambda: bucket in driver.names(), "the bucket")
    driver.open(bucket)


async def _browse(driver: Driver) -> None:
    await _open_bucket(driver)
    await driver.until(lambda: "large.log" in driver.names(), "the bucket's objects")
    view = driver.find(QTableView, "entryView")
    shown = [
        [str(view.model().index(row, column).data() or "") for column in range(4)]
        for row in range(view.model().rowCount())
    ]
    tell(rows=shown, status=driver.find(QLabel, "statusItems").text())


async def _preview(driver: Driver) -> None:
    driver.select("large.log")
    # On a slow machine the line counts from nothing on; what is told is what it came to.
    await driver.until(lambda: "read 512 KiB" in _cost(driver), "the cost of the preview")
    tell(cost=_cost(driver))


def _cost(driver: Driver) -> str:
    return driver.find(QLabel, "previewCost").text()


def _drop(driver: Driver, path: Path) -> None:
    """Drop a file from the desktop on the list's background."""
    port = driver.find(QTableView, "entryView").viewport()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    spot = QPointF(port.width() / 2, port.height() - 8)
    actions, buttons, keys = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    entering = QDragEnterEvent(spot.toPoint(), actions, data, buttons, keys)
    QApplication.sendEvent(port, entering)
    assert entering.isAccepted(), "the list does not take the drop"
    dropping = QDropEvent(spot, actions, data, buttons, keys)
    QApplication.sendEvent(port, dropping)
    assert dropping.isAccepted(), "the list did not take the drop"


def _parts(driver: Driver) -> int:
    """Return the parts that the panel shows as done, of the one upload."""
    shown = [text for text in driver.names("transferView", "Parts") if text]
    return int(shown[0].split("/")[0].replace(",", "")) if shown else 0


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    sys.exit(drive([], begin if sys.argv[1] == "begin" else go_on))
