"""The window without a mouse: where the keyboard goes on, and what Enter and Escape mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
)

from dalbrowser.profiles import Location
from dalbrowser.ui.entries import typeahead
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

NAMES = [f"{number:02}.txt" for number in range(60)]


class Typist(Driver):
    """Somebody without a mouse."""

    async def begin(self) -> None:
        """Open a folder of sixty files, with the keyboard in the list."""
        for name in NAMES:
            self.stage.put(name, b"x")
        self.window.activateWindow()
        self.window.open_location(Location("files"))
        await self.listed(*NAMES)
        await self.stage.until(self.action("upload").isEnabled, "the capability")
        await self.stage.until(self.table.hasFocus, "the keyboard in the list")

    def chosen(self) -> list[str]:
        """Return the names that are selected."""
        columns = self.window.model.columns
        return [columns.names[row] for row in self.window.view.selected_rows()]

    def press_key(
        self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        """Press a key where the keyboard is."""
        QTest.keyClick(QApplication.focusWidget() or self.table, key, keys)

    async def dialog(self) -> QDialog:
        """Wait for a dialog, and give it the keyboard as a desktop does."""
        shown: list[QDialog] = []

        def found() -> bool:
            shown[:] = [one for one in self.window.findChildren(QDialog) if one.isVisible()]
            return bool(shown)

        await self.stage.until(found, "a dialog")
        shown[0].activateWindow()
        await self.stage.until(shown[0].isActiveWindow, "its keyboard")
        return shown[0]


@pytest.fixture
def typist(stage: Stage, window: MainWindow) -> Typist:
    """Somebody without a mouse at the window."""
    return Typist(stage, window)


def test_who_deletes_one_goes_on_from_the_next(typist: Typist) -> None:
    async def story() -> None:
        await typist.begin()
        typist.select("40.txt")
        bar = typist.table.verticalScrollBar()
        bar.setValue(32 * 30)
        typist.press_key(Qt.Key.Key_Delete)
        dialog = await typist.dialog()
        yes = dialog.findChild(QPushButton, "deleteDialogConfirm")
        assert isinstance(yes, QPushButton)
        assert not yes.hasFocus()
        typist.press_key(Qt.Key.Key_Tab)
        await typist.stage.until(yes.hasFocus, "the way to the yes")
        typist.press_key(Qt.Key.Key_Return)
        await typist.listed(*(name for name in NAMES if name != "40.txt"))
        assert typist.chosen() == [], "the next Delete must not take another one"
        assert bar.value() == 32 * 30
        typist.window.activateWindow()
        await typist.stage.until(typist.table.hasFocus, "the keyboard in the list")
        typist.press_key(Qt.Key.Key_Down)
        assert typist.chosen() == ["42.txt"]
        # What was at the top of the list goes too.
        bar.setValue(32 * 30)
        typist.select("30.txt", "31.txt")
        bar.setValue(32 * 30)
        typist.window.changes.forget([Location("files", "", f"{n}.txt") for n in (30, 31)])
        assert bar.value() == 32 * 30

    typist.stage.run(story())


def test_enter_on_the_safe_answer_is_a_no(typist: Typist) -> None:
    async def story() -> None:
        await typist.begin()
        typist.select("40.txt")
        typist.press_key(Qt.Key.Key_Delete)
        dialog = await typist.dialog()
        typist.press_key(Qt.Key.Key_Return)
        await typist.stage.until(lambda: not dialog.isVisible(), "its end")
        typist.do("reload")
        await typist.listed(*NAMES)

    typist.stage.run(story())


def test_shift_with_home_and_end_selects_to_there(typist: Typist) -> None:
    async def story() -> None:
        await typist.begin()
        typist.select("10.txt")
        shift = Qt.KeyboardModifier.ShiftModifier
        typist.press_key(Qt.Key.Key_Down, shift)
        typist.press_key(Qt.Key.Key_End, shift)
        assert typist.chosen() == NAMES[10:]
        typist.press_key(Qt.Key.Key_Home, shift)
        assert typist.chosen() == NAMES[:11]
        typist.press_key(Qt.Key.Key_End)
        assert typist.chosen() == NAMES[-1:]

    typist.stage.run(story())


def test_escape_leaves_the_filter_and_shows_everything(typist: Typist) -> None:
    async def story() -> None:
        await typist.begin()
        typist.press_key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        edit = typist.find(QLineEdit, "filterEdit")
        await typist.stage.until(edit.hasFocus, "the keyboard in the filter")
        typist.keys(edit, "07")
        await typist.listed("07.txt")
        typist.press_key(Qt.Key.Key_Escape)
        await typist.listed(*NAMES)
        assert typist.table.hasFocus()

    typist.stage.run(story())


def test_the_row_with_the_keyboard_is_marked_in_whichever_cell_it_is(typist: Typist) -> None:
    def bar() -> str:
        place = typist.table.visualRect(typist.table.model().index(5, 0))
        picture = typist.table.viewport().grab(place).toImage()
        return picture.pixelColor(1, picture.height() // 2).name()

    async def story() -> None:
        await typist.begin()
        typist.select("04.txt")
        other = bar()
        typist.select("05.txt")
        marked = bar()
        assert marked != other
        typist.press_key(Qt.Key.Key_Right)
        assert typist.table.currentIndex().column() > 0
        assert bar() == marked

    typist.stage.run(story())


def test_enter_presses_the_button_of_a_face(typist: Typist) -> None:
    async def story() -> None:
        typist.window.activateWindow()
        typist.window.open_location(Location("files"))
        await typist.says("faceButton", "Upload")
        button = typist.find(QPushButton, "faceButton")
        button.setFocus()
        await typist.stage.until(button.hasFocus, "the keyboard")
        typist.press_key(Qt.Key.Key_Return)
        dialog = await typist.dialog()
        assert dialog.objectName() == "fileDialog"
        dialog.reject()

    typist.stage.run(story())


def test_the_pane_says_what_is_selected_that_it_cannot_show(typist: Typist) -> None:
    typist.stage.put("folder/x.txt", b"x")

    async def story() -> None:
        typist.window.open_location(Location("files"))
        typist.stage.put("a.txt", b"a")
        typist.do("reload")
        await typist.listed("folder", "a.txt")
        await typist.says("previewFaceTitle", "Nothing selected")
        typist.select("folder")
        await typist.says("previewFaceTitle", "folder")
        typist.select("folder", "a.txt")
        await typist.says("previewFaceTitle", "2 items selected")
        typist.select("a.txt")
        await typist.says("previewName", "a.txt")

    typist.stage.run(story())


async def edit_name(typist: Typist, name: str, typed: str) -> QLineEdit:
    """Begin to give a file another name."""
    typist.select(name)
    typist.do("rename")
    editor = typist.find(QLineEdit, "renameEdit")
    await typist.stage.until(editor.hasFocus, "the keyboard in the name")
    editor.selectAll()
    typist.keys(editor, typed)
    return editor


def test_what_comes_and_goes_meanwhile_does_not_end_the_editing_of_a_name(typist: Typist) -> None:
    folder = typist.stage.files.parent / "more"
    folder.mkdir()
    more = [folder / f"more{number:02}.txt" for number in range(40)]
    for path in more:
        path.write_bytes(b"more")

    async def story() -> None:
        await typist.begin()
        editor = await edit_name(typist, "30.txt", "new")
        typist.window.traffic.upload_to(more, Location("files"))
        panel = typist.window.panels.transfers
        await typist.stage.until(
            lambda: panel.model.rowCount() and not panel.active, "the end of the uploads"
        )
        typist.window.together.forget([Location("files", "", "10.txt")])
        assert editor.hasFocus()
        assert editor.text() == "new"
        (typist.stage.files / "10.txt").unlink()
        typist.keys(editor, "er", then=Qt.Key.Key_Return)
        left = [name for name in NAMES if name not in {"10.txt", "30.txt"}]
        await typist.listed(*left, *(path.name for path in more), "newer")

    typist.stage.run(story())


def test_a_list_that_is_read_anew_under_an_editor_is_shown(typist: Typist) -> None:
    async def story() -> None:
        await typist.begin()
        await edit_name(typist, "30.txt", "new")
        typist.press_key(Qt.Key.Key_F5)
        await typist.stage.until(lambda: not typist.window.model.held, "the end of the editor")
        await typist.listed(*NAMES)

    typist.stage.run(story())


def test_enter_opens_what_is_selected_and_not_what_the_arrows_passed(typist: Typist) -> None:
    for name in ("one/x.txt", "two/y.txt"):
        typist.stage.put(name, b"x")

    async def story() -> None:
        typist.window.activateWindow()
        typist.window.open_location(Location("files"))
        await typist.listed("one", "two")
        await typist.stage.until(typist.table.hasFocus, "the keyboard in the list")
        typist.select("one")
        typist.press_key(Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
        assert typist.chosen() == ["one/"]
        assert typist.table.currentIndex().row() == 1
        typist.press_key(Qt.Key.Key_Return)
        await typist.listed("x.txt")

    typist.stage.run(story())


def test_a_word_that_is_typed_may_have_a_blank_in_it(
    typist: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typeahead, "_SAME_WORD", 20.0)
    for name in ("my cat.txt", "my dog.txt", "myth.txt"):
        typist.stage.put(name, b"x")

    async def story() -> None:
        typist.window.activateWindow()
        typist.window.open_location(Location("files"))
        await typist.listed("my cat.txt", "my dog.txt", "myth.txt")
        await typist.stage.until(typist.table.hasFocus, "the keyboard in the list")
        preview = typist.window.panels.preview.isVisible()
        typist.keys(typist.table, "my")
        await typist.stage.until(lambda: typist.chosen() == ["my cat.txt"], "the first name")
        # From now on a blank would mean *Preview*.
        await typist.stage.until(typist.action("preview").isEnabled, "the selection")
        typist.keys(typist.table, " d")
        await typist.stage.until(lambda: typist.chosen() == ["my dog.txt"], "the name")
        assert typist.window.panels.preview.isVisible() is preview

    typist.stage.run(story())


@pytest.mark.parametrize("more", [False, True])
def test_tab_goes_down_the_form_of_a_connection(typist: Typist, more: bool) -> None:
    async def story() -> None:
        typist.window.activateWindow()
        typist.do("add_connection")
        dialog = await typist.dialog()
        typist.find(QLineEdit, "connectionName").setText("work")
        if more:
            typist.find(QToolButton, "connectionAdvanced").click()
        first = dialog.focusWidget()
        passed: list[tuple[int, int]] = []
        while (here := dialog.focusWidget()) is not first or not passed:
            spot = here.mapTo(dialog, here.rect().topLeft())
            # Where there are more settings than fit, they scroll up under the pointer.
            scrolled = typist.find(QScrollArea, "connectionMore").isAncestorOf(here)
            if not scrolled:
                passed.append((spot.y(), spot.x()))
            typist.press_key(Qt.Key.Key_Tab)
        assert len(passed) > 8
        rows = [y for y, _x in passed]
        assert rows == sorted(rows)
        dialog.reject()

    typist.stage.run(story())
