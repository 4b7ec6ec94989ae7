"""Stories over real S3 servers: what is changed in the window is changed there, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person


def put(raw: RawS3, bucket: str, *keys: str) -> None:
    """Put objects whose bytes are their keys."""
    for key in keys:
        assert raw.send("PUT", bucket, key, body=key.encode()).status == 200


def test_a_new_folder_is_a_key_of_its_own(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    put(ceph_raw, ceph_bucket, "a.txt")

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        await person.listed("a.txt")
        person.do("new_folder")
        person.edit("newFolderName", "with blank (1)")
        person.press("newFolderCreate")
        await person.listed("with blank (1)", "a.txt")
        person.open("with blank (1)")
        await person.says("faceTitle", "This folder is empty")

    person.stage.run(story())
    assert ceph_raw.keys(ceph_bucket) == ["a.txt", "with blank (1)/"]


def test_a_server_without_folders_says_why_none_can_be_made(
    person: Person, rclone_s3: S3Server, rclone_bucket: str
) -> None:
    async def story() -> None:
        await person.enter(rclone_s3, rclone_bucket)
        await person.says("faceTitle", "empty")
        person.do("new_folder")
        person.edit("newFolderName", "folder")
        person.press("newFolderCreate")
        await person.says("noticeText", "keeps no empty folders")
        person.press("newFolderCancel")
        await person.stage.until(person.no_dialog, "the form to go")

    person.stage.run(story())
    with RawS3(rclone_s3) as raw:
        assert raw.keys(rclone_bucket) == []


def test_a_rename_never_replaces_another_object(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    put(ceph_raw, ceph_bucket, "a.txt", "b.txt", "c/a.txt")

    def rename(name: str, to: str) -> None:
        person.select(name)
        assert person.action("rename").isEnabled()
        person.do("rename")
        line = person.find(QLineEdit, "renameEdit")
        line.selectAll()
        person.keys(line, to, then=Qt.Key.Key_Return)

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        await person.listed("c", "a.txt", "b.txt")
        rename("a.txt", "b.txt")
        await person.says("noticeText", "already")
        rename("a.txt", "z +%.txt")
        await person.listed("c", "b.txt", "z +%.txt")
        await person.says("statusSelection", "1 selected, 5 B")

    person.stage.run(story())
    assert ceph_raw.keys(ceph_bucket) == ["b.txt", "c/a.txt", "z +%.txt"]
    assert ceph_raw.send("GET", ceph_bucket, "b.txt").body == b"b.txt"
    assert ceph_raw.send("GET", ceph_bucket, "z +%.txt").body == b"a.txt"


def test_a_delete_takes_what_was_named_and_nothing_beside_it(
    person: Person, s3_server: S3Server, s3_bucket: str
) -> None:
    kept = ["data.txt", "data2/x", "dat/y", "z"]
    with RawS3(s3_server) as raw:
        put(raw, s3_bucket, "data/1", "data/sub/22", "data/sub/333", "gone.txt", *kept)

    async def story() -> None:
        await person.enter(s3_server, s3_bucket)
        await person.listed("dat", "data", "data2", "data.txt", "gone.txt", "z")
        person.select("data", "gone.txt")
        person.do("delete")
        await person.says("deleteDialogText", "4 items in all")
        assert "37 bytes" in person.text("deleteDialogText")
        assert "data\ngone.txt" in person.text("deleteDialogText")
        person.press("deleteDialogCancel")
        await person.stage.until(person.no_dialog, "the question to go")
        with RawS3(s3_server) as raw:
            assert len(raw.keys(s3_bucket)) == 8
        person.do("delete")
        await person.says("deleteDialogConfirm", "Delete 4 items")
        person.press("deleteDialogConfirm")
        await person.listed("dat", "data2", "data.txt", "z")
        assert person.text("noticeText") == ""

    person.stage.run(story())
    with RawS3(s3_server) as raw:
        assert sorted(raw.keys(s3_bucket)) == sorted(kept)


def test_escape_leaves_a_rename_and_the_delete_key_asks(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    put(ceph_raw, ceph_bucket, "a.txt")

    async def story() -> None:
        await person.enter(ceph_s3, ceph_bucket)
        await person.listed("a.txt")
        person.select("a.txt")
        person.do("rename")
        line = person.find(QLineEdit, "renameEdit")
        person.keys(line, "other", then=Qt.Key.Key_Escape)
        person.window.activateWindow()
        person.table.setFocus()
        await person.stage.until(person.table.hasFocus, "the focus")
        QTest.keyClick(person.table, Qt.Key.Key_Delete)
        await person.says("deleteDialogText", "1 item in all, 5 B (5 bytes)")
        person.press("deleteDialogCancel")
        await person.stage.until(person.no_dialog, "the question to go")

    person.stage.run(story())
    assert ceph_raw.keys(ceph_bucket) == ["a.txt"]
