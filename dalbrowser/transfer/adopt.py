"""Taking over an incomplete upload that another machine or tool has begun.

Invariant: nothing of the upload is replaced before one of its parts was proven to come from
the local file, so that a wrong file cannot ruin somebody's upload.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dalbrowser.storage.paths import spell
from dalbrowser.transfer.integrity import as_md5
from dalbrowser.transfer.journal import UploadRow
from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.partplan import MAX_PARTS, PartPlan
from dalbrowser.transfer.source import LocalSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage import Operator, Part
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.journal import JobRow


async def adopted(ctx: RunContext, op: Operator, row: JobRow, upload_id: str) -> UploadRow:
    """Return the journal's row for the upload, as if it had been begun here."""
    parts = await op.into_multipart(spell(row.key), upload_id).list_parts()
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
        intended=time.time(),
    )


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
    """Prove the first part whose digest is known, and the sizes of all."""
    wrong = TransferError(
        f"The upload was not begun from {local.path} as it is now; nothing was changed."
        " Choose the file it was begun from, or abort the upload."
    )
    for part in parts:
        if part.number > plan.count or part.size > plan.span(part.number).size:
            raise wrong
    known = next((part for part in parts if as_md5(part.etag) is not None), None)
    if known is None or plan.span(known.number).size != known.size:
        raise wrong
    digest = await ctx.on_disk(local.digest, plan.span(known.number))
    if digest.hex() != as_md5(known.etag):
        raise wrong
