"""A listing that fetches its next page while the last one is being used.

From the second page on: who asks for two will ask for more, and who wants one pays for one.
Invariants: pages come in order; a failure comes where its page would have come, and the
page may then be asked for again; one request at most is ahead.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from dalbrowser.storage.types import Page

    Fetched = tuple[Page, str | None]
    Fetch = Callable[[str | None], Coroutine[object, object, Fetched]]


class AheadLister:
    """A ``RawLister`` over ``fetch(token)``, which returns a page and the next token."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._token: str | None = None
        self._pages = 0
        self._ended = False
        self._ahead: asyncio.Task[Fetched] | None = None

    async def next_page(self) -> Page | None:
        """Return the next page, or ``None`` after the last."""
        if self._ended:
            return None
        ahead, self._ahead = self._ahead, None
        page, token = await (ahead or self._fetch(self._token))
        if token is not None and token == self._token:
            raise StorageError(
                ErrorKind.UNEXPECTED,
                "The server answered the same continuation token twice, so the listing would"
                " never end. Report it to whoever runs the server.",
            )
        self._token = token
        self._ended = token is None
        self._pages += 1
        if self._pages > 1 and not self._ended:
            self._ahead = asyncio.create_task(self._fetch(token), name="next page")
            self._ahead.add_done_callback(_looked_at)
        return page

    async def aclose(self) -> None:
        """Stop, and give up the page that is being fetched."""
        self._ended = True
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()
            with contextlib.suppress(asyncio.CancelledError, StorageError):
                await ahead


def _looked_at(task: asyncio.Task[Fetched]) -> None:
    """Take a failure that nobody came for; whoever comes still gets it from the task."""
    if not task.cancelled():
        task.exception()
