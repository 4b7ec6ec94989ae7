"""Where a view of a text is: the row at the top, and the line on screen within that row.

Invariant: the place is never below the last page, as far as the end of the text is known;
moving by lines that need bytes which are not here keeps them owed until these have come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dalbrowser.preview import Row, TextDocument
    from dalbrowser.ui.preview.layouts import RowLayouts

_UNKNOWN = (-1, -1)


class TextPlace:
    """The place of one view in one document. ``page`` is the lines that fit on screen."""

    def __init__(self, document: TextDocument, layouts: RowLayouts) -> None:
        self.document = document
        self.top = 0
        self.sub = 0
        self.owed = 0
        self._page = 1
        self._layouts = layouts
        self._last = _UNKNOWN

    @property
    def page(self) -> int:
        """How many lines fit on screen."""
        return self._page

    def measured(self, page: int) -> None:
        """Take another size of the screen, or another layout of the rows."""
        self._page = max(1, page)
        self._last = _UNKNOWN

    def set(self, top: int) -> None:
        """Go to the row that starts at ``top``, or to the last page when that comes first."""
        self.top, self.sub = top, 0
        self.settle()

    def settle(self) -> None:
        """Never show less than a page at the end."""
        last = self.last()
        if last is not None and (self.top, self.sub) > last:
            self.top, self.sub = last

    def last(self) -> tuple[int, int] | None:
        """Return the place at which the end is at the bottom, if what it needs is at hand."""
        if self._last != _UNKNOWN:
            return self._last
        rows = self.document.peek_rows_before(self.document.size, self._page)
        if rows is None:
            return None
        left = self._page
        place = (0, 0)
        for row in reversed(rows):
            lines = self._layouts.lines(row)
            place = (row.start, max(0, lines - left))
            left -= lines
            if left <= 0:
                break
        self._last = place
        return place

    def rows(self) -> list[Row] | None:
        """Return the rows in sight and one more, if they are at hand."""
        return self.document.peek_rows_from(self.top, self._page + 2 + self.sub)

    def pay(self) -> bool:
        """Move by the lines owed; false when bytes are missing on the way."""
        while self.owed:
            moved = self._step_down() if self.owed > 0 else self._step_up()
            if moved is None:
                return False
            if not moved:
                self.owed = 0
        self.settle()
        return True

    async def read_owed(self) -> None:
        """Read what the next step needs."""
        if self.owed > 0:
            await self.document.rows_from(self.top, self._page + 2)
        else:
            await self.document.rows_before(self.top, self._page)

    def _step_down(self) -> bool | None:
        """Move down by a row at most; false at the end, ``None`` when the row is not at hand."""
        last = self.last()
        if last is not None and (self.top, self.sub) >= last:
            return False
        rows = self.document.peek_rows_from(self.top, 1)
        if not rows:
            return None if rows is None else False
        left = self._layouts.lines(rows[0]) - self.sub
        if self.owed < left:
            self.sub += self.owed
            self.owed = 0
        else:
            self.top, self.sub = rows[0].end, 0
            self.owed -= left
        return True

    def _step_up(self) -> bool | None:
        """Move up by a row at most; false at the beginning, ``None`` when it is not at hand."""
        if -self.owed <= self.sub:
            self.sub += self.owed
            self.owed = 0
            return True
        rows = self.document.peek_rows_before(self.top, 1)
        if rows is None:
            return None
        self.owed += self.sub
        self.sub = 0
        if not rows:
            return False
        self.top, self.sub = rows[0].start, self._layouts.lines(rows[0])
        return True
