"""What is dragged above the tabs: one that it rests on is shown, and it can fall on any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from dalbrowser.profiles import Location
from tests.ui.test_tabs import Tabber

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

FILES = Location("files")
pytestmark = pytest.mark.filterwarnings("ignore:.*QDrag:DeprecationWarning")


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Tabber:
    """Somebody with two tabs; the second is in front."""
    stage.put("a.txt", b"a")
    stage.put("data/one.csv", b"1")
    person = Tabber(stage, window)

    async def begin() -> None:
        window.open_location(FILES.child("data/"))
        await person.listed("one.csv")
        window.tabs.open(FILES)
        await person.listed("data", "a.txt")
        await stage.until(person.action("upload").isEnabled, "the capability")

    stage.run(begin())
    return person


def dragged(path: Path) -> QMimeData:
    """Return a file as a desktop drags it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    return data


def enter(person: Tabber, data: QMimeData, where: QPoint) -> None:
    """Bring a drag in, and move it once."""
    arguments = (
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(person.strip, QDragEnterEvent(where, *arguments))
    QApplication.sendEvent(person.strip, QDragMoveEvent(where, *arguments))


def test_a_file_dropped_on_a_tab_goes_into_its_folder(person: Tabber, tmp_path: Path) -> None:
    source = tmp_path / "new.bin"
    source.write_bytes(b"new")

    async def story() -> None:
        strip = person.strip
        assert person.drop(strip, [source], strip.tabRect(0).center())
        await person.stage.until((person.stage.files / "data/new.bin").exists, "the upload")
        assert person.tabs() == ["data", "[files]"]
        await person.stage.until(
            lambda: len(person.window.tabs.tabs[0].model.rows) == 2, "the row in the tab behind"
        )
        assert person.names() == ["data", "a.txt"]
        assert source.read_bytes() == b"new"

    person.stage.run(story())


def test_a_drag_that_rests_on_a_tab_shows_it_and_one_that_leaves_does_not(
    person: Tabber, tmp_path: Path
) -> None:
    source = tmp_path / "new.bin"
    source.write_bytes(b"new")

    async def story() -> None:
        strip = person.strip
        data = dragged(source)
        spot = strip.tabRect(0).center()
        enter(person, data, spot)
        QApplication.sendEvent(strip, QDragLeaveEvent())
        assert not strip._drops._timer.isActive()
        enter(person, data, spot)
        assert person.tabs() == ["data", "[files]"]
        await person.stage.until(lambda: person.tabs() == ["[data]", "files"], "the tab to open")
        # On it goes, from the tab to the list that it has opened.
        QApplication.sendEvent(strip, QDragLeaveEvent())
        await person.listed("one.csv")
        port = person.table.viewport()
        assert person.drop(port, [source], QPoint(60, port.height() - 10))
        await person.stage.until((person.stage.files / "data/new.bin").exists, "the upload")

    person.stage.run(story())


def test_a_start_page_and_a_root_of_buckets_take_nothing(person: Tabber, tmp_path: Path) -> None:
    source = tmp_path / "new.bin"
    source.write_bytes(b"new")

    async def story() -> None:
        person.window.tabs.open(None)
        strip = person.strip
        assert person.tabs() == ["data", "files", "[Start]"]
        drop = QDropEvent(
            QPointF(strip.tabRect(2).center()),
            Qt.DropAction.CopyAction,
            dragged(source),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(strip, drop)
        assert not drop.isAccepted()
        await person.stage.until(lambda: not person.stage.session.tasks.live, "rest")
        assert not list(person.stage.files.rglob("new.bin"))

    person.stage.run(story())
