"""Whether what stands at the target of a copy is what an earlier try of that job made.

Invariant: it is ours only when it is proven equal to the source as it is now, and either the
journal says that the copy had been asked for, or it is described as the source is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.equality import may_read, same_bytes, told
from dalbrowser.transfer.integrity import same_etag
from dalbrowser.transfer.model import Integrity
from dalbrowser.transfer.remote import stat_or_none
from dalbrowser.transfer.remotesource import RemoteSource

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.target import RemoteTarget


class OwnCopy:
    """The copy of one job; ``there`` is its source as it was seen. ``proof`` is what was found."""

    def __init__(
        self, ctx: RunContext, job: LiveJob, source: Operator, target: Operator, there: Metadata
    ) -> None:
        self._ctx = ctx
        self._job = job
        self._row = job.row
        self._source = source
        self._target = target
        self._there = there
        self.proof = Integrity.NONE

    async def stands(self, target: RemoteTarget, *, copying: bool) -> bool:
        """Settle ``target`` as it does; true when what stands there is this job's own copy."""

        async def is_own(found: Metadata) -> bool:
            return await self.is_own(found, target)

        return await target.settle(is_own, copying=copying)

    async def is_own(self, found: Metadata, target: RemoteTarget) -> bool:
        """Whether ``found``, at the job's key, is its own copy; ``target`` hears of a doubt."""
        row, there = self._row, self._there
        if found.content_length != there.content_length:
            return False
        if not (row.sent or _described_alike(there, found)):
            return False
        self.proof = told(there, found)
        if self.proof is Integrity.SIZE_ONLY:
            self.proof = Integrity.NONE
            size = there.content_length or 0
            if not may_read(self._source, self._target, size, sent=row.sent):
                target.doubt = (
                    "it may be what an earlier try of this transfer made, and to know that, all of"
                    " it would have to be read at both ends"
                )
            elif await self._same_bytes(found):
                self.proof = Integrity.MD5
        row.made = (found.etag or "") if self.proof.is_proof else ""
        return self.proof.is_proof

    async def is_still_there(self) -> bool:
        """Whether the target is still the object that was verified, as the journal says."""
        row, there = self._row, self._there
        found = await stat_or_none(self._target, row.key)
        if found is None or found.content_length != there.content_length:
            return False
        said = told(there, found)
        if said is Integrity.SIZE_ONLY:
            return same_etag(row.made, found.etag)
        return said.is_proof

    async def _same_bytes(self, found: Metadata) -> bool:
        row = self._row
        one = RemoteSource(self._source, row.source_key, self._there)
        other = RemoteSource(self._target, row.key, found)
        equal = await same_bytes(self._ctx, self._job, one, other, counted=True)
        if not equal:
            row.done = 0
        return equal


def _described_alike(one: Metadata, other: Metadata) -> bool:
    """Whether two objects have the same headers and user metadata."""
    return _described(one) == _described(other)


def _described(metadata: Metadata) -> tuple[object, ...]:
    # Some servers capitalise metadata names.
    user = {name.lower(): value for name, value in metadata.user_metadata.items()}
    return (
        metadata.content_type,
        metadata.content_encoding,
        metadata.content_disposition,
        metadata.cache_control,
        user,
    )
