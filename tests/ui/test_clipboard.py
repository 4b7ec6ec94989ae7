"""Copy, cut, paste and duplicate in the real window over real files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from dalbrowser.profiles import Location
from dalbrowser.session.payload import MIME, Payload, decode, encode
from tests.ui.dragging.hand import files
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

FILES = Location("files")
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Iterator[Driver]:
    """Somebody at the window, over a small tree of files, with an empty clipboard."""
    stage.put("a.txt", b"a" * 10)
    stage.put("b.txt", b"b" * 20)
    stage.put("data/one.csv", b"1,2\n")
    QGuiApplication.clipboard().clear()
    yield Driver(stage, window)
    QGuiApplication.clipboard().clear()


async def at_home(person: Driver) -> None:
    """Open the connection, with what can be done there known."""
    person.window.open_location(FILES)
    await person.listed("data", "a.txt", "b.txt")
    await person.stage.until(person.action("upload").isEnabled, "the capability")


def tree(stage: Stage) -> dict[str, bytes]:
    """Return every file below the connection's folder with its bytes."""
    found = [path for path in stage.files.rglob("*") if path.is_file()]
    return {str(path.relative_to(stage.files)): path.read_bytes() for path in found}


def faint(person: Driver) -> frozenset[str]:
    """Return the names that are drawn faintly."""
    return person.window.view._delegate.cut


def has_places(data: QMimeData | None) -> bool:
    """Whether places are on the clipboard; an empty one has no data at all."""
    return data is not None and data.hasFormat(MIME)


async def press(person: Driver, key: Qt.Key, keys: Qt.KeyboardModifier = CTRL) -> None:
    """Press a key in the list."""
    person.window.activateWindow()
    person.table.setFocus()
    await person.stage.until(person.table.hasFocus, "the focus")
    QTest.keyClick(person.table, key, keys)


def test_copy_and_paste_by_keys(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        person.select("a.txt", "b.txt")
        await press(person, Qt.Key.Key_C)
        data = QGuiApplication.clipboard().mimeData()
        payload = decode(bytes(data.data(MIME).data()))
        assert payload == Payload((FILES.child("a.txt"), FILES.child("b.txt")))
        assert data.text() == "files:a.txt\nfiles:b.txt"
        local = [str(person.stage.files / name) for name in ("a.txt", "b.txt")]
        assert [url.toLocalFile() for url in data.urls()] == local
        gnome = bytes(data.data("x-special/gnome-copied-files").data()).splitlines()
        assert gnome[0] == b"copy"
        assert len(gnome) == 3
        assert faint(person) == frozenset()
        person.open("data")
        await person.listed("one.csv")
        await person.stage.until(person.action("paste").isEnabled, "the capability")
        await press(person, Qt.Key.Key_V)
        await person.listed("a.txt", "b.txt", "one.csv")

    person.stage.run(story())
    found = tree(person.stage)
    assert found["data/a.txt"] == found["a.txt"] == b"a" * 10
    assert found["data/b.txt"] == found["b.txt"] == b"b" * 20


def test_cut_rows_are_faint_until_they_are_pasted_and_then_off_the_clipboard(
    person: Driver,
) -> None:
    async def story() -> None:
        await at_home(person)
        person.select("a.txt")
        await press(person, Qt.Key.Key_X)
        assert faint(person) == {"a.txt"}
        gnome = bytes(
            QGuiApplication.clipboard().mimeData().data("x-special/gnome-copied-files").data()
        )
        assert gnome.startswith(b"cut\n")
        person.open("data")
        await person.listed("one.csv")
        assert faint(person) == frozenset()
        person.do("up")
        await person.listed("data", "a.txt", "b.txt")
        assert faint(person) == {"a.txt"}
        person.select("data")
        await person.stage.until(person.action("paste_into").isEnabled, "one folder")
        await press(person, Qt.Key.Key_V, CTRL | SHIFT)
        await person.listed("data", "b.txt")
        assert faint(person) == frozenset()
        clipboard = QGuiApplication.clipboard()
        await person.stage.until(lambda: not has_places(clipboard.mimeData()), "an empty one")

    person.stage.run(story())
    assert tree(person.stage) == {
        "b.txt": b"b" * 20,
        "data/a.txt": b"a" * 10,
        "data/one.csv": b"1,2\n",
    }


def test_what_was_cut_is_faint_no_more_once_something_else_is_copied(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        person.select("a.txt")
        await press(person, Qt.Key.Key_X)
        assert faint(person) == {"a.txt"}
        person.select("b.txt")
        await press(person, Qt.Key.Key_C)
        assert faint(person) == frozenset()
        await press(person, Qt.Key.Key_X)
        assert faint(person) == {"b.txt"}
        QGuiApplication.clipboard().setText("something else")
        assert faint(person) == frozenset()

    person.stage.run(story())


def test_pasting_what_was_cut_where_it_is_is_refused_and_a_copy_is_kept_beside(
    person: Driver,
) -> None:
    async def story() -> None:
        await at_home(person)
        person.select("a.txt")
        await press(person, Qt.Key.Key_X)
        await press(person, Qt.Key.Key_V)
        await person.says("noticeText", "It is in files: already")
        assert faint(person) == {"a.txt"}
        assert await person.stage.session.transfers.jobs() == []
        await press(person, Qt.Key.Key_C)
        await press(person, Qt.Key.Key_V)
        await person.listed("data", "a (2).txt", "a.txt", "b.txt")
        await press(person, Qt.Key.Key_V)
        await person.listed("data", "a (2).txt", "a (3).txt", "a.txt", "b.txt")

    person.stage.run(story())
    found = tree(person.stage)
    assert found["a (2).txt"] == found["a (3).txt"] == found["a.txt"] == b"a" * 10


def test_duplicates_of_files_and_folders_are_beside_them(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        person.stage.put("data (2)/taken", b"taken")
        person.select("data", "b.txt")
        await press(person, Qt.Key.Key_D)
        await person.stage.until(
            lambda: {"data (3)", "b (2).txt"} <= set(person.names()), "both duplicates"
        )
        await press(person, Qt.Key.Key_D)
        await press(person, Qt.Key.Key_D)
        await person.stage.until(
            lambda: {"data (5)", "b (4).txt"} <= set(person.names()), "four more"
        )
        await person.stage.until(
            lambda: len(tree(person.stage)) == 3 + 1 + 3 + 3, "all of their files"
        )

    person.stage.run(story())
    found = tree(person.stage)
    assert found["data (2)/taken"] == b"taken"
    assert not any(name.startswith("data (2)/one") for name in found)
    for number in (3, 4, 5):
        assert found[f"data ({number})/one.csv"] == b"1,2\n"
    for number in (2, 3, 4):
        assert found[f"b ({number}).txt"] == b"b" * 20


@pytest.mark.parametrize("verb", ["copy", "cut", ""])
def test_files_of_the_desktop_are_uploaded_and_stay_there(
    person: Driver, tmp_path: Path, verb: str
) -> None:
    source = tmp_path / "ä b%.txt"
    source.write_bytes(b"theirs")

    async def story() -> None:
        await at_home(person)
        data = files([source])
        if verb:
            uri = bytes(data.data("text/uri-list").data()).strip()
            data = QMimeData()
            data.setData("x-special/gnome-copied-files", verb.encode() + b"\n" + uri)
        QGuiApplication.clipboard().setMimeData(data)
        await press(person, Qt.Key.Key_V)
        await person.stage.until(lambda: source.name in person.names(), "the file")
        if verb == "cut":
            assert "the originals stay" in person.text("noticeText")

    person.stage.run(story())
    assert tree(person.stage)[source.name] == source.read_bytes() == b"theirs"


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("text/plain", b"hello", "nothing on the clipboard"),
        ("text/uri-list", b"http://127.0.0.1/x\r\n", "Only files of this computer"),
        (MIME, b"\xff", "not a list of places"),
        (MIME, encode(Payload((Location("gone", "b", "k"),))), "not known here"),
    ],
)
def test_what_cannot_be_pasted_is_said(person: Driver, kind: str, data: bytes, why: str) -> None:
    async def story() -> None:
        await at_home(person)
        mime = QMimeData()
        mime.setData(kind, data)
        QGuiApplication.clipboard().setMimeData(mime)
        person.do("paste")
        await person.says("noticeText", why)
        assert await person.stage.session.transfers.jobs() == []

    person.stage.run(story())
    assert len(tree(person.stage)) == 3


def test_a_name_that_is_there_is_asked_about(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        person.stage.put("data/a.txt", b"mine")
        person.select("a.txt")
        await press(person, Qt.Key.Key_C)
        person.select("data")
        await person.stage.until(person.action("paste_into").isEnabled, "one folder")
        person.do("paste_into")
        await person.says("conflictBannerText", "a.txt")
        assert tree(person.stage)["data/a.txt"] == b"mine"
        person.press("conflictKeepBoth")
        await person.stage.until(
            lambda: "data/a (2).txt" in tree(person.stage), "the second of the name"
        )

    person.stage.run(story())
    found = tree(person.stage)
    assert (found["data/a.txt"], found["data/a (2).txt"]) == (b"mine", b"a" * 10)


def test_keys_in_a_text_field_are_the_fields_own(person: Driver) -> None:
    async def story() -> None:
        await at_home(person)
        QGuiApplication.clipboard().setText("b.t")
        field = person.window.filter_edit
        field.setFocus()
        await person.stage.until(field.hasFocus, "the focus")
        QTest.keyClick(field, Qt.Key.Key_V, CTRL)
        assert field.text() == "b.t"
        await person.stage.until(lambda: person.names() == ["b.txt"], "the filter")
        assert person.text("noticeText") == ""
        field.selectAll()
        QTest.keyClick(field, Qt.Key.Key_X, CTRL)
        assert field.text() == ""
        assert QGuiApplication.clipboard().text() == "b.t"

    person.stage.run(story())
