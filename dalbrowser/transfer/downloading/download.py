"""One download: into a temporary file beside its target, in ranges pinned to one version.

Invariants: every byte comes from the object as it was at the first look (ETag, and the
version where there is one); a range is in the journal only after it was flushed to the
disk; the target's own name appears when the whole is there and was verified.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dalbrowser.storage.types import Metadata
from dalbrowser.transfer.conflicts import mtime_of
from dalbrowser.transfer.disk import localfile
from dalbrowser.transfer.disk.localfile import SmallFile, nanoseconds
from dalbrowser.transfer.disk.localnames import make_parents
from dalbrowser.transfer.disk.renaming import remove_twin
from dalbrowser.transfer.disk.wholefile import WholeFile
from dalbrowser.transfer.downloading.localtarget import LocalTarget
from dalbrowser.transfer.downloading.proof import verify
from dalbrowser.transfer.downloading.ranged import RangedFetch
from dalbrowser.transfer.downloading.receive import Receiver, Span, changed, gone
from dalbrowser.transfer.integrity import as_md5, file_md5, same_etag, verify_file
from dalbrowser.transfer.model import (
    Integrity,
    JobState,
    SourceChangedError,
    TransferError,
)
from dalbrowser.transfer.ownership import READ_BACK, read_md5
from dalbrowser.transfer.remote import stat_or_none
from dalbrowser.transfer.slots import SMALL

if TYPE_CHECKING:
    from dalbrowser.storage import Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.visits import DiskVisits
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import DownloadRow

_AT_ONCE = 128 * 1024
"""Bytes that come in one step: no longer than a stream would be silent about what it has."""


async def run_download(ctx: RunContext, job: LiveJob) -> None:
    """Bring an object to its local name; returns when that is verified and in place.

    Raises as ``run_upload`` does; finished ranges stay for the next run.
    """
    small = job.row.total is not None and job.row.total <= SMALL
    if not (small and job.state is JobState.QUEUED):
        # A small one would pass through this in no time, and telling costs more than doing.
        ctx.show(job, JobState.PREPARING)
    if job.start_over:
        await discard_download(ctx, job)
        job.start_over = False
    op = await ctx.operator(job.row.profile, job.row.bucket)
    await _Download(ctx, job, op).run()


async def discard_download(ctx: RunContext, job: LiveJob) -> None:
    """Remove the job's temporary file and forget its progress."""
    saved = await ctx.journal.download(job.row.id) if job.row.begun else None
    temp = saved.temp if saved is not None else localfile.temp_name(job.row.local_path)
    # A small one keeps no record; what a kill has left of it has the name that it takes first.
    if saved is not None or (job.row.sent and ctx.claim_file(job, temp)):
        await ctx.on_disk(localfile.remove, temp)
    job.row.begun = False
    job.row.done = 0
    job.row.etag = job.row.version = ""
    job.parts_done = 0
    job.odd_digest = ""
    await ctx.journal.drop_progress(job.row.id)
    await ctx.journal.save(job.row)


class _Download:
    def __init__(self, ctx: RunContext, job: LiveJob, op: Operator) -> None:
        self.ctx = ctx
        self.job = job
        self.row = job.row
        self.op = op
        self.source = Receiver(ctx, job, op)
        self.listed = False
        self.target = LocalTarget(ctx, job)

    @property
    def size(self) -> int:
        """The object's bytes, once it was looked at."""
        return self.source.size

    async def run(self) -> None:
        row = self.row
        saved = await self.ctx.journal.download(row.id) if row.begun else None
        await self._look(saved)
        if saved is not None and await self._arrived(saved):
            return
        simple = saved is None and self.size <= _AT_ONCE and await self.target.is_free()
        if saved is None and not simple and await self.target.settle(self.size, self._is_same):
            return
        if saved is not None and row.root:
            await self.ctx.on_disk(make_parents, row.root, row.local_path)
        if self.size > self.ctx.options.ranges_above:
            await self._large(saved)
        else:
            await self._small_at_last()
        row.done = self.size

    async def _look(self, saved: DownloadRow | None) -> None:
        """See the object; what it was at first pins everything that follows."""
        row = self.row
        self.listed = False
        large = row.total is not None and row.total > self.ctx.options.ranges_above
        # A look brings the checksum of the whole, which no listing tells and no range.
        worth = large and self.op.info().capability.write_with_checksum
        told = bool(row.etag) and row.total is not None and not worth
        if saved is None and told and row.total is not None and not row.attempts:
            self.listed = True
            # The listing told enough; the read itself is pinned to it.
            self.source.pin_to(Metadata(content_length=row.total, etag=row.etag), row.total)
            return
        there, self.job.told = self.job.told, None
        if there is None or saved is not None:
            there = await stat_or_none(self.op, row.key)
        else:
            self.listed = True
        if there is None:
            raise gone(row.key)
        if there.is_dir or there.content_length is None:
            message = f"{row.key} is a folder on the service, or its size is not known."
            raise TransferError(message)
        if saved is not None and not same_version(saved, there):
            raise changed(row.key)
        self.source.pin_to(there, there.content_length)
        row.total, row.etag = self.size, there.etag or ""
        row.version, row.mtime = there.version or "", self.source.time_of(there)

    async def _arrived(self, saved: DownloadRow) -> bool:
        """Whether a crash came between the renaming and its record."""
        temp = await self.ctx.on_disk(localfile.stat_or_none, saved.temp)
        there = await self.ctx.on_disk(localfile.stat_or_none, self.row.local_path)
        if there is None or there.st_size != self.size:
            return False
        if temp is not None and not os.path.samestat(temp, there):
            return False
        done = await self.ctx.journal.intervals(self.row.id)
        if sum(stop - start for start, stop in done) != self.size:
            return False
        if not await self._equals_target(there, trust_size=True):
            return False
        await self.ctx.on_disk(remove_twin, saved.temp, self.row.local_path)
        return True

    async def _is_same(self, there: os.stat_result) -> bool:
        """Whether a local file is proven to be this object."""
        if not await self._equals_target(there, trust_size=False):
            return False
        temp = localfile.temp_name(self.row.local_path)
        await self.ctx.on_disk(remove_twin, temp, self.row.local_path)
        return True

    async def _equals_target(self, there: os.stat_result, *, trust_size: bool) -> bool:
        if there.st_size != self.size:
            return False
        proven, _ = await self.ctx.on_disk(
            verify_file, self.row.local_path, self.source.metadata, self.size
        )
        if not proven.is_proof and not (trust_size and proven is Integrity.SIZE_ONLY):
            proven = await self._own_file(there)
        if proven is not Integrity.NONE:
            self.row.integrity = proven.value
            self.row.done = self.size
            return True
        return False

    async def _own_file(self, there: os.stat_result) -> Integrity:
        """What proves that a local file was put in place by an earlier try of this job."""
        row = self.row
        if self.size <= READ_BACK:
            here = await self.ctx.on_disk(file_md5, row.local_path)
            found = await read_md5(self.ctx, self.job, self.op, row.key, self.source.metadata)
            return Integrity.MD5 if found is not None and found.hex() == here else Integrity.NONE
        ours = row.sent and row.mtime is not None and there.st_mtime_ns == nanoseconds(row.mtime)
        return Integrity.SIZE_ONLY if ours else Integrity.NONE

    # -- one stream

    async def _small_at_last(self) -> None:
        """Fetch what the listing told of, or, where that is outdated, what is there now."""
        try:
            await self._small()
        except SourceChangedError:
            if not self.listed:
                raise
            self.row.etag, self.row.attempts = "", self.row.attempts + 1
            await self._look(None)
            if not await self.target.settle(self.size, self._is_same):
                await self._small()

    async def _small(self) -> None:
        """Fetch with one request; begun again from nothing if cut off."""
        if self.size <= _AT_ONCE:
            await self._at_once()
        else:
            await self._streamed()

    async def _at_once(self) -> None:
        """Bring all bytes into memory, and from there into place in one visit to the disk."""
        temp = self.target.temp()
        self.job.parts_total, self.job.parts_done, self.row.done = 1, 0, 0
        async with self.ctx.slots.small(self.row.profile, self.size):
            self.row.sent = True
            # Not noted: a crash finds it queued, which comes to the same as under way.
            self.row.state = JobState.RUNNING
            self.ctx.changed(self.job)
            data = await self.source.whole()
        self.job.count(self.size)
        file = self.target.written = WholeFile(self.ctx.target_folders, self.row.root, temp, data)
        try:
            await self._finish_small(self.ctx.visits, file, temp)
        except BaseException:
            await self.ctx.to_the_end(file.discard)
            raise

    async def _streamed(self) -> None:
        """Fetch block by block, hashing on the way."""
        temp = self.target.temp()
        self.job.parts_total, self.job.parts_done, self.row.done = 1, 0, 0
        file = self.target.written = SmallFile(temp, self.size)
        try:
            async with self.ctx.slots.small(self.row.profile, self.size):
                self.row.sent = True
                self.ctx.show(self.job, JobState.RUNNING)
                await self.source.stream(file, Span(0, self.size))
            await self._finish_small(self.ctx.visits if file.is_held else self.ctx, file, temp)
        except BaseException:
            await self.ctx.to_the_end(file.discard)
            raise

    async def _finish_small(
        self, visit: DiskVisits | RunContext, file: SmallFile | WholeFile, temp: str
    ) -> None:
        """Compare and put in place, in one visit to the disk's threads where that can be."""
        expected = as_md5(self.source.metadata.etag)
        digest, placed = await visit.to_the_end(
            file.finish, expected or "?", self.target.place(temp, durable=False)
        )
        if expected == digest:
            self.row.integrity = Integrity.MD5.value
        else:
            await verify(self.source, temp, digest if expected else "")
        self.job.parts_done = 1
        if not placed:
            await self.target.publish(temp, self.size, self._is_same, durable=False)

    # -- many ranges

    async def _large(self, saved: DownloadRow | None) -> None:
        temp = saved.temp if saved is not None else self.target.temp()
        self.ctx.claim_file(self.job, temp)
        fetch = self.target.written = RangedFetch(self.source, temp)
        await fetch.run(resumed=saved is not None)
        try:
            await self.target.publish(temp, self.size, self._is_same, durable=True)
        except localfile.ForeignFileError:
            # What has that name is somebody else's now, and nothing to go on with.
            self.row.begun, self.row.done = False, 0
            await self.ctx.journal.drop_progress(self.row.id)
            await self.ctx.journal.save(self.row)
            raise


def same_version(saved: DownloadRow, there: Metadata) -> bool:
    """Whether the object is still the one that a download was begun from."""
    if saved.etag or there.etag:
        return same_etag(saved.etag, there.etag) and saved.size == there.content_length
    return saved.size == there.content_length and saved.mtime == mtime_of(there)
