"""Two tabs of one folder, be it by one connection or by two: what one learns, both show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from dalbrowser.profiles import Location, Profile
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from dalbrowser.ui.tabs.tab import Tab
    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage


def shown(tab: Tab) -> list[str]:
    """Return the exact names in the list of a tab, in front or not."""
    return [tab.model.columns.names[row] for row in tab.model.rows]


class Pair(Driver):
    """Two tabs of one folder, the second in front."""

    async def open_both(self, other: str) -> tuple[Tab, Tab]:
        """Open ``files``, and beside it the same folder by the connection ``other``."""
        self.window.open_location(Location("files", "", ""))
        first = self.window.tab
        self.window.tabs.open(Location(other, "", ""))
        second = self.window.tab
        await self.stage.until(
            lambda: not first.navigator.running and not second.navigator.running, "both lists"
        )
        await self.stage.until(self.action("upload").isEnabled, "the capability")
        return first, second


@pytest.fixture(params=["files", "twin"])
def pair(request: pytest.FixtureRequest, stage: Stage, window: MainWindow) -> tuple[Pair, str]:
    """A driver, and the connection of its second tab: the same one, or another to the folder."""
    for name in ("a.txt", "b.txt", "sub/c.txt"):
        stage.put(name, b"x")
    config = {"root": f"{stage.files}/../{stage.files.name}"}
    stage.session.profiles.save(Profile("twin", "twin", "fs", config))
    return Pair(stage, window), request.param


def test_what_is_deleted_renamed_and_made_in_one_tab_is_so_in_the_other(
    pair: tuple[Pair, str],
) -> None:
    driver, other = pair

    async def story() -> None:
        first, second = await driver.open_both(other)
        assert shown(first) == shown(second) == ["sub/", "a.txt", "b.txt"]
        driver.select("a.txt")
        driver.do("delete")
        driver.press("deleteDialogConfirm")
        await driver.stage.until(lambda: shown(second) == ["sub/", "b.txt"], "the delete")
        assert shown(first) == ["sub/", "b.txt"]
        driver.select("b.txt")
        driver.do("rename")
        editor = driver.find(QLineEdit, "renameEdit")
        editor.selectAll()
        driver.keys(editor, "z.txt", then=Qt.Key.Key_Return)
        await driver.stage.until(lambda: shown(second) == ["sub/", "z.txt"], "the new name")
        assert shown(first) == ["sub/", "z.txt"]
        driver.do("new_folder")
        driver.edit("newFolderName", "more")
        driver.press("newFolderCreate")
        await driver.stage.until(lambda: "more/" in shown(second), "the folder")
        assert shown(first) == ["more/", "sub/", "z.txt"]

    driver.stage.run(story())


def test_what_arrives_and_what_is_moved_away_is_seen_in_both(pair: tuple[Pair, str]) -> None:
    driver, other = pair
    new = driver.stage.files.parent / "new.txt"
    new.write_bytes(b"new")

    async def story() -> None:
        first, second = await driver.open_both(other)
        second.traffic.upload_to([new], Location(other, "", ""))
        await driver.stage.until(lambda: "new.txt" in shown(first), "it in the other tab")
        await driver.stage.until(lambda: "new.txt" in shown(second), "it in its own tab")
        driver.select("new.txt")
        QTest.keyClick(driver.table, Qt.Key.Key_X, Qt.KeyboardModifier.ControlModifier)
        driver.open("sub")
        await driver.stage.until(lambda: shown(second) == ["c.txt"], "the folder")
        driver.do("paste")
        await driver.stage.until(lambda: "new.txt" in shown(second), "it where it went")
        await driver.stage.until(lambda: "new.txt" not in shown(first), "it to leave")

    driver.stage.run(story())


def test_a_folder_that_was_deleted_can_be_made_again(stage: Stage, window: MainWindow) -> None:
    driver = Driver(stage, window)
    stage.put("again/x.txt", b"x")

    async def story() -> None:
        window.open_location(Location("files", "", ""))
        await driver.listed("again")
        await stage.until(driver.action("new_folder").isEnabled, "the capability")
        driver.select("again")
        driver.do("delete")
        await stage.until(lambda: driver.text("deleteDialogConfirm"), "the question")
        driver.press("deleteDialogConfirm")
        await driver.listed()
        driver.do("new_folder")
        driver.edit("newFolderName", "again")
        driver.press("newFolderCreate")
        await driver.listed("again")
        assert (stage.files / "again").is_dir()

    stage.run(story())


def test_a_tab_in_a_folder_that_another_one_deletes_is_listed_anew(
    pair: tuple[Pair, str],
) -> None:
    driver, other = pair

    async def story() -> None:
        first, second = await driver.open_both(other)
        driver.open("sub")
        await driver.stage.until(lambda: shown(second) == ["c.txt"], "the folder")
        driver.do("previous_tab")
        driver.select("sub")
        driver.do("delete")
        await driver.stage.until(lambda: driver.text("deleteDialogConfirm"), "the question")
        driver.press("deleteDialogConfirm")
        await driver.stage.until(lambda: shown(first) == ["a.txt", "b.txt"], "the delete")
        await driver.stage.until(lambda: not shown(second), "the other tab")

    driver.stage.run(story())


def test_a_connection_that_another_program_removes_leaves_the_window_usable(
    stage: Stage, window: MainWindow
) -> None:
    driver = Driver(stage, window)
    stage.put("sub/x.txt", b"x")

    async def story() -> None:
        window.open_location(Location("files", "", "sub/"))
        await driver.listed("x.txt")
        stage.session.profiles.remove("files")
        driver.do("reload")
        await driver.says("faceTitle", "Not found")
        driver.do("up")
        await driver.stage.until(lambda: not window.navigator.running, "the answer")
        assert window.windowTitle() == "dalbrowser"
        driver.do("back")
        await driver.says("faceTitle", "Not found")
        window.open_location(Location("home"))
        await driver.stage.until(
            lambda: window.navigator.location == Location("home"), "another place"
        )

    stage.run(story())
