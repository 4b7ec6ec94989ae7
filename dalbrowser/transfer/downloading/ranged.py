"""A large download: ranges side by side into one file, proven while they come.

Invariant: a range is in the journal only after it was flushed to the disk; the file is what
it should be before anybody gives it its name.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from dalbrowser.transfer.disk import localfile
from dalbrowser.transfer.downloading.proof import verify
from dalbrowser.transfer.downloading.prover import Prover
from dalbrowser.transfer.downloading.ranges import RangeRecord
from dalbrowser.transfer.downloading.receive import Span
from dalbrowser.transfer.journal import DownloadRow
from dalbrowser.transfer.model import JobState
from dalbrowser.transfer.together import all_together

if TYPE_CHECKING:
    import os

    from dalbrowser.transfer.downloading.receive import Receiver
    from dalbrowser.transfer.model import Integrity


def _is_whole(temp: str, size: int) -> bool:
    """Whether a file in progress is as long as it was made, and has no second name; blocks.

    One that somebody has cut would be as long again, and have holes where the journal knows
    of bytes.
    """
    facts = localfile.stat_or_none(temp)
    return facts is not None and (facts.st_size, facts.st_nlink) == (size, 1)


class RangedFetch:
    """One run of a download in ranges into ``temp``, new or resumed."""

    def __init__(self, source: Receiver, temp: str) -> None:
        self._source = source
        self._ctx = source.ctx
        self._job = source.job
        self._row = source.job.row
        self._temp = temp
        self.wrote: os.stat_result | None = None
        """The file as it was when it was closed."""

    async def run(self, *, resumed: bool) -> None:
        """Fetch what is missing, and verify the whole."""
        ctx, size = self._ctx, self._source.size
        if not (resumed and await ctx.on_disk(_is_whole, self._temp, size)):
            resumed = False
            await self._begin()
        file = await ctx.on_disk(localfile.PartFile, self._temp, keep=resumed)
        try:
            await self._count_resent(file)
            await ctx.on_disk(file.reserve, size)
            for _ in range(2):
                if await verify(self._source, self._temp, "", await self._fetch_missing(file)):
                    break
                await self._begin()
            ctx.show(self._job, JobState.FINALISING)
            await ctx.on_disk(file.flush)
        finally:
            await ctx.on_disk(file.close)
            self.wrote = file.wrote

    async def _begin(self) -> None:
        """Write the download to the journal, with no range done."""
        row, source = self._row, self._source
        saved = DownloadRow(
            job=row.id,
            temp=self._temp,
            etag=source.metadata.etag or "",
            version=row.version,
            size=source.size,
            mtime=row.mtime,
        )
        row.begun = True
        await self._ctx.journal.save_download(saved)
        await self._ctx.journal.save(row)

    async def _count_resent(self, file: localfile.PartFile) -> None:
        """What lies on the disk without a record was in flight, and is fetched again."""
        done = sum(stop - start for start, stop in await self._ctx.journal.intervals(self._row.id))
        on_disk = await self._ctx.on_disk(lambda: min(file.allocated, file.size))
        self._row.resent += max(0, on_disk - done)

    async def _fetch_missing(self, file: localfile.PartFile) -> tuple[Integrity, str] | None:
        """Fetch the ranges that are not there; returns what was proven on the way."""
        step, size = self._ctx.options.range_size, self._source.size
        done = dict(await self._ctx.journal.intervals(self._row.id))
        spans = [(at, min(at + step, size)) for at in range(0, size, step)]
        missing = deque(span for span in spans if done.get(span[0]) != span[1])
        self._row.done = sum(stop - start for start, stop in spans if done.get(start) == stop)
        self._job.parts_total = len(spans)
        self._job.parts_done = len(spans) - len(missing)
        self._ctx.show(self._job, JobState.RUNNING)

        record = RangeRecord(self._ctx, self._row.id, file, self._recorded)
        prover = Prover(self._ctx, file, self._source.metadata, size)
        prover.arrived(span for span in spans if done.get(span[0]) == span[1])

        async def fetcher() -> None:
            while missing:
                start, stop = missing.popleft()
                await self._source.fetch(file, Span(start, stop))
                prover.arrived([(start, stop)])
                await record.add(start, stop)

        async def fetchers() -> None:
            count = min(self._ctx.options.parts_per_file, len(missing))
            await all_together(fetcher() for _ in range(count))
            record.close()

        try:
            await all_together([fetchers(), record.run(), prover.run()])
        finally:
            await record.rest()
        return prover.verdict()

    def _recorded(self, count: int) -> None:
        self._job.parts_done += count
        self._ctx.changed(self._job)
