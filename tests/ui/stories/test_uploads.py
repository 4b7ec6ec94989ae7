"""Incomplete uploads over a real server: seen, aborted, and gone on with from their own file."""

from __future__ import annotations

import asyncio
import hashlib
import random
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QTableWidget

from dalbrowser.app.leaving import Leaving
from dalbrowser.transfer import JobState
from dalbrowser.transfer.uploading import incomplete
from dalbrowser.ui.dialogs import uploads
from dalbrowser.ui.tray import Tray
from tests.ui.stories.gate import gate

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from dalbrowser.transfer.uploading.incomplete import Aborted
    from tests.servers.raw import RawS3
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person

MIB = 1024 * 1024
PART = 5 * MIB


def begin(raw: RawS3, bucket: str, key: str, *parts: bytes) -> str:
    """Begin an upload as another tool would, and leave it."""
    tree = ET.fromstring(raw.send("POST", bucket, key, query={"uploads": ""}).body)  # noqa: S314
    upload = next(item.text or "" for item in tree.iter() if item.tag.endswith("UploadId"))
    for number, data in enumerate(parts, 1):
        query = {"partNumber": str(number), "uploadId": upload}
        assert raw.send("PUT", bucket, key, query=query, body=data).status == 200
    return upload


def rows(person: Person) -> list[list[str]]:
    """Return what the table says."""
    model = person.find(QTableWidget, "uploadsTable").model()
    columns = range(model.columnCount())
    return [
        [str(model.index(row, column).data()) for column in columns]
        for row in range(model.rowCount())
    ]


def pick(person: Person, key: str) -> None:
    """Click the row of a key."""
    table = person.find(QTableWidget, "uploadsTable")
    row = [line[0] for line in rows(person)].index(key)
    spot = table.visualRect(table.model().index(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def test_one_is_aborted_and_one_goes_on(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3, tmp_path: Path
) -> None:
    data = random.Random(1).randbytes(2 * PART + 1000)
    mine = tmp_path / "mine.bin"
    mine.write_bytes(data)
    other = tmp_path / "other.bin"
    other.write_bytes(data[::-1])
    ceph_raw.send("PUT", ceph_bucket, "kept.txt", body=b"kept")
    begin(ceph_raw, ceph_bucket, "gone.bin", b"x" * PART)
    upload = begin(ceph_raw, ceph_bucket, "deep/mine.bin", data[:PART])

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        person.do("incomplete_uploads")
        await person.stage.until(
            lambda: (
                [[line[0], *line[2:4]] for line in rows(person)]
                == [["deep/mine.bin", "1", "5.00 MiB"], ["gone.bin", "1", "5.00 MiB"]]
            ),
            "both, with their parts",
        )
        assert "ago" in rows(person)[0][1]
        pick(person, "gone.bin")
        person.press("uploadsAbort")
        await person.says("abortDialogText", "gone.bin")
        person.press("abortDialogConfirm")
        await person.stage.until(lambda: len(rows(person)) == 1, "the other alone")
        assert ceph_raw.uploads(ceph_bucket) == [("deep/mine.bin", upload)]
        pick(person, "deep/mine.bin")
        person.press("uploadsResume")
        await person.choose([other])
        await person.says("noticeText", "was not begun from")
        assert ceph_raw.uploads(ceph_bucket) == [("deep/mine.bin", upload)]
        pick(person, "deep/mine.bin")
        person.press("uploadsResume")
        await person.choose([mine])
        await person.stage.until(
            lambda: [job.state for job in person.jobs()] == [JobState.DONE], "the upload"
        )
        person.press("uploadsClose")
        await person.stage.until(person.no_dialog, "the end")

    person.stage.run(story())
    assert ceph_raw.uploads(ceph_bucket) == []
    assert sorted(ceph_raw.keys(ceph_bucket)) == ["deep/mine.bin", "kept.txt"]
    whole = ceph_raw.send("GET", ceph_bucket, "deep/mine.bin")
    assert hashlib.sha256(whole.body).digest() == hashlib.sha256(data).digest()
    assert whole.headers["etag"].endswith('-3"')


def test_where_there_are_none_it_says_so(
    person: Person, ceph_s3: S3Server, ceph_bucket: str
) -> None:
    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        person.do("incomplete_uploads")
        await person.says("noticeText", "none here")
        person.press("uploadsClose")
        await person.stage.until(person.no_dialog, "the end")

    person.stage.run(story())


def test_all_that_are_old_go_after_a_count_and_a_yes(
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    ceph_raw: RawS3,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin(ceph_raw, ceph_bucket, "old.bin", b"x" * PART, b"y" * MIB)
    begin(ceph_raw, ceph_bucket, "older.bin", b"x" * PART)
    monkeypatch.setattr(incomplete, "now", lambda: datetime.now(UTC) + timedelta(days=10))

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        person.do("incomplete_uploads")
        total = person.find(QLabel, "uploadsTotal")
        # 11 MiB for ten days.
        wanted = "2 uploads, 11.0 MiB, 0.11 GiB-days so far"
        await person.stage.until(lambda: total.text() == wanted, "the sum")
        assert [line[4] for line in rows(person)] == ["0.06", "0.05"]
        person.edit("uploadsDays", "11")
        QTest.keyClick(person.find(QLineEdit, "uploadsDays"), Qt.Key.Key_Return)
        await person.says("noticeText", "None is older than 11 days")
        person.edit("uploadsDays", "9")
        person.press("uploadsAbortOld")
        labels = person.window.findChildren
        await person.stage.until(lambda: labels(QLabel, "abortDialogText"), "the question")
        await person.says("abortDialogText", "They hold 11.0 MiB, which cost 0.11 GiB-days")
        # What is begun after the question was not in it.
        late = begin(ceph_raw, ceph_bucket, "late.bin", b"z" * PART)
        ceph_raw.send("DELETE", ceph_bucket, "old.bin", query={"uploadId": ids["old.bin"]})
        person.press("abortDialogConfirm")
        await person.says("noticeText", "Aborted 1 of 2.\n1 had ended by themselves.")
        assert ceph_raw.uploads(ceph_bucket) == [("late.bin", late)]
        assert rows(person) == []
        person.press("uploadsClose")
        await person.stage.until(person.no_dialog, "the end")

    ids = dict(ceph_raw.uploads(ceph_bucket))
    person.stage.run(story())


def test_more_than_a_page_are_shown_in_pages(
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    ceph_raw: RawS3,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "PAGE", 2)
    for number in range(5):
        begin(ceph_raw, ceph_bucket, f"u{number}")

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        person.do("incomplete_uploads")
        total, more = person.find(QLabel, "uploadsTotal"), person.find(QPushButton, "uploadsMore")
        for shown, sum_of in ((2, "2+ uploads, 0 B"), (4, "4+ uploads, 0 B")):
            await person.stage.until(lambda: total.text().startswith(sum_of), sum_of)  # noqa: B023
            assert len(rows(person)) == shown
            await person.stage.until(more.isVisible, "the button")
            person.press("uploadsMore")
        await person.stage.until(lambda: len(rows(person)) == 5, "all of them")
        await person.stage.until(lambda: "adding" not in total.text(), "all sums")
        assert total.text().startswith("5 uploads")
        assert not more.isVisible()
        assert [line[0] for line in rows(person)] == [f"u{number}" for number in range(5)]
        person.press("uploadsClose")
        await person.stage.until(person.no_dialog, "the end")

    person.stage.run(story())


def test_what_was_said_yes_to_is_done_when_the_dialog_is_closed(
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    ceph_raw: RawS3,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin(ceph_raw, ceph_bucket, "gone.bin", b"x" * PART)
    closed, ended = asyncio.Event(), asyncio.Event()

    async def later(*given: Any) -> Aborted:
        await closed.wait()
        report = await incomplete.abort_uploads(*given)
        ended.set()
        return report

    monkeypatch.setattr(uploads, "abort_uploads", later)

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        person.do("incomplete_uploads")
        await person.stage.until(lambda: len(rows(person)) == 1, "it")
        pick(person, "gone.bin")
        person.press("uploadsAbort")
        await person.says("abortDialogText", "gone.bin")
        person.press("abortDialogConfirm")
        person.press("uploadsClose")
        await person.stage.until(person.no_dialog, "the end of the dialog")
        closed.set()
        await person.stage.until(ended.is_set, "the end of the upload")
        live = person.stage.session.tasks
        await person.stage.until(
            lambda: not any("incomplete" in name for name in live.live), "the end of its task"
        )

    person.stage.run(story())
    assert ceph_raw.uploads(ceph_bucket) == []


def test_to_resume_one_is_waited_for_by_a_window_that_is_closed(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(random.Random(2).randbytes(7 * MIB))
    begin(ceph_raw, ceph_bucket, "mine.bin", mine.read_bytes()[:PART])

    async def story() -> None:
        async with gate(ceph_s3.endpoint) as narrow:
            await person.enter(ceph_s3, ceph_bucket, narrow.endpoint)
            done = asyncio.get_running_loop().create_future()
            tray = Tray(person.window)
            out = Leaving(person.stage.session, person.window, tray, done)
            person.do("incomplete_uploads")
            await person.stage.until(
                lambda: [line[3] for line in rows(person)] == ["5.00 MiB"], "the upload"
            )
            pick(person, "mine.bin")
            narrow.close_after(0)
            person.press("uploadsResume")
            await person.choose([mine])
            person.press("uploadsClose")
            person.window.close()
            # The requests of the comparison pass, and the second part does not.
            narrow.close_after(64 * 1024)
            await person.stage.until(
                lambda: any(
                    one.isVisible() for one in person.window.findChildren(QLabel, "closingText")
                ),
                "the question",
            )
            assert [job.name for job in person.jobs()] == ["mine.bin"]
            assert not done.done()
            person.press("closingPause")
            await person.stage.until(done.done, "the end")
            tray.remove()
            del out

    person.stage.run(story())
