"""The columns of the transfers: why something failed is seen in a window of any usual width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication

from dalbrowser.ui.transfers.cells import Column, tooltip
from dalbrowser.ui.transfers.model import TransferModel
from dalbrowser.ui.transfers.table import TransferTable
from tests.ui.transfers.test_model import view

if TYPE_CHECKING:
    from collections.abc import Iterator

GIVING = [Column.NAME, Column.STATE, Column.PROGRESS, Column.AMOUNT]


@pytest.fixture
def table(qapp: QApplication) -> Iterator[TransferTable]:
    """The table, on screen."""
    assert qapp
    model = TransferModel()
    made = TransferTable(model)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    model.deleteLater()


def settle(table: TransferTable, width: int) -> None:
    table.resize(width, 300)
    QApplication.sendPostedEvents()


def end_of(table: TransferTable, column: Column) -> int:
    """Where a column ends, in pixels from the left of what is seen."""
    return table.columnViewportPosition(column) + table.columnWidth(column)


@pytest.mark.parametrize("width", [1060, 1100, 1200, 1480, 2560])
def test_the_reason_of_a_failure_is_in_sight(table: TransferTable, width: int) -> None:
    settle(table, width)
    port = table.viewport().width()
    assert end_of(table, Column.ERROR) == port
    assert table.columnWidth(Column.ERROR) >= 180
    assert table.columnWidth(Column.NAME) >= 136
    assert not table.horizontalScrollBar().isVisible()


def test_columns_get_their_room_back(table: TransferTable) -> None:
    settle(table, 1480)
    wide = [table.columnWidth(column) for column in GIVING]
    settle(table, 700)
    narrow = [table.columnWidth(column) for column in GIVING]
    assert all(less < more for less, more in zip(narrow, wide, strict=True))
    settle(table, 1480)
    assert [table.columnWidth(column) for column in GIVING] == wide
    table.setColumnHidden(Column.SPEED, True)
    settle(table, 1070)
    assert table.columnWidth(Column.NAME) > narrow[0]


def test_columns_that_a_person_arranged_stay(table: TransferTable) -> None:
    settle(table, 1480)
    table.setColumnWidth(Column.NAME, 400)
    settle(table, 1060)
    assert table.columnWidth(Column.NAME) == 400


def test_how_many_files_are_done_is_said_where_the_column_is_narrow(qapp: QApplication) -> None:
    assert qapp
    folder = view(1, is_folder=True, total=60_000_000, files_done=94, files_total=1300)
    assert str(tooltip(folder, Column.AMOUNT)).splitlines()[1] == "94 / 1,300 files"
    assert "files" not in str(tooltip(view(2, total=10), Column.AMOUNT))
