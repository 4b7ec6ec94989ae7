"""Taking over an incomplete upload that another machine or tool has begun.

Invariant: nothing of the upload is replaced before one of its parts was proven to come from
the local file, so that a wrong file cannot ruin somebody's upload.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import MultipartUpload
from dalbrowser.transfer.disk.source import FileSource, LocalSource
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.journal import UploadRow
from dalbrowser.transfer.journal.own import own, own_uploads
from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.partplan import MAX_PARTS, PartPlan
from dalbrowser.transfer.uploading.partproof import (
    Likeness,
    digests_of,
    is_provable,
    likeness,
    told_by,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage import Operator, Part
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.journal import JobRow


async def adopted(ctx: RunContext, op: Operator, row: JobRow, upload_id: str) -> UploadRow:
    """Return the journal's row for the upload, as if it had been begun here."""
    await _require_nobodys(ctx, row, upload_id)
    try:
        parts = await op.into_multipart(spell(row.key), upload_id).list_parts()
    except StorageError as error:
        if not is_gone(error):
            raise
        raise TransferError(
            "The service does not know this upload any more: it was completed, aborted, or has"
            " expired. Nothing was begun; upload the file anew."
        ) from error
    local = await ctx.on_disk(LocalSource, row.local_path)
    try:
        identity = local.identity
        plan = PartPlan(identity.size, _part_size(parts, identity.size))
        if plan.count > MAX_PARTS:
            message = (
                f"The upload's parts have {plan.part_size:,} bytes, too few for a file of"
                f" {identity.size:,}; abort it and upload the file anew."
            )
            raise TransferError(message)
        await _require_same_file(ctx, local, plan, parts)
    finally:
        local.close()
    return UploadRow(
        job=0,
        state="begun",
        upload_id=upload_id,
        part_size=plan.part_size,
        size=identity.size,
        mtime_ns=identity.mtime_ns,
        dev=identity.dev,
        inode=identity.inode,
        options=_options(op, parts),
        intended=time.time(),
    )


async def _require_nobodys(ctx: RunContext, row: JobRow, upload_id: str) -> None:
    """Raise when a transfer of this machine has begun the upload: two would get in their way."""
    try:
        known = await asyncio.to_thread(own_uploads, ctx.journal.path)
    except sqlite3.Error:
        return  # Whoever owns the journal says so with more words.
    mine = own(known, row.bucket, MultipartUpload(row.key, upload_id))
    if mine is not None:
        raise TransferError(
            f"Transfer {mine.job} of this machine has begun this upload; go on with that one."
        )


def _options(op: Operator, parts: Sequence[Part]) -> dict[str, Any]:
    """Return what the upload was begun with, as far as its parts tell it.

    S3 refuses a part without the checksum that its upload was begun with.
    """
    names = (name for part in parts for name in told_by(part))
    name = next(names, None) if op.info().capability.write_with_checksum else None
    return {"checksum": name} if name else {}


def _part_size(parts: Sequence[Part], size: int) -> int:
    """Read the part size from part 1, which every tool makes as long as the others."""
    first = next((part for part in parts if part.number == 1), None)
    if first is None:
        message = (
            "The upload has no part 1, so the size of its parts is not known; abort it and"
            " upload the file anew."
        )
        raise TransferError(message)
    return max(1, min(first.size, size) if first.size else size)


async def _require_same_file(
    ctx: RunContext, local: LocalSource, plan: PartPlan, parts: Sequence[Part]
) -> None:
    """Prove the first part of which enough is told, and the sizes of all."""
    wrong = TransferError(
        f"The upload was not begun from {local.path} as it is now; nothing was changed."
        " Choose the file it was begun from, or abort the upload."
    )
    for part in parts:
        if part.number > plan.count or part.size > plan.span(part.number).size:
            raise wrong
    # One that tells a checksum rather: an ETag may look like an MD5 and be none.
    provable = filter(is_provable, parts)
    known = min(provable, key=lambda part: not told_by(part), default=None)
    if known is None:
        raise TransferError(
            "The service tells no MD5 and no checksum of the upload's parts that can be computed"
            f" here, so nothing shows that it was begun from {local.path}; nothing was changed."
            " Abort the upload and upload the file anew."
        )
    if plan.span(known.number).size != known.size:
        raise wrong
    source = FileSource(ctx.on_disk, local)
    ours = await digests_of(source, plan.span(known.number), known, md5=None, row=None)
    if likeness(known, ours) not in (Likeness.SAME, Likeness.BY_CHECKSUM):
        raise wrong
