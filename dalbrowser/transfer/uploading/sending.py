"""Sending one source to one key, in one request or in parts, whatever the source is.

Invariant: returns only what was proven of the object that is there now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.integrity import judge, other_bytes, own_sums
from dalbrowser.transfer.model import Integrity, JobState, TransferError
from dalbrowser.transfer.ownership import own_object
from dalbrowser.transfer.partplan import PartSpan
from dalbrowser.transfer.remote import require_size
from dalbrowser.transfer.target import RemoteTarget, TakenError
from dalbrowser.transfer.uploading.parts import BeginAnewError, PartsUpload

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.conflicts import Side
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.source import PartSource
    from dalbrowser.transfer.job import LiveJob

_ROUNDS = 5
"""How often one run may begin anew (upload gone) or meet a new conflict (name taken)."""


class Sending:
    """One run of a job whose target is a key. ``options`` are those of the new object."""

    def __init__(
        self,
        ctx: RunContext,
        job: LiveJob,
        op: Operator,
        source: PartSource,
        *,
        side: Side,
        options: dict[str, Any],
    ) -> None:
        self._ctx = ctx
        self._job = job
        self._row = job.row
        self._op = op
        self._source = source
        self._options = options
        self._target = RemoteTarget(ctx, job, op, side)
        self._in_parts = (
            source.identity.size >= ctx.options.multipart_above and op.info().capability.multipart
        )
        self._found = Integrity.NONE
        self.digest = b""

    async def run(self) -> Integrity:
        """Send what is missing; raises as ``run_upload`` does."""
        for _ in range(_ROUNDS):
            try:
                integrity = await self._once()
            except BeginAnewError as anew:
                self._row.note = str(anew)
            except TakenError:
                continue
            else:
                self._row.done = self._source.identity.size
                return integrity
        message = (
            "The upload was begun several times and ended each time by somebody else, or its"
            " name was taken; see who else writes there, then retry."
        )
        raise TransferError(message)

    async def _once(self) -> Integrity:
        row = self._row
        saved = await self._ctx.journal.upload(row.id) if row.begun else None
        if saved is None and await self._target.settle(self._is_same):
            return self._found
        if saved is None and not self._in_parts:
            return await self._single()
        parts = PartsUpload(
            self._ctx,
            self._job,
            self._op,
            self._source,
            options=self._options,
            target=self._target,
        )
        try:
            return await parts.run(saved)
        except StorageError as error:
            if self._target.drops_condition(error):
                raise TakenError from error
            if error.kind is not ErrorKind.CONDITION_NOT_MATCH or not self._target.minds:
                raise
            await self._target.taken_at_the_end()
            raise TakenError from error

    async def _single(self) -> Integrity:
        """Send a small source in one request."""
        row, size = self._row, self._source.identity.size
        options = dict(self._options)
        options |= self._target.conditions()
        self._job.parts_total, self._job.parts_done, row.done = 1, 0, 0
        async with self._ctx.slots.small(row.profile, size):
            # In the journal with the next group: what lands from here on may be ours.
            row.sent = True
            self._ctx.show(self._job, JobState.RUNNING)
            data, self.digest = await self._source.read(PartSpan(1, 0, size))
            try:
                said = await self._op.write(spell(row.key), data, md5=self.digest, **options)
            except StorageError as error:
                if self._target.drops_condition(error):
                    raise TakenError from error
                if error.kind is not ErrorKind.CONDITION_NOT_MATCH or not self._target.guarded:
                    raise
                row.attempts += 1
                await self._target.refused()
                raise TakenError from error
        self._job.parts_done = 1
        self._job.count(size)
        integrity = await self._judged(said, data)
        if integrity.is_proof:
            return integrity
        self._ctx.show(self._job, JobState.VERIFYING)
        there = await self._op.stat(spell(row.key))
        require_size(there, size)
        return await self._judged(there, data)

    async def _judged(self, there: Metadata, data: bytes) -> Integrity:
        """Compare what the service says of the object with the bytes that were sent."""
        sums = await self._ctx.on_disk(own_sums, there.checksums, data) if there.checksums else {}
        integrity = judge(there, self.digest.hex(), sums=sums)
        if integrity is Integrity.NONE:
            raise other_bytes(self._row.key)
        return integrity

    async def _is_same(self, there: Metadata) -> bool:
        """Whether what is there is what an earlier try of this job sent in one request."""
        size = self._source.identity.size
        if there.content_length != size or self._in_parts:
            return False
        self._found = await own_object(
            self._ctx,
            self._job,
            self._op,
            there,
            md5=await self._source.digest(PartSpan(1, 0, size)),
            size=size,
            options=self._options,
        )
        return self._found is not Integrity.NONE
