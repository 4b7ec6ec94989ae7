"""Rows dragged away: what is carried, what is staged for other programs, what is said.

The window system's own loop is stood in for by an event loop of Qt's, nested just as deep;
everything else is real: the window, its tasks, the engine that downloads.
"""

from __future__ import annotations

import asyncio
import stat
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from dalbrowser.profiles import Location, Profile
from dalbrowser.session import staging as limits
from dalbrowser.session.payload import MIME, decode
from dalbrowser.ui.dragging.source import Stage as Step
from tests.servers.raw import RawS3
from tests.ui.dragging.hand import Hand
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QDrag

    from dalbrowser.ui.window import MainWindow
    from tests.servers.s3_server import S3Server
    from tests.ui.stage import Stage

FILES = Location("files")
NONE = Qt.KeyboardModifier.NoModifier
BYTES = {"a b%.txt": b"a" * 300, "sub/c.bin": bytes(range(256)), "large.bin": b"l" * 1000}
COPY, MOVE = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction
IGNORE = Qt.DropAction.IgnoreAction
_PATIENCE = 10_000
"""Milliseconds."""


class Flight:
    """What happens between the mouse's press and its release; tasks of the window go on."""

    def __init__(self, window: MainWindow, course: Callable[[Flight], Qt.DropAction]) -> None:
        self.window = window
        self.source = window.carrying.source
        self.course = course
        self.flown = 0
        self.allowed: Qt.DropAction | None = None
        self.mime: QMimeData | None = None
        self.source.run = self.fly

    def fly(self, drag: QDrag, allowed: Qt.DropAction, _usual: Qt.DropAction) -> Qt.DropAction:
        """Be the window system."""
        self.flown += 1
        self.allowed, self.mime = allowed, drag.mimeData()
        done = self.course(self)
        QTest.mouseRelease(self.window.view.viewport(), Qt.MouseButton.LeftButton)
        return done

    def until(self, condition: Callable[[], object]) -> None:
        """Run a nested loop, as a drag does, until something is true."""
        loop, clock, end = QEventLoop(), QTimer(), QTimer()
        clock.timeout.connect(lambda: loop.quit() if condition() else None)
        clock.start(5)
        end.setSingleShot(True)
        end.timeout.connect(loop.quit)
        end.start(_PATIENCE)
        loop.exec()
        clock.stop()
        end.stop()
        assert condition()

    def leave(self) -> None:
        """Leave the window."""
        QApplication.sendEvent(self.window.windowHandle(), QDragLeaveEvent())

    def paths(self) -> list[str]:
        """Return the local files that another program would be given now."""
        assert self.mime is not None
        return [url.toLocalFile() for url in self.mime.urls()]


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Driver:
    """Somebody at the window, over files."""
    stage.put("a.txt", b"a" * 10)
    stage.put("data/one.csv", b"1,2\n")
    return Driver(stage, window)


@pytest.fixture
def far(person: Driver, rclone_s3: S3Server, rclone_bucket: str) -> Location:
    """A bucket with some objects, by a connection of its own."""
    with RawS3(rclone_s3) as raw:
        for key, data in BYTES.items():
            assert raw.send("PUT", rclone_bucket, key, body=data).status == 200
    config = rclone_s3.operator_config(rclone_bucket)
    secret = {"secret_access_key": config.pop("secret_access_key")}
    session = person.stage.session
    session.profiles.save(Profile("far", "far", "s3", config))
    person.stage.run(session.secrets.set("far", secret))
    return Location("far", rclone_bucket)


def pull(person: Driver, *names: str) -> None:
    """Select rows, press on the last of them and pull."""
    person.select(*names)
    view = person.table.viewport()
    index = person.table.model().index(person.names().index(names[-1]), 0)
    start = person.table.visualRect(index).center()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in range(1, 8):
        QTest.mouseMove(view, start + QPoint(6 * step, 0))


async def flown(person: Driver, flight: Flight) -> None:
    """Wait for the end of a drag."""
    await person.stage.until(lambda: flight.flown and not flight.source.under_way, "the drag's end")


def staged(person: Driver) -> list[Path]:
    """Return every file in the staging folder."""
    cache = person.stage.session.folders.cache
    return sorted(path for path in (cache / "dragged").rglob("*") if path.is_file())


def test_rows_carry_their_places_and_local_files_as_they_are(person: Driver) -> None:
    def course(flight: Flight) -> Qt.DropAction:
        assert flight.mime is not None
        payload = decode(bytes(flight.mime.data(MIME).data()))
        assert payload.places == (FILES.child("data/"), FILES.child("a.txt"))
        assert not payload.move
        files = person.stage.files
        assert flight.paths() == [str(files / "data"), str(files / "a.txt")]
        assert flight.source.stage is Step.LOCAL
        assert flight.allowed == COPY | MOVE
        view = person.table.viewport()
        row = person.spot(person.table, person.table.model().index(0, 0))
        hand = Hand(flight.mime)
        assert hand.hover(view, row) is IGNORE
        # As it is when the button is released there.
        hand.leave()
        return IGNORE

    async def story() -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt")
        flight = Flight(person.window, course)
        pull(person, "data", "a.txt")
        await flown(person, flight)
        await person.says("noticeText", "A folder cannot be put into itself")
        assert flight.flown == 1

    person.stage.run(story())
    assert staged(person) == []


def test_objects_are_staged_when_they_leave_the_window_and_only_then(
    person: Driver, far: Location
) -> None:
    def course(flight: Flight) -> Qt.DropAction:
        assert flight.mime is not None
        assert flight.mime.hasUrls()
        assert flight.paths() == []
        QApplication.sendEvent(person.window.windowHandle(), QDragLeaveEvent())
        enter = QDragEnterEvent(QPoint(5, 5), COPY, flight.mime, Qt.MouseButton.LeftButton, NONE)
        QApplication.sendEvent(person.window.windowHandle(), enter)
        assert not flight.source.outside
        assert flight.source.stage is Step.WAITING
        flight.leave()
        flight.until(lambda: flight.source.stage is Step.FETCHING)
        assert "Preparing 2 items" in person.window.status.currentMessage()
        assert flight.paths() == []
        flight.until(lambda: flight.source.stage is Step.READY)
        assert [Path(path).name for path in flight.paths()] == ["sub", "a b%.txt"]
        for path in flight.paths():
            found = Path(path)
            if found.is_dir():
                assert (found / "c.bin").read_bytes() == BYTES["sub/c.bin"]
            else:
                assert found.read_bytes() == BYTES["a b%.txt"]
        return COPY

    async def story() -> None:
        person.window.open_location(far)
        await person.listed("sub", "a b%.txt", "large.bin")
        flight = Flight(person.window, course)
        pull(person, "sub", "a b%.txt")
        await flown(person, flight)
        assert person.text("noticeText") == ""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        person.stage.run(story())
    found = staged(person)
    assert [path.name for path in found] == ["a b%.txt", "c.bin"]
    root = person.stage.session.folders.cache / "dragged"
    assert (
        stat.S_IMODE(root.stat().st_mode) == stat.S_IMODE(found[0].parent.stat().st_mode) == 0o700
    )
    person.window.allow_close()
    for thread in threading.enumerate():
        if thread.name == "remove staged files":
            thread.join()
    assert staged(person) == []


def test_who_lets_go_too_early_is_told_and_finds_them_ready(person: Driver, far: Location) -> None:
    def too_early(flight: Flight) -> Qt.DropAction:
        flight.leave()
        flight.until(lambda: flight.source.stage is Step.FETCHING)
        return IGNORE

    def in_time(flight: Flight) -> Qt.DropAction:
        flight.leave()
        flight.until(lambda: flight.source.stage is Step.READY)
        assert Path(flight.paths()[0]).read_bytes() == BYTES["a b%.txt"]
        return COPY

    async def story() -> None:
        person.window.open_location(far)
        await person.listed("sub", "a b%.txt", "large.bin")
        flight = Flight(person.window, too_early)
        pull(person, "a b%.txt")
        await flown(person, flight)
        await person.says("noticeText", "drag it to the other program once more")
        jobs = len(await person.stage.session.transfers.jobs())
        flight = Flight(person.window, in_time)
        pull(person, "a b%.txt")
        await flown(person, flight)
        # They were not fetched again.
        assert len(await person.stage.session.transfers.jobs()) == jobs == 1

    person.stage.run(story())


def test_too_much_is_offered_as_a_download(
    person: Driver, far: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES", 999)

    def course(flight: Flight) -> Qt.DropAction:
        assert flight.mime is not None
        assert flight.source.stage is Step.TOO_LARGE
        assert not flight.mime.hasUrls()
        flight.leave()
        flight.until(lambda: flight.source.outside)
        return IGNORE

    async def story() -> None:
        person.window.open_location(far)
        await person.listed("sub", "a b%.txt", "large.bin")
        flight = Flight(person.window, course)
        pull(person, "large.bin")
        await flown(person, flight)
        await person.says("noticeText", "too much to be dragged")
        person.press("noticeButton")
        await person.stage.until(
            lambda: any(one.isVisible() for one in person.window.findChildren(QFileDialog)),
            "the question where to",
        )
        assert await person.stage.session.transfers.jobs() == []

    person.stage.run(story())
    assert staged(person) == []


def test_a_failure_of_the_service_is_said(person: Driver, far: Location) -> None:
    def course(flight: Flight) -> Qt.DropAction:
        flight.leave()
        flight.until(lambda: flight.source.stage is Step.FAILED)
        assert "could not be fetched" in person.window.status.currentMessage()
        assert flight.paths() == []
        return IGNORE

    async def story() -> None:
        person.window.open_location(far)
        await person.listed("sub", "a b%.txt", "large.bin")
        await (await person.stage.session.operator(far)).delete("a b%.txt")
        flight = Flight(person.window, course)
        pull(person, "a b%.txt")
        await flown(person, flight)

    person.stage.run(story())
    assert staged(person) == []


def test_a_bucket_cannot_be_pulled(person: Driver, rclone_s3: S3Server, rclone_bucket: str) -> None:
    config = rclone_s3.operator_config()
    secret = {"secret_access_key": config.pop("secret_access_key")}
    del config["bucket"]
    session = person.stage.session
    session.profiles.save(Profile("all", "all", "s3", config))

    async def story() -> None:
        await session.secrets.set("all", secret)
        person.window.open_location(Location("all"))
        await person.stage.until(lambda: rclone_bucket in person.names(), "the bucket")
        flight = Flight(person.window, lambda _flight: IGNORE)
        pull(person, rclone_bucket)
        await asyncio.sleep(0)
        QApplication.sendPostedEvents()
        QTest.mouseRelease(person.table.viewport(), Qt.MouseButton.LeftButton)
        assert flight.flown == 0

    person.stage.run(story())
