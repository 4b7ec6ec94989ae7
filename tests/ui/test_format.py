"""Numbers, times and names as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QLocale

from dalbrowser.ui.format import (
    count_text,
    duration_text,
    exact_size,
    exact_time,
    size_text,
    time_text,
    visible_name,
)


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
