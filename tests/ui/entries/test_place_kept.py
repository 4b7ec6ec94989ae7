"""A list that is listed anew shows what it showed, also where a filter has to find it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from dalbrowser.profiles import Location
from dalbrowser.ui import placeholders
from dalbrowser.ui.entries import model
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from PySide6.QtGui import QWindow
    from PySide6.QtWidgets import QApplication

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage


@pytest.mark.parametrize("at_once", [4_000, 50])
def test_a_reload_keeps_selection_and_scroll_with_hidden_files_left_out(
    stage: Stage, window: MainWindow, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    count = 300
    monkeypatch.setattr(model, "_AT_ONCE", at_once)
    for number in range(count):
        stage.put(f"many/{number}.bin", b"")
    stage.put("many/.hidden", b"")
    person = Driver(stage, window)

    async def story() -> None:
        window.open_location(Location("files", "", "many/"))
        await stage.until(lambda: len(window.model.rows) == count, "the list")
        person.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        await stage.until(lambda: not window.model.arranging, "the order")
        bar = person.table.verticalScrollBar()
        await stage.until(lambda: bar.maximum() > 0, "the scroll bar")
        person.select("100.bin")
        where = person.table.verticalScrollBar().value()
        assert where > 0
        stage.put("many/0000.bin", b"")
        person.do("reload")
        await stage.until(lambda: len(window.model.rows) == count + 1, "the list")
        await stage.until(lambda: not window.model.arranging, "its order")
        await person.says("statusSelection", "1 selected, 0 B")
        names = window.model.columns.names
        assert [names[row] for row in window.view.selected_rows()] == ["100.bin"]
        assert person.table.verticalScrollBar().value() == where

    stage.run(story())


def test_a_place_that_opens_at_once_shows_no_face_in_between(
    stage: Stage, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.put("data/a.txt", b"a")
    shown: list[str] = []
    show_placeholder = placeholders.PlaceholderView.show_placeholder

    def noted(self: placeholders.PlaceholderView, placeholder: placeholders.Placeholder) -> None:
        shown.append(placeholder.title)
        show_placeholder(self, placeholder)

    person = Driver(stage, window)

    async def story() -> None:
        window.open_location(Location("files"))
        await person.listed("data")
        monkeypatch.setattr(placeholders.PlaceholderView, "show_placeholder", noted)
        person.open("data")
        assert shown == []
        await person.listed("a.txt")

    stage.run(story())


def test_nothing_flashes_up_as_a_window_of_its_own(
    qapp: QApplication, stage: Stage, window: MainWindow
) -> None:
    before: set[QWindow] = set(qapp.topLevelWindows())
    window.tabs.new()
    assert set(qapp.topLevelWindows()) == before
