"""A row says how often its transfer was tried in all, once that is more than once."""

from __future__ import annotations

import pytest

from dalbrowser.ui.transfers.cells import TEXTS, Column
from tests.ui.transfers.test_model import view


@pytest.mark.parametrize(("again", "shown"), [(0, ""), (1, "2"), (7, "8")])
def test_a_row_says_how_often_it_was_tried(again: int, shown: str) -> None:
    assert TEXTS[Column.ATTEMPTS](view(1, attempts=again)) == shown
