"""A large font: what stands in rows and columns is not cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QFont, QFontMetrics

from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.entries.view import EntryView
from dalbrowser.ui.scaling import font_scale
from dalbrowser.ui.transfers import cells
from dalbrowser.ui.transfers.model import TransferModel
from dalbrowser.ui.transfers.table import TransferTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication


@pytest.fixture(params=[6, 9, 22])
def font(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[QFontMetrics]:
    """The application's font in points."""
    before = qapp.font()
    chosen = QFont(before)
    chosen.setPointSizeF(request.param)
    qapp.setFont(chosen)
    yield QFontMetrics(chosen)
    qapp.setFont(before)


def test_rows_and_columns_are_as_large_as_their_words(font: QFontMetrics) -> None:
    model = EntryModel()
    view = EntryView(model)
    view.resize(2400, 400)
    view.grab()
    jobs = TransferModel()
    table = TransferTable(jobs)
    for column, words in ((Column.SIZE, "1023 KiB"), (Column.MODIFIED, "Yesterday, 13:45")):
        assert view.horizontalHeader().sectionSize(column) >= font.horizontalAdvance(words)
    assert view.verticalHeader().defaultSectionSize() >= max(32, font.height() + 4)
    assert table.columnWidth(cells.Column.SPEED) >= font.horizontalAdvance("84.0 MiB/s")
    assert table.verticalHeader().defaultSectionSize() >= max(28, font.height() + 4)
    if font.height() < 18:
        assert font_scale(view) == 1.0
    for widget in (view, table):
        widget.deleteLater()
