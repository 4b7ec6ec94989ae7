"""Stories of the window over real files: browse, change, and be told when it goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from dalbrowser.profiles import Location
from dalbrowser.ui.carrying import Carrying
from dalbrowser.ui.clipboard import Clipboard
from dalbrowser.ui.dragging.source import DragSource
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

FILES = Location("files")


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Driver:
    """Somebody at the window, over a small tree of files."""
    stage.put("a.txt", b"a" * 10)
    stage.put("b10.log", b"b" * 2048)
    stage.put("b9.log", b"b")
    stage.put("data/one.csv", b"1,2\n")
    stage.put("data/deep/two.csv", b"3,4\n")
    return Driver(stage, window)


def test_the_first_start_offers_a_beginning(stage: Stage, window: MainWindow) -> None:
    person = Driver(stage, window)

    async def story() -> None:
        assert person.text("statusItems") == ""
        assert not person.action("up").isEnabled()
        person.press("start.home")
        await stage.until(lambda: window.navigator.location == Location("home"), "home")
        await stage.until(lambda: not window.navigator.running, "its listing")

    stage.run(story())


def test_a_window_has_one_clipboard_and_one_source_of_drags(window: MainWindow) -> None:
    for kind in (Carrying, Clipboard, DragSource):
        assert len(window.findChildren(kind)) == 1, kind


def test_browsing_down_up_back_and_forward(person: Driver) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        assert person.text("statusItems") == "4 items"
        assert person.cell("b10.log", 1) == "2.00 KiB"
        assert person.cell("data", 3) == "Folder"
        person.open("data")
        await person.listed("deep", "one.csv")
        person.open("deep")
        await person.listed("two.csv")
        assert person.find(QLineEdit, "pathEdit").text() == "files:data/deep/"
        person.do("up")
        await person.listed("deep", "one.csv")
        assert [window.model.columns.names[row] for row in window.view.selected_rows()] == ["deep/"]
        person.do("back")
        await person.listed("two.csv")
        person.do("back")
        await person.listed("deep", "one.csv")
        person.do("forward")
        await person.listed("two.csv")
        for _ in range(2):
            person.do("up")
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        assert not person.action("up").isEnabled()

    person.stage.run(story())


def test_an_address_is_typed_and_a_wrong_one_is_explained(person: Driver) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.do("edit_path")
        line = person.find(QLineEdit, "pathEdit")
        assert line.isVisible()
        person.edit("pathEdit", "files:data/")
        QTest.keyClick(line, Qt.Key.Key_Return)
        await person.listed("deep", "one.csv")
        window.open_text("files:data/deep")
        await person.listed("two.csv")
        window.open_text("files:b9.log")
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        await person.says("statusSelection", "1 selected, 1 B")
        window.open_text("nobody:here")
        await person.says("noticeText", "nobody")
        assert window.navigator.location == FILES

    person.stage.run(story())


def test_filter_sort_and_the_faces_of_nothing(person: Driver) -> None:
    async def story() -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.do("filter")
        person.edit("filterEdit", "LOG")
        await person.listed("b9.log", "b10.log")
        assert person.text("statusItems") == "4 items · 2 match"
        person.edit("filterEdit", "nothing")
        await person.says("faceTitle", "Nothing matches")
        person.press("faceButton")
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
        await person.listed("data", "b10.log", "a.txt", "b9.log")

    person.stage.run(story())


def test_hidden_files_are_counted_and_shown_on_demand(person: Driver) -> None:
    person.stage.put("data/.secret", b"")

    async def story() -> None:
        person.window.open_location(FILES.child("data/"))
        await person.listed("deep", "one.csv")
        assert person.text("statusItems") == "3 items · 1 hidden"
        person.do("toggle_hidden")
        await person.listed("deep", ".secret", "one.csv")

    person.stage.run(story())


def test_a_new_folder(person: Driver) -> None:
    async def story() -> None:
        person.window.open_location(FILES.child("data/"))
        await person.listed("deep", "one.csv")
        await person.stage.until(person.action("new_folder").isEnabled, "the capability")
        person.do("new_folder")
        person.edit("newFolderName", "deep")
        assert not person.find(QWidget, "newFolderCreate").isEnabled()
        person.edit("newFolderName", " with blank")
        person.press("newFolderCreate")
        await person.listed("␣with blank", "deep", "one.csv")
        assert (person.stage.files / "data" / " with blank").is_dir()

    person.stage.run(story())


def test_a_rename_in_place_and_one_that_is_refused(person: Driver) -> None:
    async def story() -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.select("a.txt")
        await person.stage.until(person.action("rename").isEnabled, "the rename action")
        person.do("rename")
        line = person.find(QLineEdit, "renameEdit")
        assert line.selectedText() == "a"
        person.keys(line, "zoo", then=Qt.Key.Key_Return)
        await person.listed("data", "b9.log", "b10.log", "zoo.txt")
        assert (person.stage.files / "zoo.txt").read_bytes() == b"a" * 10
        person.select("zoo.txt")
        await person.stage.until(person.action("rename").isEnabled, "the rename action")
        person.do("rename")
        line = person.find(QLineEdit, "renameEdit")
        line.selectAll()
        person.keys(line, "b9.log", then=Qt.Key.Key_Return)
        await person.says("noticeText", "already")
        assert (person.stage.files / "b9.log").read_bytes() == b"b"

    person.stage.run(story())


def test_a_delete_asks_with_count_and_bytes_and_can_be_left(person: Driver) -> None:
    async def story() -> None:
        stage = person.stage
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.select("data", "a.txt")
        await stage.until(person.action("delete").isEnabled, "the delete action")
        person.do("delete")
        await person.says("deleteDialogText", "3 items in all")
        assert "18 bytes" in person.text("deleteDialogText")
        person.press("deleteDialogCancel")
        await stage.until(lambda: not stage.session.tasks.live, "rest")
        assert (stage.files / "data/deep/two.csv").exists()
        person.do("delete")
        await person.says("deleteDialogConfirm", "Delete 3 items")
        person.press("deleteDialogConfirm")
        await person.listed("b9.log", "b10.log")
        assert sorted(path.name for path in stage.files.iterdir()) == ["b10.log", "b9.log"]
        assert person.text("statusItems") == "2 items"

    person.stage.run(story())


def test_what_was_confirmed_is_deleted_whatever_the_list_does_meanwhile(person: Driver) -> None:
    async def story() -> None:
        stage = person.stage
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.select("a.txt")
        await stage.until(person.action("delete").isEnabled, "the delete action")
        person.do("delete")
        person.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        person.window.view.selectAll()
        person.press("deleteDialogConfirm")
        await stage.until(lambda: not (stage.files / "a.txt").exists(), "the delete")
        await person.listed("data", "b9.log", "b10.log")

    person.stage.run(story())


def test_an_empty_folder_says_so_until_something_comes(person: Driver) -> None:
    (person.stage.files / "new").mkdir()

    async def story() -> None:
        person.window.open_location(FILES.child("new/"))
        await person.says("faceTitle", "This folder is empty")
        assert person.text("statusItems") == "0 items"
        person.stage.put("new/x", b"x")
        person.do("reload")
        await person.listed("x")

    person.stage.run(story())


def test_a_dead_endpoint_says_what_to_check(person: Driver) -> None:
    from dalbrowser.profiles import Profile

    config = {"endpoint": "http://127.0.0.1:1", "credentials": "anonymous", "bucket": "b"}
    person.stage.session.profiles.save(Profile("dead", "dead", "s3", config))

    async def story() -> None:
        person.window.open_location(Location("dead", "b"))
        await person.says("faceText", "127.0.0.1:1")
        assert person.text("faceTitle") == "Could not be reached"
        assert person.text("statusItems") == "not listed"
        assert person.text("statusError")
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        assert person.text("statusError") == ""

    person.stage.run(story())


def test_the_tree_opens_level_by_level_and_follows(person: Driver) -> None:
    async def story() -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        tree = person.tree
        model = tree.model()
        top = model.index(0, 0)
        assert top.data() == "files"
        tree.expand(top)
        await person.stage.until(lambda: model.index(0, 0, top).data() == "data", "the folders")
        folder = model.index(0, 0, top)
        assert model.rowCount(top) == 1
        QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=person.spot(tree, folder))
        await person.listed("deep", "one.csv")
        person.do("up")
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        assert tree.currentIndex().data() == "files"

    person.stage.run(story())


def test_files_dropped_on_list_folder_and_tree_arrive(person: Driver) -> None:
    async def story() -> None:
        stage = person.stage
        source = stage.files.parent / "desktop"
        source.mkdir()
        for name in ("new.bin", "in-data.bin", "by-tree.bin"):
            (source / name).write_bytes(name.encode())
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        await stage.until(person.action("upload").isEnabled, "the upload action")
        view = person.table
        nowhere = QPoint(50, view.viewport().height() - 10)
        assert person.drop(view.viewport(), [source / "new.bin"], nowhere)
        await person.listed("data", "a.txt", "b9.log", "b10.log", "new.bin")
        folder = person.spot(view, view.model().index(0, 0))
        assert person.drop(view.viewport(), [source / "in-data.bin"], folder)
        arrived = stage.files / "data" / "in-data.bin"
        await stage.until(arrived.exists, "the file in the folder")
        tree = person.tree
        top = person.spot(tree, tree.model().index(0, 0))
        assert person.drop(tree.viewport(), [source / "by-tree.bin"], top)
        await stage.until(lambda: "by-tree.bin" in person.names(), "the file by the tree")
        assert (stage.files / "by-tree.bin").read_bytes() == b"by-tree.bin"
        assert (source / "new.bin").exists()
        assert person.find(QWidget, "transferView").isVisible()

    person.stage.run(story())


def test_a_download_goes_to_the_folder_chosen(person: Driver) -> None:
    async def story() -> None:
        stage = person.stage
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.select("b10.log", "data")
        target = stage.files.parent / "downloads"
        target.mkdir()
        person.window.traffic.download_to(person.window.changes.selected(), target)
        await stage.until((target / "b10.log").exists, "the file")
        await stage.until((target / "data/deep/two.csv").exists, "the folder")
        assert (target / "b10.log").read_bytes() == b"b" * 2048

    person.stage.run(story())


def test_the_menu_of_a_row_has_only_what_can_be_done(person: Driver) -> None:
    async def story() -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        await person.stage.until(person.action("upload").isEnabled, "the capability")
        person.select("data")
        assert not person.action("rename").isEnabled()
        assert not person.action("preview").isEnabled()
        assert person.action("delete").isEnabled()
        spot = person.spot(person.table, person.table.model().index(1, 0))
        person.table.customContextMenuRequested.emit(spot)
        menu = person.find(QMenu, "contextMenu")
        enabled = {entry.objectName() for entry in menu.actions() if entry.isEnabled()}
        assert {"action.open", "action.rename", "action.delete", "action.download"} <= enabled
        menu.close()

    person.stage.run(story())


def test_odd_keys_are_shown_reached_and_copied_exactly(person: Driver) -> None:
    name = "tab\tand \u202etrick"
    person.stage.put(name, b"x")

    async def story() -> None:
        person.window.open_location(FILES)
        await person.stage.until(lambda: len(person.names()) == 5, "the list")
        shown = "tab⟨U+0009⟩and ⟨U+202E⟩trick"
        assert shown in person.names()
        person.select(shown)
        person.do("copy_path")
        assert QGuiApplication.clipboard().text() == f"files:{name}"

    person.stage.run(story())


def test_select_all_and_invert(person: Driver) -> None:
    async def story() -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        person.select("b9.log")
        person.do("invert_selection")
        await person.says("statusSelection", "3 selected, 2.01 KiB and folders")
        person.do("select_all")
        await person.says("statusSelection", "4 selected")
        person.do("stop")
        await person.stage.until(lambda: person.text("statusSelection") == "", "no selection")

    person.stage.run(story())


def test_the_keys_that_everybody_knows(person: Driver) -> None:
    async def story() -> None:
        window, table = person.window, person.table
        window.activateWindow()
        window.open_location(FILES)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        await person.stage.until(table.hasFocus, "the focus")
        QTest.keyClick(table, Qt.Key.Key_Home)
        await person.says("statusSelection", "1 selected")
        QTest.keyClick(table, Qt.Key.Key_Return)
        await person.listed("deep", "one.csv")
        QTest.keyClick(table, Qt.Key.Key_Backspace)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        QTest.keyClick(table, Qt.Key.Key_Slash)
        line = person.find(QLineEdit, "filterEdit")
        await person.stage.until(line.hasFocus, "the filter")
        person.keys(line, "b/9")
        assert line.text() == "b/9"
        QTest.keyClick(line, Qt.Key.Key_Backspace)
        assert window.navigator.location == FILES
        QTest.keyClick(line, Qt.Key.Key_Escape)
        await person.listed("data", "a.txt", "b9.log", "b10.log")
        QTest.keyClick(table, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
        path = person.find(QLineEdit, "pathEdit")
        await person.stage.until(path.hasFocus, "the path")
        assert path.selectedText() == "files:"
        QTest.keyClick(path, Qt.Key.Key_Escape)
        await person.stage.until(table.hasFocus, "the list")
        QTest.keyClicks(table, "b")
        await person.says("statusSelection", "1 selected")

    person.stage.run(story())


def test_closing_asks_first(person: Driver) -> None:
    asked: list[bool] = []
    person.window.close_requested.connect(lambda: asked.append(True))
    person.window.close()
    assert asked == [True]
    assert person.window.isVisible()
    person.window.allow_close()
    person.window.close()
    assert not person.window.isVisible()


def test_a_failed_task_is_said_in_the_window(person: Driver) -> None:
    async def fail() -> None:
        raise ValueError("a defect")

    async def story() -> None:
        person.stage.session.tasks.spawn(fail(), owner="test", name="failing")
        await person.says("noticeText", "a defect")
        person.stage.failures.clear()

    person.stage.run(story())
