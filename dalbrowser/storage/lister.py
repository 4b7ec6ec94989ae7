"""The public list handle: pages as the service gives them, filled in only where asked.

Invariants: order is the service's; a page whose entries already know every key asked for
passes through untouched; at most ``concurrent`` stats are under way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpStat
from dalbrowser.storage.types import Entry, Metakey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from dalbrowser.storage.context import RawAccess
    from dalbrowser.storage.options import OpList
    from dalbrowser.storage.types import RawLister


class Lister:
    """One listing, to be gone through once: by ``pages()`` or by ``async for entry``."""

    def __init__(self, access: RawAccess, path: str, args: OpList) -> None:
        self._access = access
        self._path = path
        self._args = args
        self._cost = args.metakey & ~access.info().listed & ~Metakey.MODE
        self._raw: RawLister | None = None
        self._ended = False

    @property
    def cost(self) -> Metakey:
        """The keys asked for that the listing does not bring: they cost a stat per file."""
        return self._cost

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Entry]:
        """Iterate over the entries."""
        async for page in self.pages():
            for entry in page:
                yield entry

    async def pages(self) -> AsyncIterator[list[Entry]]:
        """Iterate over the pages, none of them empty."""
        while (page := await self.next_page()) is not None:
            yield page

    async def next_page(self) -> list[Entry] | None:
        """Return the next page that is not empty, or ``None`` after the last."""
        while not self._ended:
            if self._raw is None:
                self._raw = await self._access.list(self._path, self._args)
            page = await self._raw.next_page()
            if page is None:
                await self.aclose()
                return None
            entries = page.entries
            if self._cost and entries:
                entries = await self._filled(entries)
            if entries:
                return entries
        return None

    async def aclose(self) -> None:
        """Stop; safe to call twice."""
        self._ended = True
        raw, self._raw = self._raw, None
        if raw is not None:
            await raw.aclose()

    async def _filled(self, entries: list[Entry]) -> list[Entry]:
        """Stat the entries that lack a key; drop those that vanished meanwhile."""
        wanted = self._args.metakey
        filled: list[Entry | None] = list(entries)
        lacking = [
            at
            for at, entry in enumerate(entries)
            if not entry.metadata.is_dir
            and not entry.metadata.is_deleted
            and not entry.metadata.knows(wanted)
        ]
        lacking.reverse()

        async def work() -> None:
            while lacking:
                at = lacking.pop()
                filled[at] = await self._stat(entries[at])

        tasks = [
            asyncio.ensure_future(work()) for _ in range(min(self._args.concurrent, len(lacking)))
        ]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        return [entry for entry in filled if entry is not None]

    async def _stat(self, entry: Entry) -> Entry | None:
        version = entry.metadata.version if self._args.versions else None
        try:
            metadata = await self._access.stat(entry.path, OpStat(version=version))
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            return Entry(entry.path, entry.metadata, error)
        if version is not None:
            metadata.is_current = entry.metadata.is_current
        return Entry(entry.path, metadata)
