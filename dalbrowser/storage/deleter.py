"""Deleting many paths: gathered into the service's batches, several under way.

Invariant: exactly the paths given are deleted; each has one outcome, in the order given.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpDelete, OpList, OpStat
from dalbrowser.storage.types import DeleteOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from dalbrowser.storage.context import RawAccess

_BATCH = 1000


class Deleter:
    """Deletes paths in batches, at most ``concurrent`` batches under way."""

    def __init__(self, access: RawAccess, *, concurrent: int = 2) -> None:
        self._access = access
        self._slots = asyncio.Semaphore(concurrent)
        info = access.info()
        self._size = info.capability.delete_max_size or _BATCH
        self._on_disk = info.local and info.native.create_dir

    async def delete(self, items: Iterable[tuple[str, str | None]]) -> list[DeleteOutcome]:
        """Delete ``(exact path, version or None)`` pairs; a failure is its path's outcome."""
        pairs = [(path, OpDelete(version=version)) for path, version in items]
        batches = [pairs[at : at + self._size] for at in range(0, len(pairs), self._size)]
        tasks = [asyncio.ensure_future(self._batch(batch)) for batch in batches]
        try:
            done = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        return [outcome for outcomes in done for outcome in outcomes]

    async def remove_all(self, path: str) -> AsyncIterator[list[DeleteOutcome]]:
        """Delete ``path`` and everything under it; yields the outcomes batch by batch.

        ``a/`` removes the folder and what it holds. ``a`` removes the object ``a`` and the
        folder ``a/``, never ``ab``. Folders go last and deepest first, as real directories
        must be empty; a link to one goes itself, and what it leads to stays.
        """
        if path and not path.endswith("/"):
            if await self._is_there(path, folder=False):
                yield await self.delete([(path, None)])
            path += "/"
        if path and self._on_disk and (outcomes := await self._at_once(path)):
            yield outcomes
            return
        folders: list[str] = []
        async for paths in self._under(path):
            folders += [each for each in paths if each.endswith("/")]
            files = [each for each in paths if not each.endswith("/")]
            if files:
                yield await self.delete((each, None) for each in files)
        folders.sort(key=lambda each: -each.count("/"))
        for at in range(0, len(folders), self._size):
            yield await self.delete((each, None) for each in folders[at : at + self._size])
        if path and path not in folders and await self._is_there(path, folder=True):
            yield await self.delete([(path, None)])

    async def _at_once(self, path: str) -> list[DeleteOutcome]:
        """Delete a folder that goes by itself: an empty one, or a link, which leads elsewhere."""
        if not await self._is_there(path, folder=True):
            return []
        outcomes = await self.delete([(path, None)])
        gone = outcomes[0].error is None and not await self._is_there(path, folder=True)
        return outcomes if gone else []

    async def _under(self, path: str) -> AsyncIterator[list[str]]:
        lister = await self._access.list(path, OpList(recursive=True))
        try:
            while (page := await lister.next_page()) is not None:
                yield [entry.path for entry in page.entries if entry.path]
        finally:
            await lister.aclose()

    async def _is_there(self, path: str, *, folder: bool) -> bool:
        """Whether ``path`` exists, as a folder or as an object; file systems answer for both."""
        try:
            return (await self._access.stat(path, OpStat())).is_dir is folder
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return False
            raise

    async def _batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        async with self._slots:
            try:
                return await self._access.delete_batch(items)
            except StorageError as error:
                return [DeleteOutcome(path, args.version, error) for path, args in items]
