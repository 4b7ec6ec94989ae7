"""Ending an upload so that nothing of it is left on the server.

Invariant: the journal forgets an upload only after the server has; a crash in between is
picked up by the next start, since the journal says ``aborting`` first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import is_gone, is_temporary

if TYPE_CHECKING:
    from dalbrowser.storage import Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import UploadRow

_TRIES = 3
"""A part that was on its way when the upload was aborted may arrive after it; S3 says to
abort again until no parts are listed."""

_CLOCKS = timedelta(minutes=15)
"""How far the server's clock may be behind ours (S3 itself refuses more)."""


async def abort_upload(ctx: RunContext, op: Operator, job: LiveJob) -> None:
    """Abort the job's multipart upload, if it has one, and forget its progress."""
    row = job.row
    saved = await ctx.journal.upload(row.id) if row.begun else None
    if saved is not None:
        again = saved.state == "aborting"
        saved.state = "aborting"
        await ctx.journal.save_upload(saved)
        upload_id: str | None = saved.upload_id
        if not upload_id:
            upload_id = await _intended_or_said(ctx, job, op, saved, again=again)
        if upload_id is not None:
            await abort_until_gone(op, row.key, upload_id)
    await forget_upload(ctx, job)


async def _intended_or_said(
    ctx: RunContext, job: LiveJob, op: Operator, saved: UploadRow, *, again: bool
) -> str | None:
    """Find the upload whose id was never heard; where that cannot be, say so and go on.

    A failure that may pass is raised the first time, and the person may ask ``again``.
    """
    try:
        return await find_intended(ctx, op, job.row.key, saved)
    except StorageError as error:
        if is_temporary(error) and not again:
            raise
        job.row.note = (
            f"Whether the service had begun the upload could not be seen ({error.message})"
            " If it had, an upload without parts is under Incomplete uploads."
        )
        return None


async def forget_upload(ctx: RunContext, job: LiveJob) -> None:
    """Drop what the journal keeps of the job's upload, of which nothing is on the server."""
    row = job.row
    row.begun = False
    row.done = 0
    job.parts_done = 0
    job.proven.clear()
    await ctx.journal.drop_progress(row.id)
    await ctx.journal.save(row)


async def abort_until_gone(op: Operator, key: str, upload_id: str) -> None:
    """Abort an upload until the server lists no parts of it."""
    multipart = op.into_multipart(spell(key), upload_id)
    for _ in range(_TRIES):
        try:
            await multipart.abort()
            if not op.info().capability.multipart_list_parts:
                return
            if not await multipart.list_parts():
                return
        except StorageError as error:
            if is_gone(error):
                return
            raise


async def find_intended(ctx: RunContext, op: Operator, key: str, saved: UploadRow) -> str | None:
    """Return the upload that was created just before a crash took its id from us.

    It is the only one for exactly this key that has no parts, is not older than the intent,
    and no other job's; where two fit, neither is touched.
    """
    capability = op.info().capability
    if not (capability.multipart_list_uploads and capability.multipart_list_parts):
        return None
    others = await ctx.journal.uploads_of_others(saved.job)
    oldest = datetime.fromtimestamp(saved.intended, UTC) - _CLOCKS
    fitting: list[str] = []
    try:
        async for upload in op.list_multiparts(spell(key)):
            if upload.path != key or upload.initiated is None or upload.initiated < oldest:
                continue
            if upload.upload_id in others:
                continue
            if not await op.into_multipart(spell(key), upload.upload_id).list_parts():
                fitting.append(upload.upload_id)
    except StorageError as error:
        # One that ended meanwhile; and rclone answers so where there never was an upload.
        if not is_gone(error):
            raise
    return fitting[0] if len(fitting) == 1 else None
