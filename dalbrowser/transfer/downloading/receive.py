"""Receives the bytes of one object, always as it was at the first look.

Invariants: a reply that speaks of another object than the one looked at is refused before a
byte of it is kept; what is counted has reached the file; when a stream is left, whichever
way, none of its writes is under way any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import ByteRange, Metadata
from dalbrowser.transfer.conflicts import mtime_of
from dalbrowser.transfer.failures import is_for_job, is_gone, pause_before
from dalbrowser.transfer.integrity import same_etag
from dalbrowser.transfer.model import MiB, SourceChangedError, TransferError
from dalbrowser.transfer.remote import pin, stat_or_none
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage import Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.localfile import Writable
    from dalbrowser.transfer.job import LiveJob

_BLOCK = 2 * MiB
"""Bytes gathered before they are handed to the disk pool: two such in memory for each stream."""

_LATE = 0.5
"""Seconds after which fewer are handed over: what is counted as done must not lag behind."""


@record(frozen=False)
class Span:
    """A range that is being fetched: ``at`` is the next byte to come, ``stop`` the end."""

    at: int
    stop: int


class Receiver:
    """Reads the object of one job; ``metadata`` and ``size`` are what it is pinned to."""

    def __init__(self, ctx: RunContext, job: LiveJob, op: Operator) -> None:
        self.ctx = ctx
        self.job = job
        self.row = job.row
        self.op = op
        self.capability = op.info().capability
        self.metadata = Metadata()
        self.size = 0

    def pin_to(self, metadata: Metadata, size: int) -> None:
        """Read this version from now on."""
        self.metadata, self.size = metadata, size

    def time_of(self, there: Metadata) -> float | None:
        """Return the local file's time; a sync compares it with what the next listing tells."""
        if not self.row.compared:
            return mtime_of(there)
        told = there.last_modified.timestamp() if there.last_modified else None
        planned = self.row.mtime
        # A header keeps whole seconds where the listing, and so the next plan, has more.
        same = planned is not None and told is not None and int(planned) == int(told)
        return planned if same else told

    async def require_same(self) -> None:
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

    async def fetch(self, file: Writable, span: Span) -> None:
        """Write all of ``span``, in as many tries as that takes."""
        options, attempt = self.ctx.options, 0
        while span.at < span.stop:
            attempt += 1
            try:
                async with self.ctx.slots.one(self.row.profile):
                    await self.stream(file, span)
            except StorageError as error:
                # What reached the file stays: the range goes on from there.
                if is_for_job(error, attempt, options.part_attempts):
                    raise
                wait = pause_before(
                    attempt, options.backoff_base, options.backoff_cap, error.retry_after
                )
                self.row.attempts += 1
                self.ctx.changed(self.job)
                await asyncio.sleep(wait)

    async def stream(self, file: Writable, span: Span) -> None:
        """Write the rest of ``span``; what reached the file is in ``span.at``, also on failure."""
        if span.at == span.stop:
            return
        writes = _Writes(self.ctx, self.job, file, span)
        try:
            try:
                await self._receive(writes, span)
            except StorageError as error:
                await writes.finish()
                raise self._explained(error) from error
            await writes.finish()
        finally:
            await writes.settled()
        if span.at != span.stop:
            raise _short(span.at, span.stop)

    async def whole(self) -> bytes:
        """Return all of a small object, in one step from the connection to memory."""
        if not self.size:
            return b""
        try:
            now, data = await self.op.read_exactly(spell(self.row.key), self.size, **self._pin())
        except StorageError as error:
            raise self._explained(error) from error
        self._see(now)
        return data

    async def _receive(self, writes: _Writes, span: Span) -> None:
        first = True
        part = ByteRange(span.at, span.stop)
        if part == ByteRange(0, self.size) and self.capability.write_with_checksum:
            part = ByteRange()  # The reply to this one carries the checksum, and is compared.
        async with self.op.reader(spell(self.row.key), range=part, **self._pin()) as reader:
            async for block in reader:
                if first:
                    self._see(reader.metadata)
                    first = False
                if writes.hold(block):
                    await writes.go_on()

    def _pin(self) -> dict[str, Any]:
        pinned = pin(self.capability, self.metadata.etag)
        if self.row.version and self.capability.read_with_version:
            pinned["version"] = self.row.version
        return pinned

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
            found = self.time_of(now)
            self.row.mtime = self.row.mtime if found is None else found

    def _explained(self, error: StorageError) -> Exception:
        if error.kind in (ErrorKind.CONDITION_NOT_MATCH, ErrorKind.RANGE_NOT_SATISFIED):
            return changed(self.row.key)
        return gone(self.row.key) if is_gone(error) else error


class _Writes:
    """The writes of one stream: one is under way while the next bytes come."""

    def __init__(self, ctx: RunContext, job: LiveJob, file: Writable, span: Span) -> None:
        self._ctx = ctx
        self._job = job
        self._file = file
        self._span = span
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._size = 0
        self._since = 0.0
        self._under_way: asyncio.Future[None] | None = None
        self._writing = 0

    def hold(self, block: bytes) -> bool:
        """Keep a block; whether it is time to go on with the writing."""
        now = self._loop.time()
        if not self._held:
            self._since = now
        self._held.append(bytes(block))
        self._size += len(block)
        return self._size >= _BLOCK or now - self._since >= _LATE

    async def go_on(self) -> None:
        """Wait for the write under way, and begin the next."""
        await self._wait()
        blocks, size = self._held, self._size
        self._held, self._size = [], 0
        if not size:
            return
        if self._file.holds(size):
            for block in blocks:
                self._file.hold(block)
            self._count(size)
            return
        self._writing = size
        self._under_way = self._loop.run_in_executor(
            self._ctx.disk, self._file.write, self._span.at, blocks
        )

    async def finish(self) -> None:
        """Write what is held, and wait for it."""
        await self.go_on()
        await self._wait()

    async def settled(self) -> None:
        """Return once no thread writes any more, however often the task is cancelled."""
        future = self._under_way
        while future is not None and not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        if future is not None and not future.cancelled():
            future.exception()

    async def _wait(self) -> None:
        if self._under_way is not None:
            # A cancelled task leaves the write to ``settled``.
            await asyncio.shield(self._under_way)
            self._under_way = None
            self._count(self._writing)

    def _count(self, size: int) -> None:
        self._span.at += size
        self._job.count(size)
        self._ctx.changed(self._job)


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
