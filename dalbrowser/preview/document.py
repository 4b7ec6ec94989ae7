"""A text of any size as rows, read on demand: the rows of a place, and its line number.

Invariant: rows depend on the object's bytes alone, never on the order in which they were
asked for. The line index grows only over blocks seen from the beginning without a gap, so
a line number that is given is right, and where it would be a guess there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dalbrowser.preview.errors import PreviewError
from dalbrowser.preview.lines import LineIndex, Row, RowCutter, TextForm
from dalbrowser.preview.source import BLOCK, RangeSource

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MOST_ROUNDS = 64


class _MissingError(Exception):
    """These bytes are not in the cache."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start = start
        self.end = end


class TextDocument:
    """The rows of one text object. Places are byte offsets; a row is known by where it starts.

    Each question exists twice: a coroutine that reads what it needs, and ``peek_…``, which
    answers from the cache or says ``None``, for a view that is painting.
    """

    def __init__(self, source: RangeSource, form: TextForm) -> None:
        self.source = source
        self.form = form
        self._index = LineIndex(form, BLOCK)
        self._cutter = RowCutter(source.total, form, self._get)

    @property
    def size(self) -> int:
        """The size of the object in bytes."""
        return self.source.total

    @property
    def lines_seen(self) -> int:
        """How many line ends the index has counted from the beginning on."""
        return self._index.lines_seen

    @property
    def line_count(self) -> int:
        """How many lines begin in what the index has seen; all of them once it is whole."""
        unit = len(self.form.newline)
        ends = self.source.peek(self.size - unit, self.size) == self.form.newline
        return self.lines_seen + (0 if self.fully_indexed and ends else 1)

    @property
    def fully_indexed(self) -> bool:
        """Whether every line of the object is counted."""
        return self._index.next_block * BLOCK >= self.size

    async def rows_from(self, start: int, count: int) -> list[Row]:
        """Return up to ``count`` rows, the first beginning at the row start ``start``."""
        return await self._read_for(lambda: self._cutter.rows_from(start, count))

    async def rows_before(self, start: int, count: int) -> list[Row]:
        """Return up to ``count`` rows before the row start ``start``, in order."""
        return await self._read_for(lambda: self._cutter.rows_before(start, count))

    async def row_start(self, offset: int) -> int:
        """Return where the row that holds the byte ``offset`` begins."""
        return await self._read_for(lambda: self._cutter.row_start(offset))

    def peek_rows_from(self, start: int, count: int) -> list[Row] | None:
        """Return ``rows_from`` if everything it needs has been read."""
        return self._peek(lambda: self._cutter.rows_from(start, count))

    def peek_rows_before(self, start: int, count: int) -> list[Row] | None:
        """Return ``rows_before`` if everything it needs has been read."""
        return self._peek(lambda: self._cutter.rows_before(start, count))

    def peek_row_start(self, offset: int) -> int | None:
        """Return ``row_start`` if everything it needs has been read."""
        return self._peek(lambda: self._cutter.row_start(offset))

    def line_number(self, start: int) -> int | None:
        """Return the number (from 1) of the line that begins at ``start``, where it is known."""
        self._count_seen()
        base = start // BLOCK * BLOCK
        if base // BLOCK > self._index.next_block:
            return None
        block = self.source.peek(base, start)
        number = None if block is None else self._index.line_at(start, block)
        return None if number is None else number + 1

    async def line_start(self, number: int) -> int | None:
        """Return where line ``number`` (from 1) begins, if the index reaches that far."""
        self._count_seen()
        holder = self._index.block_of_line(number - 1)
        if holder is None:
            return None
        if number <= 1:
            return 0
        base = holder * BLOCK
        block = await self.source.read(base, base + BLOCK)
        before = self._index.line_at(base, b"") or 0
        ends = list(self.form.line_ends(block, base))
        return base + ends[number - 2 - before]

    async def text(self, start: int, end: int) -> str:
        """Return the text of the bytes ``start`` to ``end``, line ends as stored."""
        data = await self.source.read(start, end)
        return data[self.form.bom if start == 0 else 0 :].decode(self.form.encoding, "replace")

    def _get(self, start: int, end: int) -> bytes:
        data = self.source.peek(start, end)
        if data is None:
            raise _MissingError(start, end)
        return data

    def _peek(self, compute: Callable[[], T]) -> T | None:
        try:
            return compute()
        except _MissingError:
            return None

    async def _read_for(self, compute: Callable[[], T]) -> T:
        """Compute, reading whatever turns out to be missing."""
        for _ in range(_MOST_ROUNDS):
            try:
                result = compute()
            except _MissingError as missing:
                await self.source.read(missing.start, missing.end)
                self._count_seen()
            else:
                return result
        raise PreviewError("The text could not be kept in memory; close other previews.")

    def _count_seen(self) -> None:
        """Let the index take every further block that is at hand."""
        while not self.fully_indexed:
            base = self._index.next_block * BLOCK
            block = self.source.peek(base, base + BLOCK)
            if block is None:
                return
            self._index.add(block)
