"""*Copy to…* and *Move to…* over real S3 servers: to the place chosen in the tree, all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton, QTreeView

from dalbrowser.ui.dialogs.newfolder import NewFolderDialog
from dalbrowser.ui.dragging.asking import MoveDialog
from dalbrowser.ui.notice import Notice
from dalbrowser.ui.sidebar.model import SidebarModel
from dalbrowser.ui.sidebar.tree import SidebarTree
from tests.servers.raw import RawS3

CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server
    from tests.ui.stories.person import Person


async def pick(person: Person, *names: str, listed: bool = False) -> None:
    """Click a place in the dialog's tree; ``listed``: one whose level was opened by itself."""
    tree = person.find(QTreeView, "destinationTree")
    for depth in range(1, len(names)):
        if not listed:
            tree.expand(person.node(*names[:depth], tree=tree))
        way = names[: depth + 1]

        def there(way: tuple[str, ...] = way) -> bool:
            return person.node(*way, tree=tree).isValid()

        await person.stage.until(there, f"{way} in the tree")
    spot = person.spot(tree, person.node(*names, tree=tree))
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def verb(person: Person) -> QPushButton:
    return person.find(QPushButton, "destinationConfirm")


def test_what_is_selected_is_copied_to_another_server(  # noqa: PLR0917 -- fixtures
    person: Person,
    ceph_s3: S3Server,
    ceph_bucket: str,
    ceph_raw: RawS3,
    rclone_s3: S3Server,
    rclone_bucket: str,
) -> None:
    tree = {"trip/1 é": b"1", "trip/deep/2": b"22", "a.txt": b"a", "b.txt": b"b"}
    for key, data in tree.items():
        ceph_raw.put(ceph_bucket, key, data)
    with RawS3(rclone_s3) as raw:
        raw.put(rclone_bucket, "in/kept", b"kept")

    async def story() -> None:
        await person.connect(rclone_s3, name="far")
        await person.enter(ceph_s3, ceph_bucket)
        await person.listed("trip", "a.txt", "b.txt")
        person.select("trip", "a.txt")
        person.do("copy_to")
        assert person.text("destinationText") == f"Duplicate 2 items in work:{ceph_bucket}/"
        await pick(person, "far")
        assert "Files go into a bucket" in person.text("destinationText")
        assert not verb(person).isEnabled()
        await pick(person, "far", rclone_bucket, "in")
        assert person.text("destinationText") == f"Copy 2 items to far:{rclone_bucket}/in/"
        person.select("b.txt")
        person.press("destinationConfirm")
        await person.all_done(2)

    person.stage.run(story())
    assert ceph_raw.objects(ceph_bucket) == tree
    with RawS3(rclone_s3) as raw:
        assert raw.objects(rclone_bucket) == {
            "in/kept": b"kept",
            "in/a.txt": b"a",
            "in/trip/1 é": b"1",
            "in/trip/deep/2": b"22",
        }


def test_a_file_and_a_folder_are_moved_within_a_bucket(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("trip/1", "trip/deep/2", "other/x", "trip2/y"):
        ceph_raw.put(ceph_bucket, key, key.encode())

    async def story() -> None:
        here = await person.enter(ceph_s3, ceph_bucket)
        await person.listed("other", "trip", "trip2")
        person.open("trip")
        await person.listed("deep", "1")
        await person.stage.until(person.action("upload").isEnabled, "the capability")
        person.select("1")
        person.do("move_to")
        assert person.text("destinationText") == f"It is in work:{ceph_bucket}/trip/ already"
        assert not verb(person).isEnabled()
        # What is beside the way to the place shown is listed without being opened, and takes
        # nobody away from where they are by then.
        await pick(person, "work")
        tree = person.find(SidebarTree, "destinationTree")
        model = tree.model()
        assert isinstance(model, SidebarModel)
        bucket = model.node_at(person.node("work", ceph_bucket, tree=tree))
        assert not model.is_loaded(bucket)
        await person.stage.until(lambda: model.is_loaded(bucket), "the folders of the bucket")
        assert "Files go into a bucket" in person.text("destinationText")
        await pick(person, "work", ceph_bucket, "other", listed=True)
        person.press("destinationConfirm")
        await person.all_done(1)
        await person.listed("deep")

        person.window.open_location(here)
        await person.listed("other", "trip", "trip2")
        await person.stage.until(person.action("upload").isEnabled, "the capability")
        person.select("trip")
        person.do("move_to")
        await pick(person, "work", ceph_bucket, "trip")
        assert person.text("destinationText") == "A folder cannot be put into itself"
        assert not verb(person).isEnabled()
        await pick(person, "work", ceph_bucket, "other")
        QTest.keyClick(person.find(QTreeView, "destinationTree"), Qt.Key.Key_Return)
        await person.stage.until(lambda: person.window.findChildren(MoveDialog), "the question")
        await person.says("moveDialogText", "1 item in all")
        assert set(ceph_raw.keys(ceph_bucket)) == {"other/1", "trip/deep/2", "other/x", "trip2/y"}
        person.press("moveDialogConfirm")
        await person.listed("other", "trip2")
        await person.all_done(2)

    person.stage.run(story())
    assert ceph_raw.objects(ceph_bucket) == {
        "other/x": b"other/x",
        "other/1": b"trip/1",
        "other/trip/deep/2": b"trip/deep/2",
        "trip2/y": b"trip2/y",
    }


def test_a_folder_is_made_where_things_are_to_go(
    person: Person, ceph_s3: S3Server, ceph_bucket: str, ceph_raw: RawS3
) -> None:
    for key in ("old/x", "taken/y", "f.txt"):
        ceph_raw.put(ceph_bucket, key, key.encode())

    async def story() -> None:
        here = await person.enter(ceph_s3, ceph_bucket)
        await person.listed("old", "taken", "f.txt")
        person.select("f.txt")
        person.do("move_to")
        make = person.find(QPushButton, "destinationNewFolder")
        tree = person.find(SidebarTree, "destinationTree")
        await pick(person, "work")
        assert not make.isEnabled()
        await pick(person, "work", ceph_bucket)
        assert make.isEnabled()
        assert not verb(person).isEnabled()  # It is there already; a folder beside it is not.
        await person.stage.until(tree.window().isActiveWindow, "the dialog")
        QTest.keyClick(tree, Qt.Key.Key_N, CONTROL_SHIFT)
        await person.stage.until(
            lambda: person.node("work", ceph_bucket, "old", tree=tree).isValid(), "its folders"
        )
        person.edit("newFolderName", "taken")
        note = person.find(Notice, "newFolderDialogNote")
        assert note.text == "There is a folder of that name."
        assert not person.find(QPushButton, "newFolderCreate").isEnabled()
        person.edit("newFolderName", "x" * 1100)
        person.press("newFolderCreate")
        await person.stage.until(lambda: note.text, "the reason")
        assert "takes no such key" in note.text
        assert len(note.text) < 400
        assert person.find(QLineEdit, "newFolderName").hasFocus()
        person.find(QLineEdit, "newFolderName").setText("new é")
        person.press("newFolderCreate")
        await person.stage.until(lambda: not person.window.findChildren(NewFolderDialog), "its end")
        assert tree.place_at(tree.currentIndex()) == here.child("new é/")
        assert person.text("destinationText") == f"Move 1 item to work:{ceph_bucket}/new é/"
        await person.listed("new é", "old", "taken", "f.txt")
        QTest.keyClick(tree, Qt.Key.Key_Return)
        await person.listed("new é", "old", "taken")
        await person.all_done(1)

    person.stage.run(story())
    assert ceph_raw.objects(ceph_bucket) == {
        "new é/": b"",
        "new é/f.txt": b"f.txt",
        "old/x": b"old/x",
        "taken/y": b"taken/y",
    }
