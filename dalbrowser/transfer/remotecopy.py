"""Copies and moves between places on services: by the server where it can, else streamed.

Streamed copies go part by part through memory, as uploads do and as resumable. Invariant:
a move deletes its source only after the target was verified and while the source still has
the ETag that was copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.conflicts import Side, mtime_of
from dalbrowser.transfer.integrity import (
    PROOFS,
    as_md5,
    multipart_count,
    other_bytes,
    same_etag,
)
from dalbrowser.transfer.model import (
    Direction,
    Integrity,
    JobState,
    TransferError,
)
from dalbrowser.transfer.ownership import READ_BACK, read_md5
from dalbrowser.transfer.partcopy import BY_SERVER, LostError, PartCopy, is_refusal
from dalbrowser.transfer.partplan import PartPlan
from dalbrowser.transfer.remote import copied_options, is_one_store, require_size, stat_or_none
from dalbrowser.transfer.remotesource import RemoteSource, changed, same_object
from dalbrowser.transfer.sending import Sending
from dalbrowser.transfer.target import RemoteTarget
from dalbrowser.transfer.upload import checked_options

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import UploadRow

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


class _Copy:
    def __init__(self, ctx: RunContext, job: LiveJob, source: Operator, target: Operator) -> None:
        self.ctx = ctx
        self.job = job
        self.row = job.row
        self.source = source
        self.target = target
        self.near = job.row.within_bucket
        self.beside = not self.near and target.copies_from(source)

    async def run(self) -> None:
        row = self.row
        if self._is_itself():
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
            await self._require_another(there)
            await self._bring(there)
        row.done = there.content_length
        if row.direction is Direction.MOVE:
            await self._delete_source(there)

    def _is_itself(self) -> bool:
        """Whether both places are one, also where two connections lead to it."""
        row, here, there = self.row, self.target.info(), self.source.info()
        if self.near:
            return row.key == row.source_key
        one = is_one_store(here, there)
        return bool(one) and here.root + row.key == there.root + row.source_key

    async def _require_another(self, there: Metadata) -> None:
        """Raise when what stands at the target of a move looks like its very source.

        One server can have two names, one folder two paths: then writing the target changes
        the source to equal bytes, and deleting the source deletes them. Two objects that
        only look the same (ETag, size and moment of writing) lose nothing by staying.
        """
        if self.near or self.beside or self.row.direction is not Direction.MOVE:
            return  # Two buckets of one server, reached by one name, are two.
        found = await stat_or_none(self.target, self.row.key)
        if found is None or found.content_length != there.content_length:
            return
        if same_object(there, found) and found.last_modified == there.last_modified:
            message = (
                f"{self.row.key} at the target looks like the very object that is to be moved:"
                " both connections seem to lead to the same place. Nothing was done."
            )
            raise TransferError(message)

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
        saved = await self.ctx.journal.upload(self.row.id) if self.row.begun else None
        begun = saved is not None and BY_SERVER in saved.options
        able = self.target.info().capability.copy and (self.near or self.beside)
        if begun or (able and not self.row.begun):
            integrity = await self._by_the_server(there, saved if begun else None)
        if integrity is None:
            integrity = await self._streamed(there)
        self.row.integrity = integrity.value

    async def _by_the_server(self, there: Metadata, saved: UploadRow | None) -> Integrity | None:
        """Have the server copy; ``None`` when it cannot and the bytes must go through here."""
        row, capability = self.row, self.target.info().capability
        side = Side(there.content_length, mtime_of(there))
        target = RemoteTarget(self.ctx, self.job, self.target, side)
        large = self._is_large(there)
        if large and not capability.multipart_copy:
            return None

        async def is_same(found: Metadata) -> bool:
            if found.content_length != row.total:
                return False
            return same_etag(found.etag, there.etag) or await self._same_bytes(there, found)

        if saved is None and await target.settle(is_same, copying=not large):
            return self._judged(there, there)
        try:
            if large:
                await self._in_parts(there, target, saved)
            else:
                await self._at_once(there, target)
        except StorageError as error:
            if error.kind is ErrorKind.UNSUPPORTED or (self.beside and is_refusal(error)):
                row.note = "The server would not copy it by itself; it went through here."
                return None
            if error.kind is ErrorKind.CONDITION_NOT_MATCH:
                await RemoteSource(self.source, row.source_key, there).check()
                if target.careful:
                    await target.taken_at_the_end()
                    return await self._by_the_server(there, None)
            raise
        self.ctx.show(self.job, JobState.VERIFYING)
        found = await self.target.stat(spell(row.key))
        require_size(found, row.total or 0)
        await RemoteSource(self.source, row.source_key, there).check()
        return self._judged(there, found)

    def _is_large(self, there: Metadata) -> bool:
        """Whether a copy is made in parts: one request takes no more, or would take long."""
        limit = self.ctx.options.copy_at_once
        native = self.target.info().capability.copy_max_size
        return (there.content_length or 0) > min(limit, native or limit)

    async def _at_once(self, there: Metadata, target: RemoteTarget) -> None:
        row, capability = self.row, self.target.info().capability
        options = target.conditions(copying=True)
        if there.etag and capability.copy_with_if_match:
            options["if_match"] = there.etag
        row.sent = True
        self.ctx.show(self.job, JobState.RUNNING)
        source, key = spell(row.source_key), spell(row.key)
        async with self.ctx.slots.one(row.profile):
            if self.near:
                await self.source.copy(source, key, **options)
            else:
                options["source_size"] = there.content_length
                await self.target.copy_from(self.source, source, key, **options)

    async def _in_parts(
        self, there: Metadata, target: RemoteTarget, saved: UploadRow | None
    ) -> None:
        """Have the server fill the parts; begun anew when the upload was lost, a few times."""
        remote = RemoteSource(self.source, self.row.source_key, there)
        bucket = None if self.near else self.source.info().name
        for last in (False, False, True):
            parts = PartCopy(
                self.ctx,
                self.job,
                remote,
                self.target,
                there=there,
                target=target,
                bucket=bucket,
            )
            try:
                await parts.run(saved)
            except LostError as lost:
                saved = None
                if last:
                    message = "The copy's upload was ended by somebody else each time; retry."
                    raise TransferError(message) from lost
            else:
                return

    async def _same_bytes(self, there: Metadata, found: Metadata) -> bool:
        """Whether an earlier try's copy landed, where no ETag can say so and it is small."""
        if not self.row.sent or (there.content_length or 0) > READ_BACK:
            return False
        row = self.row
        one = await read_md5(self.ctx, self.job, self.source, row.source_key, there)
        other = await read_md5(self.ctx, self.job, self.target, row.key, found)
        return one is not None and one == other

    def _judged(self, there: Metadata, found: Metadata) -> Integrity:
        """Compare what the service says of the two objects."""
        for name, proof in PROOFS.items():
            one, other = there.checksums.get(name, "-"), found.checksums.get(name, "-")
            if "-" not in one + other:
                if one != other:
                    raise other_bytes(self.row.key)
                return proof
        digest = as_md5(there.etag) is not None or multipart_count(there.etag) is not None
        equal = digest and same_etag(there.etag, found.etag)
        return Integrity.MD5 if equal else Integrity.SERVER_SIDE

    async def _streamed(self, there: Metadata) -> Integrity:
        remote = RemoteSource(self.source, self.row.source_key, there)
        side = Side(there.content_length, mtime_of(there))
        options = copied_options(self.target, there) | checked_options(self.target)
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
