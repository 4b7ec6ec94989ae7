"""Columns, panels and size are as they were left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHeaderView, QMenu, QSplitter

from dalbrowser.profiles import Location
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.transfers import cells
from dalbrowser.ui.transfers.table import TransferTable
from dalbrowser.ui.window import MainWindow
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from tests.ui.stage import Stage


def head(person: Driver) -> QHeaderView:
    return person.find(QHeaderView, "entryHeader")


def test_columns_are_remembered_for_each_place(stage: Stage, window: MainWindow) -> None:
    stage.put("a.txt", b"a")
    person = Driver(stage, window)

    window.resize(1500, 700)

    async def story() -> None:
        window.open_location(Location("files"))
        await person.listed("a.txt")
        assert head(person).isSectionHidden(Column.STORAGE_CLASS)
        head(person).customContextMenuRequested.emit(QPoint(5, 5))
        menu = head(person).findChild(QMenu, "columnMenu")
        assert isinstance(menu, QMenu)
        titles = {entry.text(): entry for entry in menu.actions()}
        assert "Name" not in titles
        titles["Storage class"].trigger()
        titles["ETag"].trigger()
        menu.close()
        head(person).resizeSection(Column.SIZE, 133)
        window.view.sortByColumn(Column.MODIFIED, Qt.SortOrder.DescendingOrder)

    stage.run(story())
    second = MainWindow(stage.session)
    other = Driver(stage, second)

    async def again() -> None:
        second.open_location(Location("files"))
        await other.listed("a.txt")
        assert not head(other).isSectionHidden(Column.STORAGE_CLASS)
        assert head(other).isSectionHidden(Column.ETAG)
        assert head(other).sectionSize(Column.SIZE) == 133
        assert head(other).sortIndicatorSection() == Column.MODIFIED
        assert head(other).sortIndicatorOrder() is Qt.SortOrder.DescendingOrder

    stage.run(again())
    second.allow_close()
    second.close()
    second.deleteLater()


def test_the_least_telling_columns_step_back_in_a_narrow_window(
    stage: Stage, window: MainWindow
) -> None:
    names = [f"{number}.txt" for number in range(60)]
    for name in names:
        stage.put(name, b"a")
    person = Driver(stage, window)
    columns = head(person)

    async def shown(*titles: Column) -> None:
        await stage.until(
            lambda: {one for one in Column if not columns.isSectionHidden(one)} == set(titles),
            f"{titles}",
        )
        assert columns.length() <= columns.viewport().width()

    async def story() -> None:
        window.open_location(Location("files"))
        await person.listed(*names)
        window.resize(1500, 700)
        await shown(Column.NAME, Column.SIZE, Column.MODIFIED, Column.TYPE, Column.ETAG)
        window.resize(1260, 700)
        await shown(Column.NAME, Column.SIZE, Column.MODIFIED, Column.TYPE)
        window.resize(900, 700)
        await shown(Column.NAME, Column.SIZE)
        assert window.view.header_columns.state()["hidden"] == ["STORAGE_CLASS"]
        window.resize(1500, 700)
        await shown(Column.NAME, Column.SIZE, Column.MODIFIED, Column.TYPE, Column.ETAG)

    stage.run(story())


def test_panels_are_remembered_and_a_damaged_layout_does_no_harm(
    stage: Stage, window: MainWindow
) -> None:
    person = Driver(stage, window)
    assert window.sidebar.isVisible()
    person.do("toggle_sidebar")
    assert not window.sidebar.isVisible()
    assert not person.action("toggle_sidebar").isChecked()
    person.do("toggle_transfers")
    window.resize(900, 700)
    window.allow_close()
    assert stage.session.settings.get("window.geometry")
    stage.session.settings.set("window.state", "AAAA/w==,not base64!")
    second = MainWindow(stage.session)
    second.show()
    directions = [splitter.orientation() for splitter in second.findChildren(QSplitter)]
    assert directions == [splitter.orientation() for splitter in window.findChildren(QSplitter)]
    assert not second.sidebar.isVisible()
    assert second.panels.transfers.isVisible()
    assert second.height() == window.height()
    second.allow_close()
    second.close()
    second.deleteLater()


def test_damaged_columns_of_the_list_do_no_harm(window: MainWindow) -> None:
    columns = window.view.header_columns
    before = columns.state()
    columns.restore({"order": [["x"], 5, None], "hidden": 5, "sort": ["NAME", 7], "widths": []})
    assert columns.state() == before
    columns.restore({"order": ["NAME", {}, "MODIFIED", "gone", "SIZE"]})
    shown = columns.state()["order"]
    assert isinstance(shown, list)
    assert shown[:3] == ["NAME", "MODIFIED", "SIZE"]


def test_the_columns_of_the_transfers_are_remembered(stage: Stage, window: MainWindow) -> None:
    source = stage.files.parent / "up.txt"
    source.write_bytes(b"up")
    first = window.panels.transfers.view
    window.resize(1500, 700)

    async def story() -> None:
        # The table is to be seen once there is a transfer.
        window.traffic.upload_to([source], Location("files"))
        await stage.until(first.isVisible, "the transfers")

    stage.run(story())
    head = first.horizontalHeader()
    head.setSectionHidden(cells.Column.FROM, False)
    head.setSectionHidden(cells.Column.SPEED, True)
    head.moveSection(head.visualIndex(cells.Column.STATE), 0)
    first.setColumnWidth(cells.Column.NAME, 311)
    kept = stage.session.settings.get("view.transfers")
    assert kept == first.columns_state()
    stage.session.settings.set(
        "view.transfers", {**kept, "widths": {**kept["widths"], "AGE": 3, "PARTS": "wide"}}
    )
    second = MainWindow(stage.session)
    second.resize(1500, 700)
    second.show()
    table = second.findChild(TransferTable, "transferView")
    assert isinstance(table, TransferTable)
    assert not table.isColumnHidden(cells.Column.FROM)
    assert table.isColumnHidden(cells.Column.SPEED)
    assert table.horizontalHeader().visualIndex(cells.Column.STATE) == 0
    assert table.columnWidth(cells.Column.NAME) == 311
    second.resize(1100, 700)
    assert table.columnWidth(cells.Column.NAME) == 311
    second.allow_close()
    second.close()
    second.deleteLater()


def test_damaged_columns_of_the_transfers_hide_nothing_that_must_be_seen(
    stage: Stage, window: MainWindow
) -> None:
    assert window.isVisible()
    wrong = {"hidden": ["NAME", "STATE", 3], "order": ["ERROR", "ERROR", "X", None], "widths": []}
    stage.session.settings.set("view.transfers", wrong)
    second = MainWindow(stage.session)
    table = second.panels.transfers.view
    assert not table.isColumnHidden(cells.Column.NAME)
    assert not table.isColumnHidden(cells.Column.STATE)
    assert table.horizontalHeader().visualIndex(cells.Column.ERROR) == 0
    second.allow_close()
    second.close()
    second.deleteLater()
