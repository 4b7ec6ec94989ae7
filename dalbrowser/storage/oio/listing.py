"""Listings that a service lacks, made from those it has: recursive, by prefix, after a key.

Invariants: every entry appears once; a failed ``next_page`` may be called again without
losing or repeating an entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.types import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.types import Entry, RawLister


class RecursiveLister:
    """Walks folders depth first with one-level listings.

    ``open_folder`` lists one folder. With ``ordered`` each folder is taken whole and sorted,
    which puts the walk in key order (a folder's slash is part of its key).
    """

    def __init__(
        self,
        open_folder: Callable[[str], Awaitable[RawLister]],
        root: str,
        *,
        ordered: bool = False,
        start_after: str | None = None,
    ) -> None:
        self._open_folder = open_folder
        self._ordered = ordered
        self._start_after = start_after
        self._root = root
        self._pending: list[Entry | str] = [root]
        self._lister: RawLister | None = None
        self._folder = root
        self._found: list[Entry] = []

    async def next_page(self) -> Page | None:
        """Return the next page of the walk."""
        while True:
            if self._lister is None:
                ready = self._take_ready()
                if ready:
                    return Page(ready)
                if not self._pending:
                    return None
                folder = self._pending[-1]
                name = folder if isinstance(folder, str) else folder.path
                self._lister = await self._open_folder(name)
                self._folder = name
                self._pending.pop()
            page = await self._lister.next_page()
            if page is None:
                lister, self._lister = self._lister, None
                await lister.aclose()
                self._queue_found()
                continue
            entries = [entry for entry in page.entries if self._is_news(entry)]
            if self._ordered:
                self._found += entries
                continue
            self._found += [entry for entry in entries if self._is_folder(entry)]
            if entries:
                return Page(entries)

    async def aclose(self) -> None:
        """Stop."""
        self._pending.clear()
        lister, self._lister = self._lister, None
        if lister is not None:
            await lister.aclose()

    def _is_news(self, entry: Entry) -> bool:
        """Whether the entry was not already given as a member of the folder above."""
        return entry.path != self._folder or self._folder == self._root

    def _is_folder(self, entry: Entry) -> bool:
        return entry.metadata.is_dir and entry.path != self._folder

    def _queue_found(self) -> None:
        """Put what a finished folder held on top of the stack, first entry topmost."""
        found, self._found = self._found, []
        if self._ordered:
            found.sort(key=_path, reverse=True)
            if self._start_after is not None:
                found = [entry for entry in found if self._may_hold_later(entry)]
        else:
            found.reverse()
        self._pending += found

    def _may_hold_later(self, entry: Entry) -> bool:
        after = self._start_after or ""
        return entry.path > after or (entry.metadata.is_dir and after.startswith(entry.path))

    def _take_ready(self) -> list[Entry]:
        """Pop the entries up to and including the next folder, which stays to be opened."""
        if not self._ordered:
            return []
        ready: list[Entry] = []
        while self._pending:
            top = self._pending[-1]
            if isinstance(top, str):
                break
            ready.append(top)
            self._pending.pop()
            if self._is_folder(top):
                self._pending.append(top.path)
                break
        return ready


class FilteredLister:
    """Keeps the entries under a prefix and strictly after a key."""

    def __init__(
        self, inner: RawLister, *, prefix: str = "", start_after: str | None = None
    ) -> None:
        self._inner = inner
        self._prefix = prefix
        self._after = start_after

    async def next_page(self) -> Page | None:
        """Return the next page, filtered; it may be empty."""
        page = await self._inner.next_page()
        if page is None:
            return None
        prefix, after = self._prefix, self._after
        return Page(
            [
                entry
                for entry in page.entries
                if entry.path.startswith(prefix) and (after is None or entry.path > after)
            ]
        )

    async def aclose(self) -> None:
        """Stop."""
        await self._inner.aclose()


class SortedLister:
    """Takes a whole listing and gives it in key order, as one page."""

    def __init__(self, inner: RawLister) -> None:
        self._inner = inner
        self._entries: list[Entry] = []
        self._given = False

    async def next_page(self) -> Page | None:
        """Return everything, sorted."""
        if self._given:
            return None
        while (page := await self._inner.next_page()) is not None:
            self._entries += page.entries
        self._given = True
        self._entries.sort(key=_path)
        return Page(self._entries)

    async def aclose(self) -> None:
        """Stop."""
        await self._inner.aclose()


class LimitedLister:
    """Cuts pages down to ``limit`` entries."""

    def __init__(self, inner: RawLister, limit: int) -> None:
        self._inner = inner
        self._limit = limit
        self._entries: list[Entry] = []
        self._at = 0

    async def next_page(self) -> Page | None:
        """Return up to ``limit`` entries."""
        while self._at >= len(self._entries):
            page = await self._inner.next_page()
            if page is None:
                return None
            if len(page.entries) <= self._limit:
                return page
            self._entries, self._at = page.entries, 0
        cut = self._entries[self._at : self._at + self._limit]
        self._at += self._limit
        return Page(cut)

    async def aclose(self) -> None:
        """Stop."""
        await self._inner.aclose()


def _path(entry: Entry) -> str:
    return entry.path
