"""Sorting and filtering in slices: the right order, and never a long slice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.ui.entries import sorting
from dalbrowser.ui.entries.sorting import (
    folders_first,
    matcher,
    natural_key,
    select_rows,
    sort_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")


def finish(work: Generator[None, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: T = stop.value
            return result


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "key_of",
    [
        lambda row: row * 7919 % 10_007,
        lambda row: 0,
        lambda row: row % 3,
        lambda row: 0 if row < 9_000 else row,
        lambda row: -row,
    ],
)
def test_the_order_is_that_of_a_stable_sort(
    key_of: Callable[[int], Any], descending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_BUCKET", 50)
    monkeypatch.setattr(sorting, "_SLICE", 64)
    rows = list(range(10_000))
    random.Random(1).shuffle(rows)
    found = finish(sort_rows(rows, key_of, descending=descending))
    assert list(found) == sorted(rows, key=key_of, reverse=descending)


def test_no_slice_asks_for_more_than_its_share_of_keys() -> None:
    asked = 0

    def key(row: int) -> int:
        nonlocal asked
        asked += 1
        return row % 5

    work = sort_rows(range(40_000), key)
    most = before = 0
    for _ in work:
        most = max(most, asked - before)
        before = asked
    assert asked == 40_000
    assert most <= 4_000


@given(st.lists(st.text(max_size=6), max_size=60), st.booleans())
def test_any_names_sort_as_their_keys(names: list[str], descending: bool) -> None:
    rows = range(len(names))
    found = finish(sort_rows(rows, lambda row: natural_key(names[row]), descending=descending))
    expected = sorted(rows, key=lambda row: natural_key(names[row]), reverse=descending)
    assert list(found) == expected


def test_names_sort_as_people_count() -> None:
    names = ["file10", "File9", "file1", "file09b", "a", "file100", "B"]
    expected = ["a", "B", "file1", "File9", "file09b", "file10", "file100"]
    assert sorted(names, key=natural_key) == expected


def test_accents_sort_with_their_letters_however_they_are_written() -> None:
    names = ["z", "Ärger", "a\u0308hnlich", "Apfel", "été", "eta", "日本", "файл"]
    expected = ["a\u0308hnlich", "Apfel", "Ärger", "eta", "été", "z", "файл", "日本"]
    assert sorted(names, key=natural_key) == expected


def test_folders_come_first_in_their_order() -> None:
    folders, files = finish(folders_first([3, 1, 2, 0], lambda row: row % 2 == 0))
    assert (list(folders), list(files)) == ([2, 0], [3, 1])


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("LOG", "server.log", True),
        ("log", "server.txt", False),
        ("*.log", "server.log", True),
        ("*.log", "server.log.gz", False),
        ("part-?", "part-1", True),
        ("part-?", "part-12", False),
        ("dat*", "data/", True),
        ("[x]", "a[x]b", True),
        ("é", "CAFE\u0301.txt", True),
        ("e\u0301", "café.txt", True),
        ("café?txt", "cafe\u0301.txt", True),
        ("é", "cafe.txt", False),
    ],
)
def test_a_filter_is_a_part_of_the_name_or_a_pattern(
    pattern: str, name: str, matches: bool
) -> None:
    assert matcher(pattern)(name) is matches


def test_selecting_keeps_the_order() -> None:
    assert list(finish(select_rows([5, 2, 8, 1], lambda row: row > 1))) == [5, 2, 8]
