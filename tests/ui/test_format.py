"""Numbers, times and names as a person reads them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QLocale, Qt

from dalbrowser.storage import Entry, EntryMode, Metadata
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.format import (
    count_text,
    duration_text,
    exact_size,
    exact_time,
    size_text,
    time_text,
    visible_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["Asia/Tokyo", "America/New_York"])
def far_away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone in which the first or the last hours of time have no date."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
def test_the_ends_of_time_and_the_largest_sizes_are_shown() -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    model = EntryModel()
    model.start("")
    model.append(
        Entry(
            f"{number}", Metadata(mode=EntryMode.FILE, content_length=2**70, last_modified=moment)
        )
        for number, moment in enumerate(ends)
    )
    for row, (year, moment) in enumerate(zip(("0001", "9999"), ends, strict=True)):
        # An error in here ended the process.
        index = model.index(row, Column.MODIFIED)
        assert year in str(index.data())
        assert year in str(index.data(Qt.ItemDataRole.ToolTipRole))
        size = model.index(row, Column.SIZE)
        assert size.data() == "8.00 EiB"
        assert model.columns.metadata(row).content_length == 2**70
        assert exact_time(moment)
    assert exact_size(2**70) == "1,180,591,620,717,411,303,424 bytes"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, ""),
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1536, "1.50 KiB"),
        (10 * 1024, "10.0 KiB"),
        (99 * 1024 + 1000, "100 KiB"),
        (1024 * 1024 - 1, "1.00 MiB"),
        (5 * 2**40, "5.00 TiB"),
        (2**70, "1024 EiB"),
    ],
)
def test_sizes_have_three_digits_and_iec_units(size: int | None, text: str) -> None:
    assert size_text(size).replace(",", "") == text


def test_counts_and_exact_sizes_are_grouped() -> None:
    comma = QLocale(QLocale.Language.English).groupSeparator()
    assert count_text(12000) == f"12{comma}000"
    assert exact_size(1234567) == f"1{comma}234{comma}567 bytes"
    assert exact_size(1) == "1 byte"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (12000, "3 h 20 min"), (90000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_time_says_today_and_yesterday() -> None:
    now = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
    assert time_text(now - timedelta(hours=1), now).startswith("Today, ")
    assert time_text(now - timedelta(days=1), now).startswith("Yesterday, ")
    assert time_text(datetime(2024, 3, 1, 12, tzinfo=UTC), now) == "1 Mar 2024"
    assert time_text(None, now) == ""


def test_an_exact_time_is_exact_and_has_its_zone() -> None:
    text = exact_time(datetime(2026, 7, 15, 12, 0, 1, 234567, tzinfo=UTC))
    spoken, exact = text.split("\n")
    assert exact == "2026-07-15 12:00:01.234567 UTC"
    assert "July" in spoken
    assert "2026" in spoken
    assert "UTC" in spoken


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain.txt", "plain.txt"),
        ("", "⟨empty⟩"),
        (" a b ", "␣a b␣"),
        ("   ", "␣␣␣"),
        ("a\nb\tc\x00", "a⟨U+000A⟩b⟨U+0009⟩c⟨U+0000⟩"),
        ("\x7f", "⟨U+007F⟩"),
        ("safe\u202egpj.exe", "safe⟨U+202E⟩gpj.exe"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("a\u00a0b", "a⟨U+00A0⟩b"),
        ("naïve – 文件", "naïve – 文件"),
        ("bad\udcff", "bad⟨U+DCFF⟩"),
    ],
)
def test_nothing_hides_in_a_name(name: str, shown: str) -> None:
    assert visible_name(name) == shown
