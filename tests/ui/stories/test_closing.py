"""Closing with work under way, the tray, and what is said when a batch ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QDialog, QPushButton

from dalbrowser.app import leaving
from dalbrowser.app.leaving import Leaving
from dalbrowser.profiles import Location
from dalbrowser.transfer import BatchEnded, Direction, JobState
from dalbrowser.ui.transfers.endings import Endings, ending_text
from dalbrowser.ui.tray import Tray
from tests.ui.stories.gate import Gate, gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.servers.raw import RawS3
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person

MIB = 1024 * 1024


class DesktopTray(Tray):
    """The tray of a desktop that has one, or has none."""

    there = True

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []
        super().__init__()

    @property
    def available(self) -> bool:
        return self.there

    @property
    def reasons(self) -> set[str]:
        """Why the icon is shown."""
        return set(self._reasons)

    def tell(self, title: str, text: str, *, bad: bool) -> bool:
        if self.there:
            self.told.append((title, text, bad))
        return self.there


@pytest.fixture
def tray(person: Person) -> Iterator[DesktopTray]:
    assert person.window.isVisible()
    tray = DesktopTray()
    yield tray
    tray.remove()
    tray.deleteLater()


class Exit:
    """The way out of one window, as the program has it."""

    def __init__(self, person: Person, tray: DesktopTray) -> None:
        self.person = person
        self.done = asyncio.get_running_loop().create_future()
        self.leaving = Leaving(person.stage.session, person.window, tray, self.done)

    def dialog(self) -> QDialog | None:
        found = [one for one in self.person.window.findChildren(QDialog) if one.isVisible()]
        return found[0] if found else None

    async def asked(self) -> QDialog:
        await self.person.stage.until(self.dialog, "the question")
        dialog = self.dialog()
        assert dialog is not None
        assert dialog.objectName() == "closingDialog"
        return dialog

    def offered(self) -> set[str]:
        buttons = self.person.window.findChildren(QPushButton)
        return {one.objectName() for one in buttons if one.objectName().startswith("closing")}


@pytest.fixture
def uploading(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, tmp_path: Path
) -> AbstractAsyncContextManager[Gate]:
    """A file of which no more than a part has gone up, for as long as the block runs."""
    source = tmp_path / "large.bin"
    source.write_bytes(b"x" * 40 * MIB)

    @asynccontextmanager
    async def run() -> AsyncIterator[Gate]:
        async with gate(ceph_s3.endpoint) as narrow:
            place = await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            narrow.close_after(12 * MIB)
            person.window.traffic.upload_to([source], place)
            await person.stage.until(lambda: person.jobs() and person.jobs()[0].parts_done, "parts")
            yield narrow

    return run()


def test_nothing_under_way_closes_without_a_question(person: Person, tray: DesktopTray) -> None:
    async def story() -> None:
        out = Exit(person, tray)
        person.window.close()
        assert out.done.done()
        assert out.dialog() is None
        assert person.window.isVisible(), "it is the program that closes it, in the end"

    person.stage.run(story())


def test_cancel_stays_and_asks_again(
    person: Person, tray: DesktopTray, uploading: AbstractAsyncContextManager[Gate]
) -> None:
    async def story() -> None:
        async with uploading:
            out = Exit(person, tray)
            tray.there = False
            person.window.close()
            dialog = await out.asked()
            assert out.offered() >= {"closingCancel", "closingPause"}
            assert "closingTray" not in out.offered(), "there is none to go on in"
            assert "no tray" in person.text("closingText")
            person.press("closingCancel")
            await person.stage.until(lambda: not out.dialog(), "no question")
            assert not out.done.done()
            assert person.jobs()[0].state is JobState.RUNNING
            person.window.close()
            assert await out.asked() is not dialog
            person.press("closingPause")
            await person.stage.until(out.done.done, "the end")
            assert person.stage.session.settings.get("transfers.on_close") == "ask"

    person.stage.run(story())


def test_what_was_dropped_a_moment_before_is_queued_first(
    person: Person, tray: DesktopTray, ceph_s3: S3Server, ceph_bucket: str, tmp_path: Path
) -> None:
    source = tmp_path / "large.bin"
    source.write_bytes(b"x" * 24 * MIB)

    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            place = await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            narrow.close_after(0)
            out = Exit(person, tray)
            person.window.traffic.upload_to([source], place)
            person.window.close()
            person.window.close()
            assert not out.done.done(), "the file would be lost without a word"
            await out.asked()
            assert [job.name for job in person.jobs()] == ["large.bin"]
            person.press("closingPause")
            await person.stage.until(out.done.done, "the end")

    person.stage.run(story())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that says soon what it waits for."""
    monkeypatch.setattr(leaving, "_PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
def test_a_delete_that_was_asked_for_ends_first_and_closing_twice_cuts_it_short(
    person: Person, tray: DesktopTray, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("first.txt", "second.txt"):
        ceph_raw.send("PUT", ceph_bucket, key, body=b"x")

    def delete(key: str) -> None:
        person.select(key)
        person.do("delete")
        person.press("deleteDialogConfirm")

    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            out = Exit(person, tray)
            narrow.close_after(0)
            delete("first.txt")
            person.window.close()
            await person.says("noticeText", "still being done")
            assert not out.done.done()
            narrow.open()
            await person.stage.until(out.done.done, "the end")
            assert ceph_raw.keys(ceph_bucket) == ["second.txt"]
            assert not person.text("noticeText")
            out = Exit(person, tray)
            narrow.close_after(0)
            delete("second.txt")
            person.window.close()
            await person.says("noticeText", "close it again")
            assert not out.done.done()
            person.window.close()
            await person.stage.until(out.done.done, "the end, though nothing answers")
            assert ceph_raw.keys(ceph_bucket) == ["second.txt"]

    person.stage.run(story())


def test_a_window_stays_to_say_that_what_it_waited_for_has_failed(
    person: Person, tray: DesktopTray, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("a.txt", "taken.txt"):
        ceph_raw.send("PUT", ceph_bucket, key, body=b"x")

    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            out = Exit(person, tray)
            narrow.close_after(0)
            model = person.window.model
            model.rename_requested.emit(model.columns.row_of("a.txt"), "taken.txt")
            person.window.close()
            narrow.open()
            await person.says("noticeText", "taken.txt")
            assert not out.done.done()
            person.window.close()
            await person.stage.until(out.done.done, "the end")

    person.stage.run(story())


def test_it_keeps_going_in_the_tray(
    person: Person,
    tray: DesktopTray,
    uploading: AbstractAsyncContextManager[Gate],
    ceph_raw: RawS3,
    ceph_bucket: str,
) -> None:
    async def story() -> None:
        session = person.stage.session
        async with uploading as narrow:
            out = Exit(person, tray)
            endings = Endings(session, person.window, person.panel, tray)
            person.window.close()
            await out.asked()
            person.find(QCheckBox, "closingRemember").setChecked(True)
            person.press("closingTray")
            await person.stage.until(lambda: not person.window.isVisible(), "no window")
            assert not out.done.done()
            assert tray.reasons >= {"hidden window", "work"}
            assert session.settings.get("transfers.on_close") == "tray"
            assert "1 transferring" in tray.tool_tip
            assert "%" in tray.tool_tip
            tray.open_wanted.emit()
            assert person.window.isVisible()
            person.window.close()
            assert not person.window.isVisible()
            assert out.dialog() is None, "it was remembered"
            tray.pause_wanted.emit()
            await person.stage.until(lambda: person.jobs()[0].state is JobState.PAUSED, "paused")
            narrow.open()
            tray.resume_wanted.emit()
            await person.stage.until(lambda: tray.told, "the message")
            assert tray.told == [("Transfers finished", "1 file uploaded, 40.0 MiB", False)]
            tray.transfers_wanted.emit()
            assert person.window.isVisible()
            assert person.panel.isVisible()
            person.window.close()
            assert out.done.done(), "nothing is under way any more"
            endings.stop()

    person.stage.run(story())
    assert ceph_raw.keys(ceph_bucket) == ["large.bin"]


def test_quit_asks_though_the_tray_was_chosen_and_a_signal_does_not(
    person: Person, tray: DesktopTray, uploading: AbstractAsyncContextManager[Gate]
) -> None:
    async def story() -> None:
        person.stage.session.settings.set("transfers.on_close", "tray")
        async with uploading:
            out = Exit(person, tray)
            person.do("quit")
            await out.asked()
            assert not out.done.done()
            out.leaving.end()
            assert out.done.done()
            await person.stage.until(lambda: not out.dialog(), "no question")

    person.stage.run(story())


@pytest.mark.parametrize(
    ("setting", "says"), [("background", False), ("background hidden", True), ("never", False)]
)
def test_who_looks_is_not_told(
    person: Person, tray: DesktopTray, tmp_path: Path, setting: str, says: bool
) -> None:
    setting, _, hidden = setting.partition(" ")
    (tmp_path / "a").write_bytes(b"12345")

    async def story() -> None:
        session = person.stage.session
        session.settings.set("transfers.notifications", setting)
        endings = Endings(session, person.window, person.panel, tray)
        said: list[str] = []
        ended: list[bool] = []
        endings.said.connect(lambda text, _tone: said.append(text))
        endings._timer.timeout.connect(lambda: ended.append(True))
        person.window.activateWindow()
        await person.stage.until(person.window.isActiveWindow, "the window in front")
        person.window.setVisible(not hidden)
        tray.there = False
        ids = await session.transfers.upload([tmp_path / "a"], Location("files", "", "in/"))
        await session.transfers.wait(ids)
        await person.stage.until(lambda: ended, "the ending")
        assert said == (["Transfers finished: 1 file uploaded, 5 B"] if says else [])
        assert tray.told == []
        endings.stop()

    person.stage.run(story())


def test_the_icon_of_a_message_goes_when_the_window_is_turned_to(
    person: Person, tray: DesktopTray
) -> None:
    tray.need("message", True)
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.focusWindowChanged.emit(None)
    assert tray.reasons == {"message"}
    application.focusWindowChanged.emit(person.window.windowHandle())
    assert tray.reasons == set()


def test_what_is_said_counts_all_that_ended() -> None:
    one = BatchEnded(1, done=12, failed=0, skipped=0, cancelled=0, bytes_done=5 * MIB)
    two = BatchEnded(2, done=0, failed=2, skipped=1, cancelled=4, bytes_done=0)
    up = {Direction.UPLOAD}
    assert ending_text([one], up) == "12 files uploaded, 5.00 MiB"
    assert ending_text([two], up) == "0 files uploaded · 2 failed · 1 skipped"
    assert (
        ending_text([one, two], {*up, Direction.COPY})
        == "12 files done, 5.00 MiB · 2 failed · 1 skipped"
    )


def test_what_transfers_say_after_the_tray_was_removed_is_not_shown(
    person: Person,
) -> None:
    assert person.window.isVisible()
    tray = DesktopTray()
    tray.show_work("1 uploading", active=True, resumable=False)
    assert tray.tool_tip == "dalbrowser: 1 uploading"
    tray.remove()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    tray.show_work("1 interrupted", active=False, resumable=True)
    assert tray.tool_tip == "dalbrowser: 1 uploading"
    assert tray.reasons == set()
    tray.deleteLater()
