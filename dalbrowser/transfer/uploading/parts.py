"""A multipart upload: begun, proven, sent part by part, completed, verified.

Invariants, on which resuming rests: the intent is in the journal before the upload is
created and its id before the first part is sent; a part is counted only after the server
confirmed it and the journal has it; no part that is found on the server is trusted until
its digest was recomputed from the local bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from dalbrowser.storage import checksums, tried_once
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import Part
from dalbrowser.transfer.abort import abort_until_gone, find_intended, forget_upload
from dalbrowser.transfer.equality import may_read
from dalbrowser.transfer.failures import is_for_job, is_gone, is_refused, is_temporary, pause_before
from dalbrowser.transfer.integrity import (
    as_md5,
    judge,
    other_bytes,
    sums_of_parts,
)
from dalbrowser.transfer.journal import PartRow, UploadRow
from dalbrowser.transfer.model import Integrity, JobState, MiB, TransferError
from dalbrowser.transfer.ownership import own_parts
from dalbrowser.transfer.partplan import PartPlan, plan_parts
from dalbrowser.transfer.remote import require_size, stat_or_none
from dalbrowser.transfer.remotesource import RemoteSource
from dalbrowser.transfer.together import all_together
from dalbrowser.transfer.uploading.partproof import (
    Digests,
    Likeness,
    answered_crc,
    answered_other,
    digests_of,
    is_as_sent,
    likeness,
)

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Multipart, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.source import PartSource
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.partplan import PartSpan
    from dalbrowser.transfer.target import RemoteTarget

_PROVERS = 2
"""Parts that are read and hashed at once while proving; more only fight for the disk."""


HELD = 512 * MiB
"""Bytes of one file's parts in memory at once, or one part: those of 5 TiB have 525 MiB each."""


class BeginAnewError(Exception):
    """The server does not know the upload any more; the message says so for a person."""


class PartsUpload:
    """One run of a multipart upload, new or resumed."""

    def __init__(
        self,
        ctx: RunContext,
        job: LiveJob,
        op: Operator,
        source: PartSource,
        *,
        options: dict[str, Any],
        target: RemoteTarget,
    ) -> None:
        self._ctx = ctx
        self._job = job
        self._row = job.row
        self._op = op
        self._source = source
        self._options = options
        self._target = target
        self._etags_are_md5: bool | None = None
        self._parts: dict[int, Part] = {}
        self._digests: dict[int, bytes] = {}
        self._crcs: dict[int, str] = {}
        self._tags: dict[str, str] | None = None
        self._before: dict[int, PartRow] = {}

    async def run(self, saved: UploadRow | None) -> Integrity:
        """Bring every part to the server, complete, and return what was proven."""
        listed = saved is not None
        if saved is None or not saved.upload_id:
            saved = await self._begin(saved)
        self._plan = PartPlan(saved.size, saved.part_size)
        self._job.parts_total = self._plan.count
        self._tags = saved.options.get("tags")
        self._multipart = self._op.into_multipart(
            spell(self._row.key), saved.upload_id, checksum=saved.options.get("checksum")
        )
        if listed:
            self._before = {row.number: row for row in await self._ctx.journal.parts(saved.job)}
        for last in (False, True):
            if listed:
                gone = await self._prove(saved)
                if gone is not None:
                    return gone
            await self._send_missing(saved)
            done = await self._complete(saved, last)
            if done is not None:
                return done
            # The server refuses parts that it had confirmed: prove them all again.
            listed = True
            self._job.proven.clear()
        raise AssertionError  # the second round either returns or raises

    async def _begin(self, intended: UploadRow | None) -> UploadRow:
        identity, row = self._source.identity, self._row
        upload_id: str | None = None
        if intended is not None:
            upload_id = await find_intended(self._ctx, self._op, row.key, intended)
        plan = plan_parts(identity.size, self._op.info().capability, self._ctx.options.part_floor)
        saved = UploadRow(
            job=row.id,
            state="intent",
            part_size=plan.part_size,
            size=identity.size,
            mtime_ns=identity.mtime_ns,
            dev=identity.dev,
            inode=identity.inode,
            options=self._options,
            intended=time.time(),
        )
        row.begun = True
        await self._ctx.journal.save_upload(saved, row)
        if upload_id is None:
            upload_id = await self._create(first=intended is None)
        saved.upload_id, saved.state = upload_id, "begun"
        await self._ctx.journal.save_upload(saved)
        return saved

    async def _create(self, *, first: bool) -> str:
        """Create the upload; what was refused outright leaves no intent to clear away."""
        try:
            # An answer that was lost may have been an upload: the next try looks for it.
            with tried_once():
                made = await self._op.create_multipart(spell(self._row.key), **self._options)
        except StorageError as error:
            if first and is_refused(error):
                await forget_upload(self._ctx, self._job)
            raise
        return made.upload_id

    # -- proving what is there

    async def _prove(self, saved: UploadRow) -> Integrity | None:
        """Fill in the parts that the server has and that equal the local bytes.

        Returns what was proven when the object turns out to be complete already.
        """
        self._parts.clear()
        self._digests.clear()
        self._crcs.clear()
        self._row.done = self._job.parts_done = 0
        self._ctx.show(self._job, JobState.PREPARING)
        try:
            found = await self._multipart.list_parts()
        except StorageError as error:
            if not is_gone(error):
                raise
            return await self._when_gone(saved)
        todo, by_checksum = deque(found), list[tuple[Part, Digests]]()

        async def prover() -> None:
            while todo:
                part = todo.popleft()
                ours = await self._prove_part(part)
                if ours is not None:
                    by_checksum.append((part, ours))

        await all_together(prover() for _ in range(_PROVERS))
        for part, ours in by_checksum:
            # Where ETags are MD5s, as another part's was, this one's says that it is another.
            if not self._etags_are_md5 or as_md5(part.etag) is None:
                await self._trust(part, ours)
        return None

    async def _prove_part(self, part: Part) -> Digests | None:
        """Trust a listed part that is ours; its digests where only its checksums say so."""
        if not 1 <= part.number <= self._plan.count:
            return None
        span = self._plan.span(part.number)
        if part.size != span.size:
            return None
        row = self._before.get(part.number)
        md5 = self._job.proven.get(part.number)
        ours = await digests_of(self._source, span, part, md5=md5, row=row)
        found = likeness(part, ours)
        if found is Likeness.SAME:
            self._etags_are_md5 = True
        elif found is Likeness.OTHER or not is_as_sent(part, row, ours):
            return ours if found is Likeness.BY_CHECKSUM else None
        await self._trust(part, ours)
        return None

    async def _trust(self, part: Part, ours: Digests) -> None:
        """Count a part that was on the server already."""
        row = self._before.get(part.number)
        self._crcs[part.number] = ours.crc
        span = self._plan.span(part.number)
        await self._confirm(span, part, ours.md5, new=row is None or not row.done)

    async def _when_gone(self, saved: UploadRow) -> Integrity | None:
        """The upload is not on the server: it was completed, or somebody ended it."""
        there = await stat_or_none(self._op, self._row.key)
        # Also those that this very run has sent.
        self._before = {row.number: row for row in await self._ctx.journal.parts(saved.job)}
        proven = await self._own(saved, there)
        if proven is not None:
            await self._put_late_tags()
            return proven
        await self._ctx.journal.drop_progress(self._row.id)
        self._row.begun = False
        self._row.done = self._job.parts_done = 0
        self._row.resent += sum(row.size for row in self._before.values())
        self._job.proven.clear()
        await self._ctx.journal.save(self._row)
        raise BeginAnewError(
            "The server did not have the upload any more (it expired, or somebody aborted it);"
            " it was begun anew."
        )

    async def _own(self, saved: UploadRow, there: Metadata | None) -> Integrity | None:
        """Return what proves that ``there`` is what these parts made; ``None`` if nothing."""
        if there is None or there.content_length != saved.size:
            return None
        readable = may_read(self._op, self._op, saved.size, sent=saved.state == "completing")
        return await own_parts(
            saved,
            there,
            self._before,
            plan=self._plan,
            source=self._source,
            options=self._options,
            written=RemoteSource(self._op, self._row.key, there) if readable else None,
        )

    async def _put_late_tags(self) -> None:
        """Have the tags put that a server takes only for a finished object.

        The same request again finds the object by its ETag, and does what was left to do.
        """
        kept = [self._before.get(span.number) for span in self._plan.spans()]
        parts = [Part(row.number, row.size, row.etag) for row in kept if row is not None]
        if self._tags and len(parts) == self._plan.count:
            await self._multipart.complete(parts, tags=self._tags)

    # -- sending

    async def _send_missing(self, saved: UploadRow) -> None:
        missing = deque(span for span in self._plan.spans() if span.number not in self._parts)
        if missing and saved.state != "begun":
            saved.state = "begun"
            await self._ctx.journal.save_upload(saved)
        self._ctx.show(self._job, JobState.RUNNING)

        async def sender() -> None:
            while missing:
                await self._send(missing.popleft())

        fitting = max(1, HELD // self._plan.part_size)
        count = min(self._ctx.options.parts_per_file, fitting, len(missing))
        await all_together(sender() for _ in range(count))

    async def _send(self, span: PartSpan) -> None:
        options = self._ctx.options
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._ctx.slots.one(self._row.profile):
                    await self._send_once(span)
            except StorageError as error:
                if is_gone(error):
                    await self._upload_lost(error)
                if is_for_job(error, attempt, options.part_attempts):
                    raise
                wait = pause_before(
                    attempt, options.backoff_base, options.backoff_cap, error.retry_after
                )
            else:
                return
            self._row.attempts += 1
            self._ctx.changed(self._job)
            await asyncio.sleep(wait)

    async def _send_once(self, span: PartSpan) -> None:
        data, digest = await self._source.read(span)
        if span.number in self._before:
            self._row.resent += span.size
            del self._before[span.number]
        self._ctx.journal.note_part_begun(self._row.id, span.number, span.size)
        part = await self._multipart.write(span.number, data, md5=digest)
        told = as_md5(part.etag)
        if told == digest.hex():
            self._etags_are_md5 = True
        elif told is not None and self._etags_are_md5:
            raise answered_other(span.number, "MD5")
        crc = await self._ctx.on_disk(answered_crc, part, data) if part.checksums else ""
        self._crcs[span.number] = crc
        await self._confirm(span, part, digest, new=True)
        self._job.meter.add(span.size)

    async def _confirm(self, span: PartSpan, part: Part, digest: bytes, *, new: bool) -> None:
        """Write a confirmed part to the journal, then count it."""
        if new:
            crc = self._crcs.get(span.number, "")
            row = PartRow(span.number, span.size, part.etag, digest.hex(), True, crc)
            await self._ctx.journal.part_done(self._row.id, row)
        self._parts[span.number] = part
        self._digests[span.number] = digest
        self._job.proven[span.number] = digest.hex()
        self._row.done += span.size
        self._job.parts_done = len(self._parts)
        self._ctx.changed(self._job)

    async def _upload_lost(self, error: StorageError) -> None:
        """A part was refused because the upload (or the bucket) is gone: find out which."""
        try:
            await self._multipart.list_parts()
        except StorageError as listing:
            if is_gone(listing):
                raise BeginAnewError(
                    "The upload was ended by somebody else in the middle; it was begun anew."
                ) from error
            raise

    # -- finishing

    async def _complete(self, saved: UploadRow, last: bool) -> Integrity | None:
        """Complete and verify; ``None`` when the server refuses its parts, once."""
        await self._source.check()
        saved.state = "completing"
        self._row.state = JobState.FINALISING
        await self._ctx.journal.save_upload(saved, self._row)
        self._ctx.changed(self._job)
        await self._target.look_again()
        if self._target.careful and not self._target.guarded:
            await self._require_free()
        parts = [self._parts[number] for number in range(1, self._plan.count + 1)]
        try:
            said = await self._finish(self._multipart, parts)
        except StorageError as error:
            if is_gone(error):
                return await self._when_gone(saved)
            if error.kind is ErrorKind.CONDITION_NOT_MATCH:
                proven = await self._had_landed(saved)
                if proven is None:
                    raise
                return proven
            refused = error.kind is ErrorKind.PERMISSION_DENIED
            damaged = error.context.get("code") == checksums.MISMATCH
            if is_temporary(error) or refused or damaged or last:
                raise
            return None
        return await self._verify(said)

    async def _had_landed(self, saved: UploadRow) -> Integrity | None:
        """Return what proves that what is there is ours, although completing it was refused.

        By an earlier try of that very request, or by somebody else beside it.
        """
        there = await stat_or_none(self._op, self._row.key)
        proven = self._judge(there) if there is not None else Integrity.NONE
        if not proven.is_proof:
            self._before = {row.number: row for row in await self._ctx.journal.parts(saved.job)}
            found = await self._own(saved, there)
            if found is None:
                return None
            proven = found
        await abort_until_gone(self._op, self._row.key, saved.upload_id)
        return proven

    async def _require_free(self) -> None:
        """Look once more, since the service cannot be told to refuse a key that is taken."""
        if not await self._target.is_open():
            raise StorageError(
                ErrorKind.CONDITION_NOT_MATCH, "The name was taken while the parts were sent."
            )

    async def _finish(self, multipart: Multipart, parts: list[Part]) -> Metadata:
        return await multipart.complete(parts, **self._target.conditions(), tags=self._tags)

    async def _verify(self, said: Metadata) -> Integrity:
        self._ctx.show(self._job, JobState.VERIFYING)
        there: Metadata | None = said
        if said.last_modified is None:
            # The reply to a completion has no time: nobody has looked at the object yet.
            there = await stat_or_none(self._op, self._row.key)
        if there is None:
            message = (
                "The service said that the upload was complete, and has no such object: somebody"
                " deleted it, or the service lost it; retry to send it again."
            )
            raise TransferError(message)
        require_size(there, self._plan.size)
        integrity = self._judge(there)
        if integrity is Integrity.NONE:
            raise other_bytes(self._row.key)
        if integrity.is_proof:
            return integrity
        return self._judge(said)

    def _judge(self, metadata: Metadata) -> Integrity:
        whole = self._digests[1].hex() if self._plan.count == 1 else None
        ordered = [self._digests[number] for number in range(1, self._plan.count + 1)]
        sizes = (span.size for span in self._plan.spans())
        crcs = [self._crcs.get(number, "") for number in range(1, self._plan.count + 1)]
        return judge(metadata, whole, ordered, sums_of_parts(crcs, sizes))
