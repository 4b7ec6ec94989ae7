"""Paging, written once: a service fetches one page for a token, this keeps the token.

Invariant: the token moves on only when a page arrived, so a failed ``next_page`` may be
called again and brings the same page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.types import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

T = TypeVar("T")


class Progress:
    """Sees that continuation tokens never come round, as such a listing would never end.

    It keeps two of them, however many there are (Brent's way to find a cycle).
    """

    def __init__(self) -> None:
        self.last: str | None = None
        self._kept: str | None = None
        self._steps = 0
        self._until = 1

    def require(self, token: str | None) -> None:
        """Raise ``Unexpected`` when ``token`` was seen before."""
        if token is not None and token in (self.last, self._kept):
            raise StorageError(
                ErrorKind.UNEXPECTED,
                "The server answered the same continuation token twice, so the listing would"
                " never end. Report it to whoever runs the server.",
            )

    def move(self, token: str | None) -> None:
        """Take ``token`` for the one that the listing goes on with."""
        self.last = token
        self._steps += 1
        if self._steps == self._until:
            self._kept, self._steps, self._until = token, 0, 2 * self._until


class Pager(Generic[T]):
    """Follows continuation tokens.

    ``fetch(token)`` returns ``(page, next token)``; the first token is ``None``, and a next
    token of ``None`` ends the listing. A server that repeats a token would page for ever:
    that raises ``Unexpected`` instead.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[tuple[T, str | None]]]) -> None:
        self._fetch = fetch
        self._progress = Progress()
        self._ended = False

    async def next_page(self) -> T | None:
        """Return the next page, or ``None`` after the last."""
        if self._ended:
            return None
        page, token = await self._fetch(self._progress.last)
        self._progress.require(token)
        self._progress.move(token)
        self._ended = token is None
        return page

    async def aclose(self) -> None:
        """Stop."""
        self._ended = True


class PageLister(Pager[Page]):
    """A ``RawLister`` over one fetch per page."""


class GivenPages:
    """A ``RawLister`` over pages that are already known."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = iter(pages)

    async def next_page(self) -> Page | None:
        """Return the next page."""
        return next(self._pages, None)

    async def aclose(self) -> None:
        """Stop."""
        self._pages = iter(())
