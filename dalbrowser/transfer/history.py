"""Jobs that are over, as views: the history by batches, a folder's files, page by page.

Invariant: what the engine has live is told from there, all else from the journal; a page
costs what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.job import LiveJob
from dalbrowser.transfer.journal.past import (
    PastBatch,
    files_of,
    folder_sums,
    latest_batches,
)
from dalbrowser.transfer.model import BatchView, Snapshot

if TYPE_CHECKING:
    from dalbrowser.transfer.journal import JobRow, Journal
    from dalbrowser.transfer.model import JobView

_TRIES = 5


class History:
    """Reads one engine's journal; ``live`` are the jobs that the engine has."""

    def __init__(self, journal: Journal, live: dict[int, LiveJob]) -> None:
        self._journal = journal
        self._live = live

    async def snapshot(self, limit: int) -> Snapshot:
        """Return the live jobs and the ``limit`` latest batches as they are at the return."""
        for _ in range(_TRIES):
            found = await latest_batches(self._journal, limit, None)
            views = await self._firsts(found)
            if not any(batch.is_behind(dict(self._live)) for batch in found):
                break
        batches = self._told(found, views)
        jobs = tuple(job.view() for _, job in sorted(self._live.items()))
        return Snapshot(jobs, batches, _older(found, limit))

    async def batches(self, before: int, limit: int) -> tuple[tuple[BatchView, ...], int | None]:
        """Return the batches begun before ``before``, newest first, and where to go on."""
        found = await latest_batches(self._journal, limit, before)
        return self._told(found, await self._firsts(found)), _older(found, limit)

    async def files(self, node: int, after: int, limit: int) -> tuple[list[JobView], bool]:
        """Return the next files of a folder job, or jobs of the batch ``-node``, by their ids.

        Says also whether that was all. ``after`` is the last id that was returned before.
        """
        rows = await files_of(
            self._journal,
            parent=node if node > 0 else None,
            batch=-node if node < 0 else None,
            after=after,
            limit=limit,
        )
        return await self._views(rows), len(rows) < limit

    async def _firsts(self, found: list[PastBatch]) -> dict[int, JobView]:
        rows = [batch.first for batch in found if batch.first is not None]
        views = await self._views([row for row in rows if row.id not in self._live])
        return {view.id: view for view in views}

    async def _views(self, rows: list[JobRow]) -> list[JobView]:
        folders = [row.id for row in rows if row.is_folder and row.id not in self._live]
        sums = await folder_sums(self._journal, folders) if folders else {}
        views: list[JobView] = []
        for row in rows:
            job = self._live.get(row.id)
            if job is None:
                job = LiveJob.of(row)
                if job.sums is not None:
                    job.sums.counts.update(sums[row.id])
                    job.sums.bytes_total, job.sums.bytes_done = row.total or 0, row.done
                    job.sums.expanded = True
            views.append(job.view())
        return views

    def _told(self, found: list[PastBatch], views: dict[int, JobView]) -> tuple[BatchView, ...]:
        told: list[BatchView] = []
        for batch in found:
            counts, total, done = batch.sums(dict(self._live))
            first = views.get(batch.first.id) if batch.first is not None else None
            if counts:
                told.append(
                    BatchView(
                        id=batch.id,
                        counts=tuple(counts.items()),
                        bytes_total=total,
                        bytes_done=done,
                        first=first,
                    )
                )
        return tuple(told)


def _older(found: list[PastBatch], limit: int) -> int | None:
    return found[-1].id if len(found) == limit else None
