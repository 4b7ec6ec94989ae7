"""Two ordered listings gone through side by side: each key once, with what each side has.

Invariant: keys come ascending by code point; of each side no more than two pages are in
memory, however long it is.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from dalbrowser.transfer.sync.items import UnorderedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from dalbrowser.transfer.sync.items import Item

    Pair = tuple[Item | None, Item | None]


async def merge(
    source: AsyncGenerator[list[Item], None], target: AsyncGenerator[list[Item], None]
) -> AsyncGenerator[Pair, None]:
    """Yield ``(source, target)`` for each key; one of them is ``None`` where a side lacks it.

    Raises ``UnorderedError`` as soon as a side is not ascending.
    """
    async with aclosing(source), aclosing(target), _Side(source) as one, _Side(target) as other:
        here, there = await one.next(), await other.next()
        while here is not None or there is not None:
            if there is not None and (there.foreign or here is None or there.key < here.key):
                yield None, there
                there = await other.next()
            elif there is None or (here is not None and here.key < there.key):
                yield here, None
                here = await one.next()
            else:
                yield here, there
                here, there = await one.next(), await other.next()


class _Side:
    """One side, row by row, with its next page being fetched meanwhile."""

    def __init__(self, pages: AsyncIterator[list[Item]]) -> None:
        self._pages = pages
        self._page: list[Item] = []
        self._at = 0
        self._last: str | None = None
        self._ahead: asyncio.Task[list[Item] | None] | None = None

    async def __aenter__(self) -> _Side:
        self._ahead = asyncio.ensure_future(self._fetch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)

    async def next(self) -> Item | None:
        while self._at >= len(self._page):
            if self._ahead is None:
                return None
            page = await self._ahead
            self._ahead = None
            if page is None:
                return None
            self._ahead = asyncio.ensure_future(self._fetch())
            self._page, self._at = page, 0
        item = self._page[self._at]
        self._at += 1
        if not item.foreign:
            if self._last is not None and item.key <= self._last:
                raise UnorderedError
            self._last = item.key
        return item

    async def _fetch(self) -> list[Item] | None:
        return await anext(self._pages, None)
