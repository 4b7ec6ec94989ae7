"""Drops in the real window over real files: what is shown, what is done, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtWidgets import QToolButton

from dalbrowser.profiles import Location, Profile
from dalbrowser.session.payload import MIME
from dalbrowser.ui.dragging.asking import MoveDialog
from tests.ui.dragging.hand import CTRL, NONE, SHIFT, Hand, files, places
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

FILES = Location("files")
COPY, MOVE = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction
IGNORE = Qt.DropAction.IgnoreAction


@pytest.fixture
def other(stage: Stage) -> Path:
    """The folder of another connection, ``other``."""
    folder = stage.files.parent / "other"
    folder.mkdir()
    (folder / "theirs.txt").write_bytes(b"theirs")
    stage.session.profiles.save(Profile("other", "other", "fs", {"root": str(folder)}))
    return folder


@pytest.fixture
def person(stage: Stage, other: Path, window: MainWindow) -> Driver:
    """Somebody at the window, over a small tree of files."""
    assert other.is_dir()
    stage.put("a.txt", b"a" * 10)
    stage.put("b.txt", b"b" * 20)
    stage.put("data/one.csv", b"1,2\n")
    stage.put("data/deep/two.csv", b"3,4\n")
    return Driver(stage, window)


async def at_home(person: Driver) -> None:
    """Open the connection, with what can be done there known."""
    person.window.open_location(FILES)
    await person.listed("data", "a.txt", "b.txt")
    await person.stage.until(person.action("upload").isEnabled, "the capability")


def row(person: Driver, name: str) -> QPoint:
    """Return a point on a row."""
    index = person.table.model().index(person.names().index(name), 0)
    return person.spot(person.table, index)


def hint(person: Driver) -> str:
    """Return what the status line says in passing."""
    return person.window.status.currentMessage()


def crumb(person: Driver, name: str) -> tuple[QWidget, QPoint]:
    """Return the row of parts of the path bar, and a point on one of them."""
    parts = person.window.path_bar.findChildren(QToolButton, "pathPart")
    part = next(one for one in parts if one.accessibleName() == name and one.isVisible())
    bar = part.parentWidget()
    assert bar is not None
    return bar, part.geometry().center()


async def asked(person: Driver) -> None:
    """Wait for the question before a move."""
    await person.stage.until(lambda: person.window.findChildren(MoveDialog), "the question")


def tree(stage: Stage) -> dict[str, bytes]:
    """Return every file below the connection's folder with its bytes."""
    found = [path for path in stage.files.rglob("*") if path.is_file()]
    return {str(path.relative_to(stage.files)): path.read_bytes() for path in found}


def test_a_row_on_a_folder_moves_and_says_so_before(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        view = person.table.viewport()
        hand = Hand(places(person.stage, FILES.child("a.txt")))
        assert hand.hover(view, row(person, "data")) is MOVE
        assert hint(person) == "Move 1 item to files:data/ · Ctrl copies instead"
        assert hand.hover(view, row(person, "data"), CTRL) is COPY
        assert hint(person) == "Copy 1 item to files:data/ · Shift moves instead"
        assert hand.hover(view, row(person, "data"), SHIFT) is MOVE
        hand.leave()
        assert hint(person) == ""
        assert hand.drop(view, row(person, "data"))
        assert hint(person) == ""
        await person.listed("data", "b.txt")

    person.stage.run(story())
    assert tree(person.stage) == {
        "b.txt": b"b" * 20,
        "data/a.txt": b"a" * 10,
        "data/one.csv": b"1,2\n",
        "data/deep/two.csv": b"3,4\n",
    }


def test_ctrl_copies_and_shift_moves_to_another_connection(person: Driver, other: Path) -> None:
    async def story() -> None:
        stage = person.stage
        await at_home(person)
        node = next(
            person.tree.model().index(number, 0)
            for number in range(person.tree.model().rowCount())
            if person.tree.model().index(number, 0).data() == "other"
        )
        spot = person.spot(person.tree, node)
        view = person.tree.viewport()
        hand = Hand(places(stage, FILES.child("a.txt")))
        assert hand.hover(view, spot) is COPY
        assert hint(person) == "Copy 1 item to other: · Shift moves instead"
        assert hand.drop(view, spot, SHIFT)
        await person.listed("data", "b.txt")
        assert (other / "a.txt").read_bytes() == b"a" * 10
        assert Hand(places(stage, FILES.child("b.txt"))).drop(view, spot)
        await stage.until((other / "b.txt").exists, "the copy")
        await person.listed("data", "b.txt")

    person.stage.run(story())
    assert (other / "b.txt").read_bytes() == b"b" * 20
    assert set(tree(person.stage)) == {"b.txt", "data/one.csv", "data/deep/two.csv"}


NOWHERE = (
    (("data/",), CTRL, "data", "A folder cannot be put into itself"),
    (("data/",), NONE, "data", "A folder cannot be put into itself"),
    (("a.txt",), NONE, "", "It is in files: already"),
    (("a.txt", "data/"), SHIFT, "", "It is in files: already"),
)


def test_what_makes_no_sense_is_refused_with_its_reason(person: Driver) -> None:
    before = None

    async def story() -> None:
        nonlocal before
        await at_home(person)
        before = tree(person.stage)
        view = person.table.viewport()
        for names, keys, where, why in NOWHERE:
            spot = row(person, where) if where else QPoint(40, view.height() - 8)
            hand = Hand(places(person.stage, *(FILES.child(name) for name in names)))
            assert hand.hover(view, spot, keys) is IGNORE
            assert hint(person) == why
            assert not hand.let_go(view, spot, keys)
            await person.says("noticeText", why)
            person.window.pages.notice.clear()
        assert await person.stage.session.transfers.jobs() == []

    person.stage.run(story())
    assert tree(person.stage) == before


FOREIGN = (
    (MIME, b"{}", "not a list of places"),
    (MIME, b'{"version":1,"move":true,"places":[["gone","","a"]]}', "not known here"),
    (MIME, b'{"version":1,"move":true,"places":[["files","",""]]}', "whole bucket"),
    ("text/uri-list", b"https://example.org/a.txt\r\n", "Only files of this computer"),
    ("text/uri-list", b"file://elsewhere/a.txt\r\n", "Only files of this computer"),
    ("text/uri-list", b"", "no files or folders"),
    ("text/plain", b"a.txt", "no files or folders"),
    ("application/x-foreign", b"\0\1", "no files or folders"),
)


def test_what_is_malformed_or_foreign_is_refused_and_said(person: Driver) -> None:
    before = None

    async def story() -> None:
        nonlocal before
        await at_home(person)
        before = tree(person.stage)
        view = person.table.viewport()
        for kind, data, why in FOREIGN:
            mime = QMimeData()
            mime.setData(kind, data)
            hand = Hand(mime)
            assert hand.hover(view, row(person, "data")) is IGNORE
            assert why in hint(person)
            assert not hand.let_go(view, row(person, "data"))
            await person.says("noticeText", why)
            person.window.pages.notice.clear()
        assert await person.stage.session.transfers.jobs() == []

    person.stage.run(story())
    assert tree(person.stage) == before


def test_files_go_onto_a_part_of_the_path(person: Driver, tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "new.txt").write_bytes(b"new")
        await at_home(person)
        person.open("data")
        await person.listed("deep", "one.csv")
        hand = Hand(files([tmp_path / "new.txt"]))
        bar, spot = crumb(person, "files")
        assert hand.hover(bar, spot) is COPY
        assert hint(person) == "Upload 1 item to files:"
        marked = [
            part.accessibleName()
            for part in person.window.path_bar.findChildren(QToolButton, "pathPart")
            if part.property("dropping")
        ]
        assert marked == ["files"]
        assert hand.drop(bar, spot)
        await person.stage.until((person.stage.files / "new.txt").exists, "the file")
        assert Hand(places(person.stage, Location("files", "", "data/one.csv"))).drop(bar, spot)
        await person.listed("deep")

    person.stage.run(story())
    found = tree(person.stage)
    assert (found["new.txt"], found["one.csv"]) == (b"new", b"1,2\n")
    assert "data/one.csv" not in found


def test_a_folder_opens_when_a_drag_rests_on_it(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        view = person.table.viewport()
        hand = Hand(places(person.stage, FILES.child("b.txt")))
        spot = row(person, "data")
        assert hand.hover(view, spot) is MOVE
        await person.listed("deep", "one.csv")
        # Without another move it goes into the folder that opened, not into what is there now.
        assert hand.let_go(view, spot)
        await person.listed("deep", "b.txt", "one.csv")

    person.stage.run(story())
    assert "data/b.txt" in tree(person.stage)


def test_the_tree_expands_under_a_drag_and_keeps_its_selection(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        model = person.tree.model()
        top = next(
            model.index(number, 0)
            for number in range(model.rowCount())
            if model.index(number, 0).data() == "files"
        )
        hand = Hand(places(person.stage, FILES.child("b.txt")))
        spot = person.spot(person.tree, top)
        assert hand.hover(person.tree.viewport(), spot) is IGNORE
        await person.stage.until(
            lambda: model.index(0, 0, top).data() == "data", "the folder in the tree"
        )
        folder = person.spot(person.tree, model.index(0, 0, top))
        assert hand.drop(person.tree.viewport(), folder)
        await person.listed("data", "a.txt")
        assert person.tree.currentIndex().data() == "files"

    person.stage.run(story())
    assert "data/b.txt" in tree(person.stage)


def test_leaving_forgets_the_folder_that_would_open(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        hand = Hand(places(person.stage, FILES.child("b.txt")))
        hand.hover(person.table.viewport(), row(person, "data"))
        hand.leave()
        bar, spot = crumb(person, "files")
        hand.hover(bar, spot)
        await person.stage.until(lambda: not person.window.navigator.running, "the reload")
        assert person.window.navigator.location == FILES
        hand.leave()

    person.stage.run(story())


def test_a_folder_is_moved_after_a_question_with_its_count(person: Driver) -> None:
    async def story() -> None:
        stage = person.stage
        await at_home(person)
        (stage.files / "target").mkdir()
        person.do("reload")
        await person.listed("data", "target", "a.txt", "b.txt")
        view = person.table.viewport()
        mime = places(stage, FILES.child("data/"), FILES.child("a.txt"))
        assert Hand(mime).drop(view, row(person, "target"))
        await asked(person)
        await person.says("moveDialogText", "3 items in all, 18 B")
        await person.says("moveDialogConfirm", "Move 3 items")
        person.press("moveDialogCancel")
        await stage.until(lambda: not person.window.findChildren(MoveDialog), "its end")
        assert await stage.session.transfers.jobs() == []
        assert Hand(mime).drop(view, row(person, "target"))
        await asked(person)
        await person.says("moveDialogText", "3 items in all")
        person.press("moveDialogConfirm")
        await person.listed("target", "b.txt")

    person.stage.run(story())
    assert tree(person.stage) == {
        "b.txt": b"b" * 20,
        "target/a.txt": b"a" * 10,
        "target/data/one.csv": b"1,2\n",
        "target/data/deep/two.csv": b"3,4\n",
    }


def test_the_empty_folder_takes_a_drop_too(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        (person.stage.files / "data/deep/two.csv").unlink()
        person.open("data")
        await person.listed("deep", "one.csv")
        person.open("deep")
        await person.says("faceTitle", "This folder is empty")
        placeholder = next(
            one for one in person.window.pages.findChildren(type(person.window.pages._placeholder))
        )
        hand = Hand(places(person.stage, FILES.child("a.txt")))
        assert hand.hover(placeholder, QPoint(50, 50)) is MOVE
        assert placeholder.property("dropping")
        assert hand.drop(placeholder, QPoint(50, 50))
        await person.listed("a.txt")

    person.stage.run(story())
    assert "data/deep/a.txt" in tree(person.stage)
