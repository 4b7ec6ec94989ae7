"""A listing that fetches its next page while the last one is being read and used.

From the second page on: who asks for two will ask for more, and who wants one pays for one.
Invariants: pages come in order; a failure comes where its page would have come, and the
page may then be asked for again; one request at most is ahead; a page that was fetched by a
token seen at a glance is used only when the page before, once parsed, names that token.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage.oio import Progress
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from dalbrowser.storage.types import Page


def _unsure(_: bytes) -> None:
    return None


@record()
class Source:
    """Where pages come from.

    ``get`` asks the server for the page that a token names (the first: ``None``). ``read``
    parses a page, and the token of the next one, ``None`` after the last. ``glance`` tells at
    once what that token very likely is, or ``None`` when it cannot.
    """

    get: Callable[[str | None], Coroutine[object, object, bytes]]
    read: Callable[[bytes], Awaitable[tuple[Page, str | None]]]
    glance: Callable[[bytes], str | None] = _unsure


class AheadLister:
    """A ``RawLister`` over a ``Source``."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._progress = Progress()
        self._pages = 0
        self._ended = False
        self._ahead: asyncio.Task[bytes] | None = None

    async def next_page(self) -> Page | None:
        """Return the next page, or ``None`` after the last."""
        if self._ended:
            return None
        ahead, self._ahead = self._ahead, None
        text = await (ahead or self._source.get(self._progress.last))
        likely = self._source.glance(text) if self._pages else None
        if likely is not None and likely != self._progress.last:
            self._fetch(likely)
        try:
            page, token = await self._source.read(text)
            self._progress.require(token)
        except BaseException:
            await self._drop()
            raise
        if token != likely:
            await self._drop()
        self._progress.move(token)
        self._ended = token is None
        if self._pages and self._ahead is None and not self._ended:
            self._fetch(token)
        self._pages += 1
        return page

    async def aclose(self) -> None:
        """Stop, and give up the page that is being fetched."""
        self._ended = True
        await self._drop()

    def _fetch(self, token: str | None) -> None:
        self._ahead = asyncio.create_task(self._source.get(token), name="next page")
        self._ahead.add_done_callback(_looked_at)

    async def _drop(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()
            # Not awaited itself: its cancellation would hide one of who waits here.
            await asyncio.wait([ahead])


def _looked_at(task: asyncio.Task[bytes]) -> None:
    """Take a failure that nobody came for; whoever comes still gets it from the task."""
    if not task.cancelled():
        task.exception()
