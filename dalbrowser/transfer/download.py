"""One download: into a temporary file beside its target, in ranges pinned to one version.

Invariants: every byte comes from the object as it was at the first look (ETag, and the
version where there is one); a range is in the journal only after it was flushed to the
disk; the target's own name appears when the whole is there and was verified.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import ByteRange, Metadata
from dalbrowser.transfer import localfile
from dalbrowser.transfer.conflicts import mtime_of
from dalbrowser.transfer.failures import is_gone, is_temporary, pause_before
from dalbrowser.transfer.integrity import as_md5, file_md5, same_etag, verify_file
from dalbrowser.transfer.journal import DownloadRow
from dalbrowser.transfer.localfile import nanoseconds
from dalbrowser.transfer.localnames import make_parents
from dalbrowser.transfer.localtarget import LocalTarget
from dalbrowser.transfer.model import (
    Integrity,
    JobState,
    MiB,
    SourceChangedError,
    TransferError,
)
from dalbrowser.transfer.ownership import READ_BACK, read_md5
from dalbrowser.transfer.prover import Prover
from dalbrowser.transfer.ranges import RangeRecord
from dalbrowser.transfer.remote import stat_or_none
from dalbrowser.transfer.together import all_together

if TYPE_CHECKING:
    import os

    from dalbrowser.storage import Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob

_BLOCK = 1 * MiB
"""Bytes gathered before they are handed to the disk pool."""


async def run_download(ctx: RunContext, job: LiveJob) -> None:
    """Bring an object to its local name; returns when that is verified and in place.

    Raises as ``run_upload`` does; finished ranges stay for the next run.
    """
    ctx.show(job, JobState.PREPARING)
    if job.start_over:
        await discard_download(ctx, job)
        job.start_over = False
    op = await ctx.operator(job.row.profile, job.row.bucket)
    await _Download(ctx, job, op).run()


async def discard_download(ctx: RunContext, job: LiveJob) -> None:
    """Remove the job's temporary file and forget its progress."""
    saved = await ctx.journal.download(job.row.id) if job.row.begun else None
    if saved is not None:
        await ctx.on_disk(localfile.remove, saved.temp)
    job.row.begun = False
    job.row.done = 0
    job.row.etag = job.row.version = ""
    job.parts_done = 0
    job.odd_digest = ""
    await ctx.journal.drop_progress(job.row.id)
    await ctx.journal.save(job.row)


@dataclass(slots=True)
class _Span:
    """A range that is being fetched: ``at`` is the next byte to come, ``stop`` the end."""

    at: int
    stop: int


class _Download:
    def __init__(self, ctx: RunContext, job: LiveJob, op: Operator) -> None:
        self.ctx = ctx
        self.job = job
        self.row = job.row
        self.op = op
        self.capability = op.info().capability
        self.metadata = Metadata()
        self.size = 0
        self.listed = False
        self.target = LocalTarget(ctx, job)

    async def run(self) -> None:
        row = self.row
        saved = await self.ctx.journal.download(row.id) if row.begun else None
        await self._look(saved)
        if saved is not None and await self._arrived(saved):
            return
        if saved is None and await self.target.settle(self.size, self._is_same):
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
        worth = large and self.capability.write_with_checksum
        told = bool(row.etag) and row.total is not None and not worth
        if saved is None and told and row.total is not None and not row.attempts:
            self.listed = True
            # The listing told enough; the read itself is pinned to it.
            self.metadata = Metadata(content_length=row.total, etag=row.etag)
            self.size = row.total
            return
        there = await stat_or_none(self.op, row.key)
        if there is None:
            raise gone(row.key)
        if there.is_dir or there.content_length is None:
            message = f"{row.key} is a folder on the service, or its size is not known."
            raise TransferError(message)
        if saved is not None and not same_version(saved, there):
            raise changed(row.key)
        self.metadata, self.size = there, there.content_length
        row.total, row.etag = self.size, there.etag or ""
        row.version, row.mtime = there.version or "", self._time_of(there)

    async def _arrived(self, saved: DownloadRow) -> bool:
        """Whether a crash came between the renaming and its record."""
        temp = await self.ctx.on_disk(localfile.stat_or_none, saved.temp)
        there = await self.ctx.on_disk(localfile.stat_or_none, self.row.local_path)
        if temp is not None or there is None or there.st_size != self.size:
            return False
        done = await self.ctx.journal.intervals(self.row.id)
        if sum(stop - start for start, stop in done) != self.size:
            return False
        return await self._equals_target(there, trust_size=True)

    async def _is_same(self, there: os.stat_result) -> bool:
        """Whether a local file is proven to be this object."""
        return await self._equals_target(there, trust_size=False)

    async def _equals_target(self, there: os.stat_result, *, trust_size: bool) -> bool:
        if there.st_size != self.size:
            return False
        proven, _ = await self.ctx.on_disk(
            verify_file, self.row.local_path, self.metadata, self.size
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
            found = await read_md5(self.ctx, self.job, self.op, row.key, self.metadata)
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
            await self._small()

    async def _small(self) -> None:
        """Fetch with one request, hashing on the way; begun again from nothing if cut off."""
        temp = self.target.temp()
        self.job.parts_total, self.job.parts_done, self.row.done = 1, 0, 0
        file = localfile.SmallFile(temp, self.size)
        try:
            async with self.ctx.slots.one(self.row.profile):
                self.row.sent = True
                self.ctx.show(self.job, JobState.RUNNING)
                await self._stream(file, _Span(0, self.size))
            await self._finish_small(file, temp)
        except BaseException:
            await self.ctx.to_the_end(file.discard)
            raise

    async def _finish_small(self, file: localfile.SmallFile, temp: str) -> None:
        """Compare and put in place, in one visit to the disk's threads where that can be."""
        expected = as_md5(self.metadata.etag)
        visit = self.ctx.visits if file.is_held else self.ctx
        digest, placed = await visit.to_the_end(
            file.finish, expected or "?", self.target.place(temp, durable=False)
        )
        if expected == digest:
            self.row.integrity = Integrity.MD5.value
        else:
            await self._verify(temp, digest if expected else "")
        self.job.parts_done = 1
        if not placed:
            await self.target.publish(temp, self.size, self._is_same, durable=False)

    async def _stream(self, file: localfile.Writable, span: _Span) -> None:
        """Write the rest of ``span``; what reached the file is in ``span.at``, also on failure."""
        if span.at == span.stop:
            return
        first, held, size = True, list[bytes](), 0
        part = ByteRange(span.at, span.stop)
        if part == ByteRange(0, self.size) and self.capability.write_with_checksum:
            part = ByteRange()  # The reply to this one carries the checksum, and is compared.
        try:
            async with self.op.reader(spell(self.row.key), range=part, **self._pin()) as reader:
                async for block in reader:
                    if first:
                        self._see(reader.metadata)
                        first = False
                    held.append(bytes(block))
                    size += len(block)
                    if size >= _BLOCK:
                        blocks, held, size = held, [], 0
                        await self._put(file, span, blocks)
        except StorageError as error:
            await self._put(file, span, held)
            raise self._explained(error) from error
        await self._put(file, span, held)
        if span.at != span.stop:
            raise _short(span.at, span.stop)

    async def _put(self, file: localfile.Writable, span: _Span, blocks: list[bytes]) -> None:
        size = sum(map(len, blocks))
        if size:
            if file.holds(size):
                for block in blocks:
                    file.hold(block)
            else:
                await self.ctx.to_the_end(file.write, span.at, blocks)
            span.at += size
            self.job.count(size)
            self.ctx.changed(self.job)

    def _pin(self) -> dict[str, Any]:
        pin: dict[str, Any] = {}
        etag = self.metadata.etag
        if etag and not etag.startswith("W/") and self.capability.read_with_if_match:
            pin["if_match"] = etag
        if self.row.version and self.capability.read_with_version:
            pin["version"] = self.row.version
        return pin

    def _see(self, now: Metadata | None) -> None:
        """Compare what the read itself said of the object with what it is pinned to."""
        if now is None:
            return
        etag = self.metadata.etag
        if etag and now.etag and not same_etag(etag, now.etag):
            raise changed(self.row.key)
        if now.content_length is not None and now.content_length != self.size:
            raise changed(self.row.key)
        if now.checksums and not self.metadata.checksums:
            self.metadata = replace(self.metadata, checksums=now.checksums)
        if self.row.mtime is None or (now.user_metadata and not self.row.compared):
            self.row.mtime = self._time_of(now) or self.row.mtime

    def _time_of(self, there: Metadata) -> float | None:
        """Return the local file's time; a sync compares it with what the next listing tells."""
        if not self.row.compared:
            return mtime_of(there)
        return there.last_modified.timestamp() if there.last_modified else None

    def _explained(self, error: StorageError) -> Exception:
        if error.kind in (ErrorKind.CONDITION_NOT_MATCH, ErrorKind.RANGE_NOT_SATISFIED):
            return changed(self.row.key)
        return gone(self.row.key) if is_gone(error) else error

    # -- many ranges

    async def _large(self, saved: DownloadRow | None) -> None:
        temp = saved.temp if saved is not None else self.target.temp()
        self.ctx.claim(self.job, "local", "", temp)
        if saved is not None and await self.ctx.on_disk(localfile.stat_or_none, temp) is None:
            saved = None
        if saved is None:
            await self._begin(temp)
        file = await self.ctx.on_disk(localfile.PartFile, temp, keep=saved is not None)
        try:
            await self._count_resent(file)
            await self.ctx.on_disk(file.reserve, self.size)
            for _ in range(2):
                if await self._verify(temp, "", await self._fetch_missing(file)):
                    break
                await self._begin(temp)
            self.ctx.show(self.job, JobState.FINALISING)
            await self.ctx.on_disk(file.flush)
        finally:
            await self.ctx.on_disk(file.close)
        await self.target.publish(temp, self.size, self._is_same, durable=True)

    async def _begin(self, temp: str) -> None:
        """Write the download to the journal, with no range done."""
        row = self.row
        saved = DownloadRow(
            job=row.id,
            temp=temp,
            etag=self.metadata.etag or "",
            version=row.version,
            size=self.size,
            mtime=row.mtime,
        )
        row.begun = True
        await self.ctx.journal.save_download(saved)
        await self.ctx.journal.save(row)

    async def _count_resent(self, file: localfile.PartFile) -> None:
        """What lies on the disk without a record was in flight, and is fetched again."""
        done = sum(stop - start for start, stop in await self.ctx.journal.intervals(self.row.id))
        on_disk = await self.ctx.on_disk(lambda: min(file.allocated, file.size))
        self.row.resent += max(0, on_disk - done)

    async def _fetch_missing(self, file: localfile.PartFile) -> tuple[Integrity, str] | None:
        """Fetch the ranges that are not there; returns what was proven on the way."""
        step = self.ctx.options.range_size
        done = dict(await self.ctx.journal.intervals(self.row.id))
        spans = [(at, min(at + step, self.size)) for at in range(0, self.size, step)]
        missing = deque(span for span in spans if done.get(span[0]) != span[1])
        self.row.done = sum(stop - start for start, stop in spans if done.get(start) == stop)
        self.job.parts_total = len(spans)
        self.job.parts_done = len(spans) - len(missing)
        self.ctx.show(self.job, JobState.RUNNING)

        record = RangeRecord(self.ctx, self.row.id, file, self._recorded)
        prover = Prover(self.ctx, file, self.metadata, self.size)
        prover.arrived(span for span in spans if done.get(span[0]) == span[1])

        async def fetcher() -> None:
            while missing:
                start, stop = missing.popleft()
                await self._fetch(file, start, stop)
                prover.arrived([(start, stop)])
                await record.add(start, stop)

        async def fetchers() -> None:
            count = min(self.ctx.options.parts_per_file, len(missing))
            await all_together(fetcher() for _ in range(count))
            record.close()

        try:
            await all_together([fetchers(), record.run(), prover.run()])
        finally:
            await record.rest()
        return prover.verdict()

    def _recorded(self, count: int) -> None:
        self.job.parts_done += count
        self.ctx.changed(self.job)

    async def _fetch(self, file: localfile.PartFile, start: int, stop: int) -> None:
        options, attempt, span = self.ctx.options, 0, _Span(start, stop)
        while span.at < stop:
            attempt += 1
            try:
                async with self.ctx.slots.one(self.row.profile):
                    await self._stream(file, span)
            except StorageError as error:
                # What reached the file stays: the range goes on from there.
                if not is_temporary(error) or attempt >= options.part_attempts:
                    raise
                wait = pause_before(
                    attempt, options.backoff_base, options.backoff_cap, error.retry_after
                )
                self.row.attempts += 1
                self.ctx.changed(self.job)
                await asyncio.sleep(wait)

    # -- the proof

    async def _verify(
        self, temp: str, digest: str, seen: tuple[Integrity, str] | None = None
    ) -> bool:
        """Verify the temporary file; false when it should be fetched once more.

        A digest that differs twice in the same way is no fault of the bytes: the ETag is
        not one (an encrypted object's is not).
        """
        self.ctx.show(self.job, JobState.VERIFYING)
        await self._still_the_same()
        if digest:
            proven, found = Integrity.NONE, digest
        elif seen is not None:
            proven, found = seen
        else:
            proven, found = await self.ctx.on_disk(verify_file, temp, self.metadata, self.size)
        if proven is Integrity.NONE and found != self.job.odd_digest:
            if self.job.odd_digest:
                message = (
                    "The bytes that came differ from the object's digest, and differ each time:"
                    " the connection or the service damages them; retry, or check the network."
                )
                raise TransferError(message)
            self.job.odd_digest = found
            self.row.note = "The digest did not match; fetched once more."
            if digest:
                raise StorageError(
                    ErrorKind.CONTENT_INCOMPLETE,
                    "The bytes that came do not have the object's digest.",
                    status=ErrorStatus.TEMPORARY,
                )
            return False
        if proven is Integrity.NONE and ":" in found:
            raise TransferError(
                f"The bytes that came have the checksum {found}, each time, and the service says"
                " that the object has another: it keeps other bytes than were once written;"
                " compare with another copy."
            )
        self.row.integrity = (Integrity.SIZE_ONLY if proven is Integrity.NONE else proven).value
        return True

    async def _still_the_same(self) -> None:
        """Where the service cannot be told which version to read, look again afterwards."""
        if self._pin():
            return
        there = await stat_or_none(self.op, self.row.key)
        if there is None:
            raise gone(self.row.key)
        same = there.content_length == self.size and (
            not self.metadata.etag or same_etag(self.metadata.etag, there.etag)
        )
        if not same:
            raise changed(self.row.key)


def same_version(saved: DownloadRow, there: Metadata) -> bool:
    """Whether the object is still the one that a download was begun from."""
    if saved.etag or there.etag:
        return same_etag(saved.etag, there.etag) and saved.size == there.content_length
    return saved.size == there.content_length and saved.mtime == mtime_of(there)


def changed(key: str) -> SourceChangedError:
    """Return the error for an object that was replaced while it was fetched."""
    return SourceChangedError(
        f"{key} was replaced on the service while it was being fetched, so nothing was put in"
        " place; start over to fetch it as it is now, or cancel."
    )


def gone(key: str) -> TransferError:
    """Return the error for an object that is not there any more."""
    return TransferError(f"{key} is not on the service any more; nothing was put in place.")


def _short(reached: int, wanted: int) -> StorageError:
    return StorageError(
        ErrorKind.CONTENT_INCOMPLETE,
        f"The body ended at byte {reached:,} of {wanted:,}.",
        status=ErrorStatus.TEMPORARY,
    )
