"""Whether what stands at a job's target is what an earlier try of that job put there.

Invariant: equality is proven by all bytes, by digest or by reading them back; only where
that would cost a large object once more over the wire does the job's own record of having
sent it, with size and time equal, stand in, and then nothing more than the size is claimed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.integrity import (
    as_md5,
    bare,
    joins,
    judge,
    multipart_count,
    multipart_etag,
    sums_of_parts,
)
from dalbrowser.transfer.model import Integrity, MiB, SourceChangedError
from dalbrowser.transfer.remote import pin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.source import PartSource
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import PartRow, UploadRow
    from dalbrowser.transfer.partplan import PartPlan

READ_BACK = 16 * MiB
"""Bytes that an object may have to be read once more for its proof."""


async def own_object(
    ctx: RunContext,
    job: LiveJob,
    op: Operator,
    there: Metadata,
    *,
    md5: bytes,
    size: int,
    options: Mapping[str, Any],
) -> Integrity:
    """Return what proves that ``there``, at the job's key, holds the job's bytes.

    ``md5`` and ``size`` are of those bytes, ``options`` what the object is written with;
    ``Integrity.NONE`` when it is another object, or cannot be told from one.
    """
    if there.content_length != size:
        return Integrity.NONE
    if judge(there, md5.hex()).is_proof:
        return Integrity.MD5
    if size <= READ_BACK:
        found = await read_md5(ctx, job, op, job.row.key, there)
        return Integrity.MD5 if found == md5 else Integrity.NONE
    if job.row.sent and _has_our_time(there, options):
        return Integrity.SIZE_ONLY
    return Integrity.NONE


async def own_parts(
    saved: UploadRow,
    there: Metadata,
    known: Mapping[int, PartRow],
    *,
    plan: PartPlan,
    source: PartSource,
    options: Mapping[str, Any],
    written: PartSource | None = None,
) -> Integrity | None:
    """Return what proves that ``there`` is what the parts of ``saved`` made; ``None`` if nothing.

    ``known`` are the parts that the journal has, by number; ``plan`` is how ``source`` was cut,
    ``options`` what the object is written with. ``written`` is the object ``there`` where it
    may be read once more, if nothing else can tell.
    """
    kept = [known.get(span.number) for span in plan.spans()]
    crcs = [row.crc if row is not None else "" for row in kept]
    if multipart_count(there.etag) == plan.count or all(map(joins, crcs)):
        digests = [await source.digest(span) for span in plan.spans()]
        same = all(row and row.md5 == md5.hex() for row, md5 in zip(kept, digests, strict=True))
        sums = sums_of_parts(crcs, (span.size for span in plan.spans())) if same else {}
        proven = judge(there, None, digests, sums)
        if proven.is_proof:
            return proven
        rows = [row for row in kept if row is not None]
        if proven is Integrity.NONE or not same or not _are_opaque(rows):
            return None
        if _is_made_of(there, rows):
            return Integrity.SIZE_ONLY
    if as_md5(there.etag) is not None:
        # Some servers give a finished upload the MD5 of the whole.
        whole = await source.whole_digest()
        if whole is not None and whole.hex() == as_md5(there.etag):
            return Integrity.MD5
    if written is not None:
        return Integrity.MD5 if await _same_parts(plan, source, written) else None
    # An ETag that is no digest: our own time in the metadata and our word that it was being
    # completed are what is left, of the very bytes that were sent.
    ours = saved.state == "completing" and _has_our_time(there, options)
    return Integrity.SIZE_ONLY if ours and await _were_sent(plan, source, kept) else None


async def _were_sent(plan: PartPlan, source: PartSource, kept: Sequence[PartRow | None]) -> bool:
    """Whether the parts that the journal has are of the bytes that are here now."""
    for span, row in zip(plan.spans(), kept, strict=True):
        if row is None or row.md5 != (await source.digest(span)).hex():
            return False
    return True


def _are_opaque(rows: Sequence[PartRow]) -> bool:
    """Whether the service's ETags of parts are no MD5s (SSE-KMS, SSE-C): unequal says nothing."""
    return any(as_md5(row.etag) != row.md5 for row in rows)


def _is_made_of(there: Metadata, rows: Sequence[PartRow]) -> bool:
    """Whether an object's ETag is that of the very parts that the service confirmed."""
    etags = [as_md5(row.etag) for row in rows]
    known = [bytes.fromhex(etag) for etag in etags if etag is not None]
    return len(known) == len(etags) and multipart_etag(known) == bare(there.etag)


async def _same_parts(plan: PartPlan, source: PartSource, written: PartSource) -> bool:
    for span in plan.spans():
        ours = await source.digest(span)
        try:
            theirs = await written.digest(span)
        except SourceChangedError:
            return False
        if ours != theirs:
            return False
    return True


def _has_our_time(there: Metadata, options: Mapping[str, Any]) -> bool:
    """Whether an object's metadata say the time of the very file that is sent."""
    ours = options.get("user_metadata", {}).get("mtime")
    # Some servers capitalise metadata names.
    times = [value for name, value in there.user_metadata.items() if name.lower() == "mtime"]
    return ours is not None and times == [ours]


async def read_md5(
    ctx: RunContext, job: LiveJob, op: Operator, key: str, there: Metadata
) -> bytes | None:
    """Read an object as it was seen and return its MD5; ``None`` when it is another by now."""
    pinned = pin(op.info().capability, there.etag)
    digest = hashlib.md5(usedforsecurity=False)
    try:
        async with (
            ctx.slots.one(job.row.profile),
            op.reader(spell(key), **pinned) as reader,
        ):
            async for block in reader:
                await ctx.on_disk(digest.update, block)
    except StorageError as error:
        if is_gone(error) or error.kind is ErrorKind.CONDITION_NOT_MATCH:
            return None
        raise
    return digest.digest()
