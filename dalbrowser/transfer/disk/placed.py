"""Which names the files of each batch were given, so that one never writes over another.

Two objects may map to one name: from two folders, from two buckets, or on a disk that
ignores case. Invariant: whatever the policy, what a job of a batch has put in place is not
written over by another job of that batch, also when a restart lies between them.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from dalbrowser.transfer.disk import casing
from dalbrowser.transfer.model import Direction, JobState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dalbrowser.transfer.journal import JobRow
    from dalbrowser.transfer.journal.past import Arrived

    Rows = Callable[[int, int, int], Awaitable[Sequence[Arrived]]]
    Asked = Callable[[str], Awaitable[bool]]

_PAGE = 2000
"""Files of a batch that are read from the journal at once, so that others get their turn."""

_BATCHES = 16
"""Batches whose names are kept; of an older one they are read from the journal again."""

_FOLDED = "\0folded"


class Placed:
    """Numbers in place of names: a batch of 100,000 files takes some megabytes, not fifty."""

    def __init__(self) -> None:
        self._names: OrderedDict[int, dict[int, int]] = OrderedDict()
        self._partial: set[int] = set()
        self._reading: dict[int, asyncio.Task[None]] = {}

    def restored(self, batch: int) -> None:
        """Say that a batch has jobs of a process before this one."""
        self._partial.add(batch)

    def add(self, row: JobRow) -> None:
        """Take note of a job that is done."""
        if row.is_folder or row.state is not JobState.DONE:
            return
        self._keep(row)
        self._names.move_to_end(row.batch)
        while len(self._names) > _BATCHES:
            batch, _ = self._names.popitem(last=False)
            self._partial.add(batch)

    async def by_other(self, row: JobRow, rows: Rows, ignores_case: Asked) -> bool:
        """Whether another job of this one's batch has put its file under this one's name.

        ``rows`` reads files of a batch that are done from the journal, by the batch, the id
        after which, and how many at most; ``ignores_case`` asks it of a folder.
        """
        while row.batch in self._partial or row.batch in self._reading:
            await self._read(row.batch, rows)
        names = self._names.get(row.batch)
        if not names:
            return False
        exact, *folded = _names(row)
        if names.get(exact, row.id) != row.id:
            return True
        if all(names.get(name, row.id) == row.id for name in folded):
            return False
        return await ignores_case(os.path.dirname(row.local_path))  # noqa: PTH120

    def _keep(self, row: JobRow | Arrived) -> None:
        names = self._names.setdefault(row.batch, {})
        for name in _names(row):
            names.setdefault(name, row.id)

    async def _read(self, batch: int, rows: Rows) -> None:
        """Read a batch from the journal, once for all who ask for it at the same time."""
        task = self._reading.get(batch)
        if task is None:
            task = self._reading[batch] = asyncio.ensure_future(self._read_pages(batch, rows))
        # Whoever is cancelled meanwhile leaves it to the others.
        await asyncio.shield(task)

    async def _read_pages(self, batch: int, rows: Rows) -> None:
        after = 0
        self._partial.discard(batch)
        try:
            while page := await rows(batch, after, _PAGE):
                for each in page:
                    self._keep(each)
                after = page[-1].id
        except BaseException:
            self._partial.add(batch)
            raise
        finally:
            del self._reading[batch]


def _names(row: JobRow | Arrived) -> tuple[int, ...]:
    """Return numbers for a job's target: as it is, and, of a local one, with case ignored."""
    if row.direction is Direction.DOWNLOAD:
        return hash(row.local_path), hash((_FOLDED, casing.fold(row.local_path)))
    return (hash((row.profile, row.bucket, row.key)),)
