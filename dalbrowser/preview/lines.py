"""Where the rows of a text begin, decided from the bytes around a place alone.

A row is a line, or a piece of a line too long to be shown as one: a line is cut at each
multiple of ``PIECE`` that lies at least ``PIECE`` bytes after its beginning (moved on to the
next character). So every row is shorter than two pieces, a line of up to a piece is always
whole, and the same rows come out wherever one begins to look, forwards or backwards.

Offsets are bytes from the beginning of the object. ``get(start, end)`` returns those bytes,
clamped to the object; it may raise to say that they are not here.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 4096
STEP = 16 * 1024
_SLACK = 8  # no character that a cut may have to step over is longer


@dataclass(frozen=True, slots=True)
class TextForm:
    """How the bytes of one text are read.

    ``encoding`` is a Python codec of fixed byte order, ``unit`` the width of its code units
    in bytes (1, 2 or 4), ``newline`` the bytes that end a line, ``bom`` the number of bytes
    at the beginning that are a byte order mark and no text.
    """

    encoding: str = "utf-8"
    unit: int = 1
    newline: bytes = b"\n"
    bom: int = 0

    def line_ends(self, data: bytes, base: int) -> Iterator[int]:
        """Yield the index after each line end in ``data``, which lies at ``base`` in the object."""
        at = data.find(self.newline)
        while at >= 0:
            if (base + at) % self.unit:
                at = data.find(self.newline, at + 1)
                continue
            yield at + self.unit
            at = data.find(self.newline, at + self.unit)

    def count(self, data: bytes, base: int) -> int:
        """Return the number of line ends in ``data``."""
        if self.unit == 1:
            return data.count(self.newline)
        return sum(1 for _ in self.line_ends(data, base))

    def goes_on(self, data: bytes, at: int) -> bool:
        """Whether the character or the line end at index ``at`` began before it."""
        if at >= len(data):
            return False
        if self.encoding == "utf-8" and data[at] & 0xC0 == 0x80:
            return True
        if self.unit == 2:
            high = at if self.encoding.endswith("be") else at + 1
            return len(data) > high and data[high] & 0xFC == 0xDC
        return False

    @property
    def carriage_return(self) -> bytes:
        """Return the bytes that may stand before ``newline`` as part of the line end."""
        return b"" if b"\r" in self.newline else "\r".encode(self.encoding)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its bytes ``start`` to ``end`` (exclusive, line end included) and its text.

    ``begins_line`` and ``ends_line`` say whether the row is the first and the last of its line.
    """

    start: int
    end: int
    text: str
    begins_line: bool
    ends_line: bool


class RowCutter:
    """Finds and decodes the rows of one object of ``size`` bytes."""

    def __init__(self, size: int, form: TextForm, get: Callable[[int, int], bytes]) -> None:
        self.size = size
        self.form = form
        self._get = get

    def row_start(self, offset: int) -> int:
        """Return where the row that holds the byte ``offset`` begins."""
        if self.size == 0:
            return 0
        offset = min(max(offset, 0), self.size - 1)
        return self.boundaries(max(0, offset - 2 * PIECE - _SLACK), offset + 1)[-1]

    def rows_from(self, start: int, count: int) -> list[Row]:
        """Return up to ``count`` rows, the first beginning at the row start ``start``."""
        rows: list[Row] = []
        low = start + 1
        while len(rows) < count and start < self.size:
            high = min(low + STEP, self.size)
            ends = self.boundaries(low, high)
            if high == self.size:
                ends.append(high)
            for end in ends[: count - len(rows)]:
                rows.append(self.row(start, end))
                start = end
            low = high
        return rows

    def rows_before(self, start: int, count: int) -> list[Row]:
        """Return up to ``count`` rows that end at or before the row start ``start``, in order."""
        rows: list[Row] = []
        while len(rows) < count and start > 0:
            for begin in reversed(self.boundaries(max(0, start - STEP), start)):
                rows.append(self.row(begin, start))
                start = begin
                if len(rows) == count:
                    break
        rows.reverse()
        return rows

    def boundaries(self, low: int, high: int) -> list[int]:
        """Return where rows begin within ``low`` (inclusive) to ``high`` (exclusive), in order."""
        unit = self.form.unit
        base = max(0, low - PIECE - _SLACK)
        base -= base % unit
        data = self._get(base, min(self.size, high + _SLACK))
        lines = [base + at for at in self.form.line_ends(data, base)]
        if base == 0:
            lines.insert(0, 0)
        cuts = self._cuts(lines, data, base, low, high)
        found = {at for at in (*lines, *cuts) if low <= at < high and at < self.size}
        return sorted(found)

    def _cuts(self, lines: list[int], data: bytes, base: int, low: int, high: int) -> Iterator[int]:
        """Yield where long lines are cut, given where the lines around begin."""
        first = max(PIECE, (low - _SLACK) // PIECE * PIECE)
        for grid in range(first, high, PIECE):
            before = bisect_right(lines, grid) - 1
            if before >= 0 and lines[before] > grid - PIECE:
                continue
            at = grid
            while self.form.goes_on(data, at - base):
                at += self.form.unit
                if at - grid >= _SLACK:
                    break
            if not self._line_ends_at(data, at - base):
                yield at

    def _line_ends_at(self, data: bytes, at: int) -> bool:
        """Whether a line end begins at an index, or has just begun there."""
        newline, carriage = self.form.newline, self.form.carriage_return
        return data.startswith((newline, carriage + newline), at)

    def row(self, start: int, end: int) -> Row:
        """Decode the row from ``start`` to ``end``."""
        data = self._get(start, end)
        newline = self.form.newline
        has_end = end % self.form.unit == 0 and data.endswith(newline)
        if has_end:
            data = data[: -len(newline)]
            carriage = self.form.carriage_return
            if carriage and data.endswith(carriage):
                data = data[: -len(carriage)]
        if start == 0:
            data = data[self.form.bom :]
        text = data.decode(self.form.encoding, errors="replace")
        return Row(start, end, text, self._begins_line(start), has_end or end >= self.size)

    def _begins_line(self, start: int) -> bool:
        if start == 0:
            return True
        unit = self.form.unit
        return start % unit == 0 and self._get(start - unit, start) == self.form.newline


class LineIndex:
    """How many line ends lie before each block of an object, as far as it was seen in order.

    Blocks are of ``block`` bytes; ``add`` takes them one after the other from the beginning.
    A terabyte in blocks of 256 KiB is four million numbers.
    """

    def __init__(self, form: TextForm, block: int) -> None:
        self._form = form
        self._block = block
        self._before: list[int] = [0]

    @property
    def next_block(self) -> int:
        """The number of the block that ``add`` expects."""
        return len(self._before) - 1

    @property
    def lines_seen(self) -> int:
        """The number of line ends in all blocks added."""
        return self._before[-1]

    def add(self, data: bytes) -> None:
        """Count the next block."""
        base = self.next_block * self._block
        self._before.append(self._before[-1] + self._form.count(data, base))

    def line_at(self, start: int, block: bytes) -> int | None:
        """Return the number (from 0) of the line that begins at ``start``, if it is known.

        ``block`` is the block that ``start`` lies in, or the beginning of it up to ``start``.
        """
        number = start // self._block
        if number >= len(self._before):
            return None
        base = number * self._block
        return self._before[number] + self._form.count(block[: start - base], base)

    def block_of_line(self, line: int) -> int | None:
        """Return the number of the block in which line ``line`` (from 0) begins, if known.

        It begins in the block that holds the end of the line before it, or right after it.
        """
        if line <= 0:
            return 0
        if line > self._before[-1]:
            return None
        return bisect_right(self._before, line - 1) - 1
