"""Rows are the lines, whole or in pieces, and the same from wherever one looks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.preview.lines import PIECE, LineIndex, Row, RowCutter, TextForm

LF = TextForm()
FORMS = (
    LF,
    TextForm("utf-8", 1, b"\r"),
    TextForm("utf-16-le", 2, b"\n\0"),
    TextForm("utf-16-be", 2, b"\0\n"),
    TextForm("utf-32-le", 4, b"\n\0\0\0"),
)

lengths = st.one_of(
    st.integers(0, 60),
    st.integers(PIECE - 5, PIECE + 5),
    st.integers(2 * PIECE - 5, 2 * PIECE + 5),
    st.integers(0, 6 * PIECE),
)
fillers = st.sampled_from(["x", "\u00e9", "\u20ac", "\U0001f600", "a\r", "\u0a0a", "\u010a"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = [
        draw(fillers) * draw(lengths) + draw(st.sampled_from(["", "\r"]))
        for _ in range(draw(st.integers(0, 6)))
    ]
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def cutter(data: bytes, form: TextForm = LF) -> RowCutter:
    return RowCutter(len(data), form, lambda start, end: data[start : min(end, len(data))])


def lines_of(rows: list[Row]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        if row.begins_line:
            lines.append("")
        lines[-1] += row.text
    return lines


@settings(deadline=None)
@given(texts())
def test_rows_put_together_are_the_lines(text: str) -> None:
    data = text.encode()
    rows = cutter(data).rows_from(0, 10_000)
    expected = text.split("\n")
    last = expected.pop()
    assert lines_of(rows) == [line.removesuffix("\r") for line in expected] + [last][: bool(last)]
    assert [row.start for row in rows] == [0, *(row.end for row in rows[:-1])][: len(rows)]
    assert all(row.end - row.start < 2 * PIECE + 8 for row in rows)
    assert (rows[-1].end if rows else 0) == len(data)


@settings(deadline=None)
@given(texts(), st.sampled_from(FORMS), st.data())
def test_the_same_rows_backwards_and_from_anywhere(
    text: str, form: TextForm, data: st.DataObject
) -> None:
    stored = text.encode(form.encoding)
    cut = cutter(stored, form)
    rows = cut.rows_from(0, 100_000)
    assert cut.rows_before(len(stored), 100_000) == rows
    if rows:
        at = data.draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        offset = data.draw(st.integers(row.start, row.end - 1))
        assert cut.row_start(offset) == row.start
        assert cut.rows_from(row.start, 3) == rows[at : at + 3]
        assert cut.rows_before(row.start, 3) == rows[max(0, at - 3) : at]


@settings(deadline=None)
@given(texts(), st.sampled_from(FORMS))
def test_no_character_is_cut_in_two(text: str, form: TextForm) -> None:
    rows = cutter(text.encode(form.encoding), form).rows_from(0, 100_000)
    assert not any("\ufffd" in row.text for row in rows)


@settings(deadline=None)
@given(st.binary(max_size=3 * PIECE), st.sampled_from(FORMS))
def test_any_bytes_give_rows_that_cover_them(data: bytes, form: TextForm) -> None:
    rows = cutter(data, form).rows_from(0, 100_000)
    assert sum(row.end - row.start for row in rows) == len(data)
    assert cutter(data, form).rows_before(len(data), 100_000) == rows


@settings(deadline=None)
@given(texts(), st.sampled_from([64, 1024, 4096]))
def test_the_index_numbers_lines_as_splitlines_does(text: str, block: int) -> None:
    data = text.encode()
    index = LineIndex(LF, block)
    for base in range(0, len(data), block):
        index.add(data[base : base + block])
    starts = [0]
    for line in data.split(b"\n")[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    assert index.lines_seen == len(starts) - 1
    for number, start in enumerate(starts):
        base = start // block * block
        assert index.line_at(start, data[base : base + block]) == number
        holder = index.block_of_line(number)
        assert holder is not None
        assert holder * block <= start <= (holder + 1) * block
    assert index.block_of_line(len(starts)) is None


def test_the_index_knows_nothing_of_blocks_it_has_not_seen() -> None:
    index = LineIndex(LF, 4)
    index.add(b"a\nb\n")
    assert index.line_at(4, b"") == 2
    assert index.line_at(9, b"xy") is None


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_end_on_a_cut_makes_no_empty_row(ending: str) -> None:
    data = ("x" * (2 * PIECE) + ending + "next").encode()
    rows = cutter(data).rows_from(0, 10)
    assert [row.text for row in rows] == ["x" * PIECE, "x" * PIECE, "next"]
