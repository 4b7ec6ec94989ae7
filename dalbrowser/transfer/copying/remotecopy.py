"""Copies and moves between places on services: by the server where it can, else streamed.

Streamed copies go part by part through memory, as uploads do and as resumable. Invariant:
a move deletes its source only after the target was verified, while that is the object that
was verified and the source still has the ETag that was copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer import ownership
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.conflicts import Side, mtime_of
from dalbrowser.transfer.copying.copiedtags import CopiedTags
from dalbrowser.transfer.copying.owncopy import OwnCopy
from dalbrowser.transfer.copying.partcopy import BY_SERVER, LostError, PartCopy, is_refusal
from dalbrowser.transfer.equality import same_bytes, told
from dalbrowser.transfer.integrity import is_digest, other_bytes, same_etag
from dalbrowser.transfer.model import (
    Direction,
    Integrity,
    JobState,
    TransferError,
)
from dalbrowser.transfer.remote import copied_options, is_one_store, require_size, stat_or_none
from dalbrowser.transfer.remotesource import RemoteSource, changed, is_one_object
from dalbrowser.transfer.target import RemoteTarget
from dalbrowser.transfer.uploading.sending import Sending
from dalbrowser.transfer.uploading.upload import checked_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import UploadRow


async def run_copy(ctx: RunContext, job: LiveJob) -> None:
    """Bring an object from one place on a service to another; raises as ``run_upload``."""
    ctx.show(job, JobState.PREPARING)
    row = job.row
    target = await ctx.operator(row.profile, row.bucket)
    source = await ctx.operator(row.source_profile, row.source_bucket)
    if job.start_over:
        await abort_upload(ctx, target, job)
        row.etag = row.version = row.integrity = row.made = ""
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
        self.by_server = target.info().capability.copy and (self.near or self.beside)

    async def run(self) -> None:
        row = self.row
        if self._is_itself():
            message = "The source and the target are the same object; nothing was done."
            raise TransferError(message)
        # What the server copies by itself it copies with its tags.
        there = await stat_or_none(self.source, row.source_key, tags=not self.by_server)
        if there is None:
            await self._source_gone()
            return
        if there.is_dir or there.content_length is None:
            message = f"{row.source_key} is a folder on the service, or its size is not known."
            raise TransferError(message)
        if (row.begun or row.integrity) and row.etag and not same_etag(row.etag, there.etag):
            raise changed(row.source_key)
        row.total, row.etag, row.mtime = there.content_length, there.etag or "", mtime_of(there)
        own = OwnCopy(self.ctx, self.job, self.source, self.target, there)
        if not (row.integrity and await own.is_still_there()):
            await self._require_another(there)
            await self._bring(there, own)
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
        if self.row.direction is not Direction.MOVE:
            return
        if (self.near or self.beside) and is_digest(there.etag):
            # Two keys or buckets of one server, reached by one name, are two; equal bytes have
            # equal ETags there. Where ETags are of files, a link or case may make two keys one.
            return
        found = await stat_or_none(self.target, self.row.key)
        if found is None or found.content_length != there.content_length:
            return
        if is_one_object(there, found):
            message = (
                f"{self.row.key} at the target looks like the very object that is to be moved:"
                " source and target seem to be the same place. Nothing was done."
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

    async def _bring(self, there: Metadata, own: OwnCopy) -> None:
        integrity: Integrity | None = None
        saved = await self.ctx.journal.upload(self.row.id) if self.row.begun else None
        begun = saved is not None and BY_SERVER in saved.options
        if begun or (self.by_server and not self.row.begun):
            integrity = await self._by_the_server(there, own, saved if begun else None)
        if integrity is None:
            integrity = await self._streamed(there)
        self.row.integrity = integrity.value

    async def _by_the_server(
        self,
        there: Metadata,
        own: OwnCopy,
        saved: UploadRow | None,
        target: RemoteTarget | None = None,
    ) -> Integrity | None:
        """Have the server copy; ``None`` when it cannot and the bytes must go through here."""
        row, capability = self.row, self.target.info().capability
        side = Side(there.content_length, mtime_of(there))
        target = target or RemoteTarget(self.ctx, self.job, self.target, side)
        large = self._is_large(there)
        if large and not capability.multipart_copy:
            return None
        if saved is None and await own.stands(target, copying=not large):
            return own.proof
        try:
            if large:
                await self._in_parts(there, own, target, saved)
            else:
                await self._at_once(there, target)
        except StorageError as error:
            if error.kind is ErrorKind.UNSUPPORTED or (self.beside and is_refusal(error)):
                row.note = "The server would not copy it by itself; it went through here."
                row.sent = False
                return None
            if error.kind is not ErrorKind.CONDITION_NOT_MATCH:
                raise
            await RemoteSource(self.source, row.source_key, there).check()
            if not target.minds:
                raise
            if not await self._had_landed(error, own, target):
                await target.taken_at_the_end()
                saved = await self.ctx.journal.upload(row.id) if row.begun else None
                return await self._by_the_server(there, own, saved, target)
        return own.proof if own.proof.is_proof else await self._verified(there)

    async def _had_landed(self, error: StorageError, own: OwnCopy, target: RemoteTarget) -> bool:
        """Whether a copy was refused because an earlier try of it stands there already."""
        if not self.row.attempts and "attempts" not in error.context:
            return False
        found = await stat_or_none(self.target, self.row.key)
        return found is not None and await own.is_own(found, target)

    async def _verified(self, there: Metadata) -> Integrity:
        """Look at what the server made, and once more at what it was made of."""
        row = self.row
        self.ctx.show(self.job, JobState.VERIFYING)
        found = await self.target.stat(spell(row.key))
        require_size(found, row.total or 0)
        await RemoteSource(self.source, row.source_key, there).check()
        said = told(there, found)
        if said is Integrity.NONE:
            raise other_bytes(row.key)
        row.made = found.etag or ""
        return said if said.is_proof else Integrity.SERVER_SIDE

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
        if (there.content_length or 0) > ownership.READ_BACK:
            # What lands from here on may be ours. Smaller ones are simply read to know it, and
            # need no commit of their own: with the next group theirs is on disk, too.
            await self.ctx.journal.save(row)
        source, key = spell(row.source_key), spell(row.key)
        async with self.ctx.slots.one(row.profile):
            if self.near:
                await self.source.copy(source, key, **options)
            else:
                options["source_size"] = there.content_length
                await self.target.copy_from(self.source, source, key, **options)

    async def _in_parts(
        self, there: Metadata, own: OwnCopy, target: RemoteTarget, saved: UploadRow | None
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
                if await own.stands(target, copying=False):
                    return
            else:
                return

    async def _streamed(self, there: Metadata) -> Integrity:
        remote = RemoteSource(self.source, self.row.source_key, there)
        asked = not self.by_server
        tags = CopiedTags(self.job, self.source, self.target, there, asked=asked)
        more = await tags.options()
        try:
            integrity = await self._sent(there, remote, more)
        except StorageError as error:
            if not await tags.may_do_without(self.ctx, error):
                raise
            integrity = await self._sent(there, remote, {})
        await remote.check()
        tags.say_lost()
        row = self.row
        if row.direction is Direction.MOVE and (there.content_length or 0) > ownership.READ_BACK:
            # So that going on with the move need not read all of it once more.
            written = await self.target.stat(spell(row.key))
            require_size(written, row.total or 0)
            row.made = written.etag or ""
        if row.direction is Direction.MOVE and not integrity.is_proof:
            integrity = await self._compare(remote)
        return integrity

    async def _sent(
        self, there: Metadata, remote: RemoteSource, more: Mapping[str, Any]
    ) -> Integrity:
        side = Side(there.content_length, mtime_of(there))
        options = copied_options(self.target, there) | checked_options(self.target) | dict(more)
        sending = Sending(self.ctx, self.job, self.target, remote, side=side, options=options)
        return await sending.run()

    async def _compare(self, remote: RemoteSource) -> Integrity:
        """Read both sides once more: before a source is deleted, equality must be proven."""
        written = await self.target.stat(spell(self.row.key))
        copy = RemoteSource(self.target, self.row.key, written)
        if not await same_bytes(self.ctx, self.job, remote, copy, counted=False):
            message = (
                "What arrived at the target differs from the source, so the source was not"
                " deleted; retry."
            )
            raise TransferError(message)
        self.row.made = written.etag or ""
        return Integrity.MD5

    async def _delete_source(self, there: Metadata) -> None:
        row = self.row
        # On disk before the deletion: a crash in between must not look like a lost source.
        await self.ctx.journal.save(row)
        source = RemoteSource(self.source, row.source_key, there)
        # Strictly: equal bytes may have been written again, with other headers or tags.
        if not await source.is_there():
            row.note = f"{row.note} Its source was deleted by somebody else meanwhile.".strip()
            return
        self.ctx.show(self.job, JobState.FINALISING)
        await source.delete()
