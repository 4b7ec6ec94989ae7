"""Whether two objects on services hold the same bytes: by what is said of them, else by reading.

Invariant: *equal* is only what a checksum, a digest or every byte proves; an object that is
replaced meanwhile is equal to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer import ownership
from dalbrowser.transfer.integrity import PROOFS, is_digest, same_etag
from dalbrowser.transfer.model import Integrity, JobState, MiB, SourceChangedError
from dalbrowser.transfer.partplan import PartPlan
from dalbrowser.transfer.together import all_together

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.partplan import PartSpan
    from dalbrowser.transfer.remotesource import RemoteSource

READ_BOTH = 256 * MiB
"""Bytes of an object that may be read at both ends over a wire, once an earlier try is known to
have asked for it: half a GiB of traffic, where all that is left is to ask a person."""

_STEP = 8 * MiB


def told(one: Metadata, other: Metadata) -> Integrity:
    """Compare what services say of two objects of one size.

    Returns what proves that they are equal, ``Integrity.NONE`` when a checksum differs, else
    ``Integrity.SIZE_ONLY``: an ETag that is no digest says nothing of another key's bytes.
    """
    for name, proof in PROOFS.items():
        ours, theirs = one.checksums.get(name, "-"), other.checksums.get(name, "-")
        if "-" not in ours + theirs:
            return proof if ours == theirs else Integrity.NONE
    same = is_digest(one.etag) and same_etag(one.etag, other.etag)
    return Integrity.MD5 if same else Integrity.SIZE_ONLY


def may_read(one: Operator, other: Operator, size: int, *, sent: bool) -> bool:
    """Whether ``size`` bytes may be read at both ends to know, with nobody asked before.

    ``sent`` says that an earlier try is known to have asked for the copy.
    """
    if one.info().local and other.info().local:
        return True
    return size <= (READ_BOTH if sent else ownership.READ_BACK)


async def same_bytes(
    ctx: RunContext, job: LiveJob, one: RemoteSource, other: RemoteSource, *, counted: bool
) -> bool:
    """Read two objects side by side, in bounded memory; false at the first difference.

    The job can be stopped meanwhile, at any moment. How far it is shows in its parts, and
    ``counted`` in its bytes. Raises ``SourceChangedError`` when ``one`` was replaced.
    """
    if one.identity.size != other.identity.size:
        return False
    plan = PartPlan(one.identity.size, _STEP)
    job.parts_done, job.parts_total, job.comparing = 0, plan.count, True
    before = job.row.done
    ctx.show(job, JobState.VERIFYING)
    try:
        for span in plan.spans():
            async with ctx.slots.one(job.row.profile):
                equal = await _same_span(one, other, span)
            if not equal:
                return False
            job.parts_done = span.number
            job.row.done = span.offset + span.size if counted else before
            ctx.changed(job)
        await one.check()
        return await _is_unchanged(other)
    finally:
        job.comparing = False


async def _same_span(one: RemoteSource, other: RemoteSource, span: PartSpan) -> bool:
    blocks: list[bytes | None] = [None, None]

    async def first() -> None:
        blocks[0] = await one.fetch(span)

    async def second() -> None:
        try:
            blocks[1] = await other.fetch(span)
        except SourceChangedError:
            blocks[1] = None

    await all_together((first(), second()))
    return blocks[0] == blocks[1]


async def _is_unchanged(other: RemoteSource) -> bool:
    try:
        await other.check()
    except SourceChangedError:
        return False
    return True
