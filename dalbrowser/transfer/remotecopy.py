"""Copies and moves between places on services: by the server where it can, else streamed.

Streamed copies go part by part through memory, as uploads do and as resumable. Invariant:
a move deletes its source only after the target was verified and while the source still has
the ETag that was copied.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import ByteRange
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.conflicts import Side, mtime_of
from dalbrowser.transfer.integrity import as_md5, same_etag
from dalbrowser.transfer.model import (
    Direction,
    Integrity,
    JobState,
    SourceChangedError,
    TransferError,
)
from dalbrowser.transfer.ownership import READ_BACK, read_md5
from dalbrowser.transfer.partplan import PartPlan
from dalbrowser.transfer.remote import require_size, stat_or_none
from dalbrowser.transfer.sending import Sending
from dalbrowser.transfer.source import SourceIdentity
from dalbrowser.transfer.target import RemoteTarget

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.partplan import PartSpan

_STEP = 8 * 1024 * 1024


async def run_copy(ctx: RunContext, job: LiveJob) -> None:
    """Bring an object from one place on a service to another; raises as ``run_upload``."""
    ctx.show(job, JobState.PREPARING)
    row = job.row
    target = await ctx.operator(row.profile, row.bucket)
    source = await ctx.operator(row.source_profile, row.source_bucket)
    if job.start_over:
        await abort_upload(ctx, target, job)
        row.etag = row.version = row.integrity = ""
        job.start_over = False
    await _Copy(ctx, job, source, target).run()


class RemoteSource:
    """An object as a ``PartSource``, pinned to one ETag."""

    def __init__(self, op: Operator, key: str, metadata: Metadata) -> None:
        self._op = op
        self._key = key
        self._metadata = metadata
        self.identity = SourceIdentity(metadata.content_length or 0, 0, 0, 0)

    async def read(self, span: PartSpan) -> tuple[bytes, bytes]:
        """Read one part; ``SourceChangedError`` when the object is another by now."""
        data = b""
        if span.size:
            pin: dict[str, Any] = {}
            etag = self._metadata.etag
            if etag and self._op.info().capability.read_with_if_match:
                pin["if_match"] = etag
            try:
                data = await self._op.read(
                    spell(self._key), range=ByteRange(span.offset, span.offset + span.size), **pin
                )
            except StorageError as error:
                gone = (ErrorKind.CONDITION_NOT_MATCH, ErrorKind.RANGE_NOT_SATISFIED)
                if error.kind in (*gone, ErrorKind.NOT_FOUND):
                    raise changed(self._key) from error
                raise
        if len(data) != span.size:
            raise changed(self._key)
        digest = await asyncio.to_thread(hashlib.md5, data, usedforsecurity=False)
        return data, digest.digest()

    async def digest(self, span: PartSpan) -> bytes:
        """Read a part again for its digest alone."""
        _, digest = await self.read(span)
        return digest

    async def whole_digest(self) -> bytes | None:
        """Return nothing: it would be the whole object once more over the network."""
        return None

    async def check(self) -> None:
        """Look whether the object is still the one that was read."""
        there = await stat_or_none(self._op, self._key)
        if there is None or not same_object(self._metadata, there):
            raise changed(self._key)


class _Copy:
    def __init__(self, ctx: RunContext, job: LiveJob, source: Operator, target: Operator) -> None:
        self.ctx = ctx
        self.job = job
        self.row = job.row
        self.source = source
        self.target = target
        self.near = (job.row.source_profile, job.row.source_bucket) == (
            job.row.profile,
            job.row.bucket,
        )

    async def run(self) -> None:
        row = self.row
        if self.near and row.key == row.source_key:
            message = "The source and the target are the same object; nothing was done."
            raise TransferError(message)
        there = await stat_or_none(self.source, row.source_key)
        if there is None:
            await self._source_gone()
            return
        if there.is_dir or there.content_length is None:
            message = f"{row.source_key} is a folder on the service, or its size is not known."
            raise TransferError(message)
        if (row.begun or row.integrity) and row.etag and not same_etag(row.etag, there.etag):
            raise changed(row.source_key)
        row.total, row.etag, row.mtime = there.content_length, there.etag or "", mtime_of(there)
        if not row.integrity or not await self._is_there():
            await self._bring(there)
        row.done = there.content_length
        if row.direction is Direction.MOVE:
            await self._delete_source(there)

    async def _source_gone(self) -> None:
        """A move that was cut off after its last step has no source any more."""
        moved = self.row.direction is Direction.MOVE and bool(self.row.integrity)
        if not (moved and await self._is_there()):
            message = f"{self.row.source_key} is not on the service any more; nothing was copied."
            raise TransferError(message)
        self.row.done = self.row.total or 0

    async def _is_there(self) -> bool:
        found = await stat_or_none(self.target, self.row.key)
        return found is not None and found.content_length == self.row.total

    async def _bring(self, there: Metadata) -> None:
        integrity: Integrity | None = None
        if self.near and self.source.info().capability.copy and not self.row.begun:
            integrity = await self._by_the_server(there)
        if integrity is None:
            integrity = await self._streamed(there)
        self.row.integrity = integrity.value

    async def _by_the_server(self, there: Metadata) -> Integrity | None:
        """Have the server copy; ``None`` when it cannot and the bytes must go through here."""
        row, capability = self.row, self.source.info().capability
        side = Side(there.content_length, mtime_of(there))
        target = RemoteTarget(self.ctx, self.job, self.target, side)

        async def is_same(found: Metadata) -> bool:
            if found.content_length != row.total:
                return False
            return same_etag(found.etag, there.etag) or await self._same_bytes(there, found)

        if await target.settle(is_same, copying=True):
            return self._judged(there, there)
        options = target.conditions(copying=True)
        if there.etag and capability.copy_with_if_match:
            options["if_match"] = there.etag
        row.sent = True
        self.ctx.show(self.job, JobState.RUNNING)
        try:
            async with self.ctx.slots.one(row.profile):
                await self.source.copy(spell(row.source_key), spell(row.key), **options)
        except StorageError as error:
            if error.kind is ErrorKind.UNSUPPORTED:
                return None
            if error.kind is ErrorKind.CONDITION_NOT_MATCH:
                await RemoteSource(self.source, row.source_key, there).check()
                if target.careful:
                    await target.taken_at_the_end()
            raise
        self.ctx.show(self.job, JobState.VERIFYING)
        found = await self.target.stat(spell(row.key))
        require_size(found, row.total or 0)
        await RemoteSource(self.source, row.source_key, there).check()
        return self._judged(there, found)

    async def _same_bytes(self, there: Metadata, found: Metadata) -> bool:
        """Whether an earlier try's copy landed, where no ETag can say so and it is small."""
        if not self.row.sent or (there.content_length or 0) > READ_BACK:
            return False
        row = self.row
        one = await read_md5(self.ctx, self.job, self.source, row.source_key, there)
        other = await read_md5(self.ctx, self.job, self.target, row.key, found)
        return one is not None and one == other

    def _judged(self, there: Metadata, found: Metadata) -> Integrity:
        equal = as_md5(there.etag) is not None and same_etag(there.etag, found.etag)
        return Integrity.MD5 if equal else Integrity.SERVER_SIDE

    async def _streamed(self, there: Metadata) -> Integrity:
        remote = RemoteSource(self.source, self.row.source_key, there)
        side = Side(there.content_length, mtime_of(there))
        options = copied_options(self.target, there)
        sending = Sending(self.ctx, self.job, self.target, remote, side=side, options=options)
        integrity = await sending.run()
        await remote.check()
        if self.row.direction is Direction.MOVE and not integrity.is_proof:
            integrity = await self._compare(remote)
        return integrity

    async def _compare(self, remote: RemoteSource) -> Integrity:
        """Read both sides once more: before a source is deleted, equality must be proven."""
        written = await self.target.stat(spell(self.row.key))
        copy = RemoteSource(self.target, self.row.key, written)
        for span in PartPlan(remote.identity.size, _STEP).spans():
            if await remote.digest(span) != await copy.digest(span):
                message = (
                    "What arrived at the target differs from the source, so the source was not"
                    " deleted; retry."
                )
                raise TransferError(message)
        return Integrity.MD5

    async def _delete_source(self, there: Metadata) -> None:
        row = self.row
        # On disk before the deletion: a crash in between must not look like a lost source.
        await self.ctx.journal.save(row)
        await RemoteSource(self.source, row.source_key, there).check()
        self.ctx.show(self.job, JobState.FINALISING)
        await self.source.delete(spell(row.source_key))


def copied_options(op: Operator, there: Metadata) -> dict[str, Any]:
    """Return what of an object's metadata the target can keep."""
    capability = op.info().capability
    wanted: dict[str, tuple[bool, Any]] = {
        "content_type": (capability.write_with_content_type, there.content_type),
        "content_disposition": (
            capability.write_with_content_disposition,
            there.content_disposition,
        ),
        "content_encoding": (capability.write_with_content_encoding, there.content_encoding),
        "cache_control": (capability.write_with_cache_control, there.cache_control),
        "user_metadata": (capability.write_with_user_metadata, dict(there.user_metadata)),
    }
    return {name: value for name, (able, value) in wanted.items() if able and value}


def same_object(first: Metadata, now: Metadata) -> bool:
    """Whether two looks at a key saw the same object."""
    if first.etag or now.etag:
        return same_etag(first.etag, now.etag)
    return (first.content_length, first.last_modified) == (now.content_length, now.last_modified)


def changed(key: str) -> SourceChangedError:
    """Return the error for a source that was replaced or deleted while it was copied."""
    return SourceChangedError(
        f"{key} was replaced or deleted on the service while it was being copied; its source was"
        " not touched. Start over to copy it as it is now, or cancel."
    )
