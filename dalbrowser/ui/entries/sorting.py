"""Order and filter of a million rows in slices that never hold the loop.

Everything here is a generator that yields after a few milliseconds of work and returns a
permutation of row numbers. Sorting is a sample sort: rows are dealt into buckets by a
binary search among sampled keys, and each small bucket is sorted by ``list.sort``, which
cannot be interrupted and holds the interpreter's lock.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

# About 1 ms of key making or dealing on the slowest machine measured.
_SLICE = 1_000
_BUCKET = 4_000
_DIGITS = re.compile(r"[0-9]+")


def natural_key(name: str) -> str:
    """Return a text that sorts as people count and spell: ``file9`` before ``file10``, ``é``
    among the ``e``, case folded.
    """
    if not name.isascii():
        # Accents by themselves, and left out: by their numbers they would stand behind ``z``.
        name = "".join(
            char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char)
        )
    return _DIGITS.sub(_counted, name.casefold())


def _counted(found: re.Match[str]) -> str:
    digits = found[0].lstrip("0")
    # The length sorts first: more digits are a larger number. 0x30 is the digit 0 itself.
    return chr(0x30 + min(len(digits), 0x2F)) + digits


def sort_rows(
    rows: Sequence[int], key: Callable[[int], Any], *, descending: bool = False
) -> Generator[None, None, array[int]]:
    """Return ``rows`` sorted by ``key``, equal ones in the order they had."""
    keys: list[Any] = []
    for start in range(0, len(rows), _SLICE):
        keys += map(key, rows[start : start + _SLICE])
        yield
    if len(rows) <= _BUCKET:
        places = sorted(range(len(rows)), key=keys.__getitem__, reverse=descending)
        return array("I", [rows[place] for place in places])
    pivots = sorted(set(keys[:: max(1, len(keys) // (4 * len(keys) // _BUCKET))]))
    yield
    buckets = yield from _deal(keys, pivots)
    ordered = array("I")
    for number in reversed(range(len(buckets))) if descending else range(len(buckets)):
        bucket: Sequence[int] = buckets[number]
        # Odd buckets hold rows of one and the same key, and may be of any length.
        if number % 2 == 0:
            bucket = sorted(bucket, key=keys.__getitem__, reverse=descending)
        for start in range(0, len(bucket), _SLICE):
            ordered.extend(array("I", [rows[place] for place in bucket[start : start + _SLICE]]))
            yield
    # To free a million keys at one stretch takes 50 ms.
    while keys:
        del keys[-_SLICE:]
        yield
    return ordered


def _deal(keys: list[Any], pivots: list[Any]) -> Generator[None, None, list[array[int]]]:
    """Deal places into buckets: 2i is below pivot i, 2i+1 is equal to it."""
    buckets = [array("I") for _ in range(2 * len(pivots) + 1)]
    count = len(pivots)
    for start in range(0, len(keys), _SLICE):
        for place, key in enumerate(keys[start : start + _SLICE], start):
            found = bisect_left(pivots, key)
            equal = found < count and pivots[found] == key
            buckets[2 * found + equal].append(place)
        yield
    return buckets


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test for names: part of the name, or a pattern when it has ``*`` or ``?``."""
    wanted = folded(pattern)
    if "*" in wanted or "?" in wanted:
        match = re.compile(fnmatch.translate(wanted)).match
        return lambda name: match(folded(name.removesuffix("/"))) is not None
    return lambda name: wanted in folded(name)


def folded(text: str) -> str:
    """Return a text for comparing what is typed with what is shown.

    Case does not count, nor whether an accent is a character of its own: keyboards write ``é``
    as one, and names that come from macOS as two.
    """
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def select_rows(
    rows: Sequence[int], keep: Callable[[int], bool]
) -> Generator[None, None, array[int]]:
    """Return the rows that ``keep`` says, in their order."""
    kept = array("I")
    for start in range(0, len(rows), _SLICE):
        kept.extend(array("I", [row for row in rows[start : start + _SLICE] if keep(row)]))
        yield
    return kept


def folders_first(
    rows: Sequence[int], is_dir: Callable[[int], bool]
) -> Generator[None, None, tuple[array[int], array[int]]]:
    """Return the rows of folders and the others, each in their order."""
    folders = yield from select_rows(rows, is_dir)
    if len(folders) == 0:
        return folders, array("I", rows)
    files = yield from select_rows(rows, lambda row: not is_dir(row))
    return folders, files
