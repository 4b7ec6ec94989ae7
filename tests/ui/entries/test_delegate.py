"""What the delegate fills in by itself is what Qt's own would have asked the model for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from dalbrowser.storage import Entry, EntryMode, Metadata
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.delegate import RowDelegate
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

_INK = QPalette.ColorRole.Text
_ENTRIES = [
    Entry("p/folder/", Metadata(mode=EntryMode.DIR)),
    Entry(
        "p/line\nbreak \u202ereversed.txt",
        Metadata(
            mode=EntryMode.FILE,
            content_length=123_456,
            last_modified=datetime(2026, 2, 3, tzinfo=UTC),
            etag='"0cc175b9c0f1b6a831c399e269772661-3"',
            storage_class="GLACIER",
            content_type="text/plain",
        ),
    ),
    Entry("p/nothing-known", Metadata(mode=EntryMode.FILE)),
    Entry("p/picture.png", Metadata(mode=EntryMode.FILE, content_length=0, etag="odd")),
]


@pytest.fixture(params=[False, True], ids=["folders", "buckets"])
def model(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[EntryModel]:
    theme()  # It sets the palette that options begin with.
    model = EntryModel()
    model.start("p/", buckets=request.param)
    model.append(_ENTRIES)
    yield model
    model.deleteLater()


def _cells(model: EntryModel) -> Iterator[tuple[int, Column]]:
    return ((place, column) for place in range(model.rowCount()) for column in Column)


def _filled(
    delegate: QStyledItemDelegate,
    model: EntryModel,
    place: int,
    column: Column,
    state: QStyle.StateFlag,
) -> QStyleOptionViewItem:
    option = QStyleOptionViewItem()
    option.state = state
    delegate.initStyleOption(option, model.index(place, column))
    return option


def test_each_cell_shows_what_the_model_says(model: EntryModel) -> None:
    ours, qts = RowDelegate(model), QStyledItemDelegate()
    state = QStyle.StateFlag.State_Enabled
    for place, column in _cells(model):
        one = _filled(ours, model, place, column, state)
        other = _filled(qts, model, place, column, state)
        assert one.text == other.text
        assert one.features == other.features
        assert one.displayAlignment == other.displayAlignment
        assert one.icon.cacheKey() == other.icon.cacheKey()
        assert one.decorationSize == other.decorationSize
        assert one.palette.color(_INK) == other.palette.color(_INK)


def test_a_selected_row_has_the_colours_of_the_selection(model: EntryModel) -> None:
    delegate, colors = RowDelegate(model), theme()
    chosen = QStyle.StateFlag.State_Selected
    for state, ground, text in (
        (chosen | QStyle.StateFlag.State_Active, "selection", "on-selection"),
        (chosen, "selection-idle", "text"),
    ):
        filled = _filled(delegate, model, 0, Column.SIZE, state)
        assert filled.palette.color(QPalette.ColorRole.Highlight) == colors.color(ground)
        assert filled.palette.color(QPalette.ColorRole.HighlightedText) == colors.color(text)


def test_the_style_is_told_of_neither_focus_nor_pointer(model: EntryModel) -> None:
    state = QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_MouseOver
    filled = _filled(RowDelegate(model), model, 0, Column.NAME, state)
    assert not filled.state & state
