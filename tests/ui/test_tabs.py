"""Tabs over real files: each its own place, and all of it reached by keys and mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QTableView, QToolButton, QWidget

from dalbrowser.profiles import Location, Profile
from dalbrowser.ui.tabs.strip import TabStrip
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex
    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QAbstractItemView

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

FILES = Location("files")
TOP = ("data", "many", "a.txt")


class Tabber(Driver):
    """Somebody who works with tabs."""

    @property
    def strip(self) -> TabStrip:
        """The row of tabs."""
        return self.find(TabStrip, "tabStrip")

    def tabs(self) -> list[str]:
        """Return what the tabs are called, the one in front in brackets."""
        strip = self.strip
        return [
            f"[{strip.tabText(at)}]" if at == strip.currentIndex() else strip.tabText(at)
            for at in range(strip.count())
        ]

    def click_tab(self, at: int, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        """Click a tab on its name."""
        spot = self.strip.tabRect(at).center() - QPoint(20, 0)
        QTest.mouseClick(self.strip, button, pos=spot)

    def middle(self, view: QAbstractItemView, index: QModelIndex) -> None:
        """Click an item with the middle button."""
        spot = self.spot(view, index)
        QTest.mouseClick(view.viewport(), Qt.MouseButton.MiddleButton, pos=spot)

    def row(self, name: str) -> QModelIndex:
        """Return the row of a name."""
        return self.table.model().index(self.names().index(name), 0)

    def key(self, key: Qt.Key, *, shift: bool = False, on: QWidget | None = None) -> None:
        """Press a key with Ctrl."""
        keys = Qt.KeyboardModifier.ControlModifier
        if shift:
            keys |= Qt.KeyboardModifier.ShiftModifier
        QTest.keyClick(on or self.table, key, keys)


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Tabber:
    """Somebody at the window, over a small tree of files."""
    stage.put("a.txt", b"a" * 10)
    stage.put("data/one.csv", b"1,2\n")
    stage.put("data/deep/two.csv", b"3,4\n")
    for number in range(200):
        stage.put(f"many/{number}.bin", b"x" * number)
    window.activateWindow()
    return Tabber(stage, window)


def test_each_tab_has_its_place_history_filter_order_selection_and_scroll(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        person.open("many")
        await person.stage.until(lambda: len(person.names()) == 200, "the files")
        person.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
        person.select("150.bin")
        person.table.verticalScrollBar().setValue(32 * 60)
        person.do("new_tab")
        await person.stage.until(lambda: len(person.names()) == 200, "the same place again")
        assert person.tabs() == ["many", "[many]"]
        assert person.table.verticalScrollBar().value() == 0
        assert person.names()[0] == "199.bin", "as this place was sorted last"
        person.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        assert person.names()[0] == "0.bin"
        assert not person.action("back").isEnabled()
        person.edit("filterEdit", "99")
        await person.listed("99.bin", "199.bin")
        window.open_location(FILES.child("data/"))
        await person.listed("deep", "one.csv")
        person.edit("filterEdit", "one")
        await person.listed("one.csv")

        person.do("previous_tab")
        assert person.tabs() == ["[many]", "data"]
        assert person.find(QLineEdit, "filterEdit").text() == ""
        assert person.find(QLineEdit, "pathEdit").text() == "files:many/"
        assert person.names()[0] == "199.bin"
        assert person.table.verticalScrollBar().value() == 32 * 60
        await person.says("statusSelection", "1 selected, 150 B")
        assert person.text("statusItems") == "200 items"
        person.do("back")
        await person.listed(*TOP)
        assert person.tabs() == ["[files]", "data"]

        person.do("next_tab")
        assert person.names() == ["one.csv"]
        assert person.find(QLineEdit, "filterEdit").text() == "one"
        assert person.text("statusItems") == "2 items · 1 match"
        person.do("back")
        await person.stage.until(lambda: len(person.names()) == 200, "the second tab's past")

    person.stage.run(story())


def test_a_list_behind_keeps_its_place_when_its_rows_are_arranged_anew(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES.child("many/"))
        await person.stage.until(lambda: len(person.names()) == 200, "the files")
        person.select("100.bin")
        person.table.verticalScrollBar().setValue(32 * 95)
        behind = window.tab
        window.tabs.open(FILES)
        await person.listed(*TOP)
        person.stage.put("many/new.bin", b"")
        behind.reload()
        await person.stage.until(lambda: len(behind.model.rows) == 201, "the reload behind")
        person.do("previous_tab")
        QApplication.sendPostedEvents()
        assert person.table.verticalScrollBar().value() == 32 * 95
        await person.says("statusSelection", "1 selected, 100 B")

    person.stage.run(story())


def test_only_the_tab_in_front_has_the_names_that_are_looked_for(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES.child("data/deep/"))
        await person.listed("two.csv")
        window.tabs.open(FILES)
        await person.listed(*TOP)
        window.tabs.open(FILES.child("data/"), behind=True)
        await person.stage.until(lambda: not person.stage.session.tasks.live, "rest")
        for name in ("entryView", "entryHeader", "face", "faceTitle", "notice", "placePages"):
            assert len(window.findChildren(QWidget, name)) == 1, name
        assert window.findChild(QTableView, "entryView") is window.view
        person.do("previous_tab")
        assert person.names() == ["two.csv"]
        assert window.findChild(QTableView, "entryView") is window.view

    person.stage.run(story())


def test_the_keys(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        await person.stage.until(person.table.hasFocus, "the focus")
        assert not person.strip.isVisible()
        person.key(Qt.Key.Key_T)
        await person.listed(*TOP)
        assert person.strip.isVisible()
        await person.stage.until(person.table.hasFocus, "the focus in the new tab")
        person.open("data")
        await person.listed("deep", "one.csv")
        person.key(Qt.Key.Key_Tab)
        assert person.tabs() == ["[files]", "data"]
        person.key(Qt.Key.Key_Backtab, shift=True)
        assert person.tabs() == ["files", "[data]"]
        person.key(Qt.Key.Key_PageUp)
        assert person.tabs() == ["[files]", "data"]
        person.key(Qt.Key.Key_PageDown)
        assert person.tabs() == ["files", "[data]"]
        person.select("deep")
        await person.stage.until(person.action("open_in_new_tab").isEnabled, "the action")
        person.key(Qt.Key.Key_Return)
        assert person.tabs() == ["files", "[data]", "deep"]
        person.key(Qt.Key.Key_W)
        assert person.tabs() == ["[files]", "deep"]
        person.key(Qt.Key.Key_W)
        await person.listed("two.csv")
        assert not person.strip.isVisible()
        person.key(Qt.Key.Key_T, shift=True)
        await person.listed(*TOP)
        person.key(Qt.Key.Key_T, shift=True)
        await person.listed("deep", "one.csv")
        assert person.tabs() == ["deep", "files", "[data]"]
        assert not person.action("reopen_tab").isEnabled()
        person.do("back")
        await person.listed(*TOP)

    person.stage.run(story())


def test_a_middle_click_opens_a_folder_behind_and_a_file_not_at_all(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        person.select("a.txt")
        for name in ("data", "many", "a.txt"):
            person.middle(person.table, person.row(name))
        assert person.tabs() == ["[files]", "data", "many"]
        assert person.names() == list(TOP)
        await person.says("statusSelection", "1 selected, 10 B")
        await person.stage.until(
            lambda: [len(tab.model.rows) for tab in window.tabs.tabs] == [3, 2, 200],
            "the listings behind",
        )
        assert person.text("statusItems") == "3 items"
        person.middle(person.tree, person.tree.model().index(1, 0))
        assert person.tabs() == ["[files]", "data", "many", "Home"]

    person.stage.run(story())


def test_the_last_tab_closed_leaves_the_start_page(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        person.do("close_tab")
        assert window.isVisible()
        assert window.navigator.location is None
        assert person.find(QWidget, "start.home").isVisible()
        assert person.text("statusItems") == ""
        assert person.text("statusPlace") == ""
        assert not person.action("close_tab").isEnabled()
        assert not person.action("upload").isEnabled()
        person.do("reopen_tab")
        await person.listed(*TOP)

    person.stage.run(story())


def test_ten_closed_tabs_can_be_opened_again_the_last_one_first(person: Tabber) -> None:
    async def story() -> None:
        tabs = person.window.tabs
        for number in range(12):
            tabs.open(FILES.child(f"{number}/"))
        for _ in range(12):
            tabs.close_current()
        reopened = []
        while tabs.can_reopen:
            tabs.reopen()
            reopened.append(person.strip.tabText(person.strip.currentIndex()))
        # Closed were 11, 10, … 0; the first two are forgotten.
        assert reopened == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]

    person.stage.run(story())


def test_mouse_and_menu_of_a_tab(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        for name in ("data/", "data/deep/", "many/"):
            window.tabs.open(FILES.child(name))
        assert person.tabs() == ["files", "data", "deep", "[many]"]
        person.click_tab(1)
        await person.listed("deep", "one.csv")
        person.click_tab(0, Qt.MouseButton.MiddleButton)
        assert person.tabs() == ["[data]", "deep", "many"]
        cross = person.find(QToolButton, f"tabClose.{person.strip.number_at(1)}")
        assert cross.accessibleName() == "Close the tab “deep”"
        QTest.mouseClick(cross, Qt.MouseButton.LeftButton)
        assert person.tabs() == ["[data]", "many"]
        menu_of(person, 1)["tabMenu.duplicate"].trigger()
        assert person.tabs() == ["data", "many", "[many]"]
        menu_of(person, 0)["tabMenu.closeOthers"].trigger()
        await person.listed("deep", "one.csv")
        assert not person.strip.isVisible()
        person.do("reopen_tab")
        person.do("reopen_tab")
        assert sorted(person.tabs()) == ["[many]", "data", "many"]

    person.stage.run(story())


def menu_of(person: Tabber, at: int) -> dict[str, QAction]:
    """Open the menu of a tab and return its entries by name."""
    strip = person.strip
    strip.menu_wanted.emit(strip.number_at(at), QPoint())
    menu = person.find(QMenu, "tabMenu")
    return {entry.objectName(): entry for entry in menu.actions()}


def test_a_tab_is_dragged_to_another_place(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        for name in ("data/", "many/"):
            window.tabs.open(FILES.child(name))
        strip = person.strip
        start, end = (strip.tabRect(at).center() for at in (0, 2))
        QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=start)
        for step in range(1, 11):
            QTest.mouseMove(strip, start + (end + QPoint(30, 0) - start) * (step / 10))
        QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=end)
        assert person.tabs() == ["data", "many", "[files]"]
        await person.listed(*TOP)
        person.click_tab(0)
        await person.listed("deep", "one.csv")
        person.do("close_tab")
        assert person.tabs() == ["many", "[files]"]

    person.stage.run(story())


def test_what_is_typed_into_the_filter_belongs_to_the_tab_it_was_typed_in(person: Tabber) -> None:
    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.listed(*TOP)
        window.tabs.open(FILES.child("data/"))
        await person.listed("deep", "one.csv")
        person.edit("filterEdit", "one")
        person.do("previous_tab")
        assert person.names() == list(TOP)
        assert window.tabs.tabs[1].filter_text == "one"
        assert len(window.tabs.tabs[1].model.rows) == 1

    person.stage.run(story())


def test_a_removed_connection_is_left_in_every_tab(person: Tabber) -> None:
    other = person.stage.files / "data"
    person.stage.session.profiles.save(Profile("other", "other", "fs", {"root": str(other)}))

    async def story() -> None:
        window = person.window
        window.sidebar.show_profiles()
        window.open_location(Location("other"))
        await person.listed("deep", "one.csv")
        window.tabs.open(FILES)
        await person.listed(*TOP)
        window.open_location(Location("other"))
        await person.listed("deep", "one.csv")
        window.open_location(FILES)
        await person.listed(*TOP)
        window.tabs.open(Location("other"))
        person.do("close_tab")
        window.connecting.removing.emit("other")
        await person.stage.session.remove_connection("other")
        window.connecting.profiles_changed.emit()
        assert person.tabs() == ["Start", "[files]"]
        assert not person.action("reopen_tab").isEnabled()
        person.do("back")
        await person.listed(*TOP)
        assert not person.action("back").isEnabled()

    person.stage.run(story())


def test_a_name_with_an_ampersand_and_odd_characters_is_a_plain_name(person: Tabber) -> None:
    person.stage.put("r&d \u202e/x", b"")

    async def story() -> None:
        window = person.window
        window.open_location(FILES)
        await person.stage.until(lambda: len(person.names()) == 4, "the list")
        window.tabs.open(FILES.child("r&d \u202e/"))
        await person.listed("x")
        strip = person.strip
        assert strip.tabText(1) == "r&&d ⟨U+202E⟩"
        assert strip.accessibleTabName(1) == "r&d ⟨U+202E⟩"
        assert strip.tabToolTip(1) == "files:r&d \u202e/"

    person.stage.run(story())
