"""One upload, from the first look at the local file to the proof that it arrived.

Invariant: nothing is sent under another identity of the file than the one this run began
with, nor of another size or time than the upload did, and nothing that exists is overwritten
unless the policy says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage import checksums
from dalbrowser.storage.layers.mime_guess import content_type_of
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.conflicts import Side
from dalbrowser.transfer.disk.source import FileSource, LocalSource, changed
from dalbrowser.transfer.model import ConflictPolicy, JobState
from dalbrowser.transfer.uploading.sending import Sending
from dalbrowser.transfer.uploading.tinysource import TINY, TinySource, read_tiny

if TYPE_CHECKING:
    from dalbrowser.storage import Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.disk.source import SourceIdentity
    from dalbrowser.transfer.job import LiveJob


async def run_upload(ctx: RunContext, job: LiveJob) -> None:
    """Bring a local file to its key; returns when that is proven.

    Raises ``TransferError`` (failed, in words), ``ConflictError``, ``SkipError`` or
    ``StorageError``; what was confirmed until then stays for the next run.
    """
    op = await ctx.operator(job.row.profile, job.row.bucket)
    if job.start_over:
        await abort_upload(ctx, op, job)
        job.start_over = False
    if not job.row.begun and await _tiny(ctx, job, op):
        return
    ctx.show(job, JobState.PREPARING)
    local, options = await ctx.on_disk(_opened, job.row.local_path, op)
    try:
        await _require_same(ctx, job, local)
        job.row.total = local.identity.size
        side = Side(local.identity.size, local.identity.mtime_ns / 1e9)
        sending = Sending(ctx, job, op, FileSource(ctx.on_disk, local), side=side, options=options)
        job.row.integrity = (await sending.run()).value
    finally:
        ctx.disk.submit(local.close)


async def _tiny(ctx: RunContext, job: LiveJob, op: Operator) -> bool:
    """Send a file that one visit to the disk's threads can bring; false when this is not one.

    Nor where the target must be looked at first: the file could change meanwhile.
    """
    row = job.row
    if row.policy is not ConflictPolicy.OVERWRITE and not row.fresh:
        return False
    if row.total is None or row.total > min(TINY, ctx.options.multipart_above - 1):
        return False
    found = await ctx.visits.run(read_tiny, row.local_path)
    if found is None or found[0].size >= ctx.options.multipart_above:
        return False
    identity, data, md5 = found
    if job.state is not JobState.QUEUED:
        # It waited, or is tried again: no longer.
        ctx.show(job, JobState.PREPARING)
    row.total = identity.size
    source = TinySource(ctx.on_disk, row.local_path, identity, data, md5)
    side = Side(identity.size, identity.mtime_ns / 1e9)
    options = write_options(op, row.local_path, identity)
    sending = Sending(ctx, job, op, source, side=side, options=options)
    row.integrity = (await sending.run()).value
    return True


def _opened(path: str, op: Operator) -> tuple[LocalSource, dict[str, Any]]:
    """Open a file and see what its object will be, in one visit to the disk's threads."""
    local = LocalSource(path)
    return local, write_options(op, path, local.identity)


async def _require_same(ctx: RunContext, job: LiveJob, local: LocalSource) -> None:
    """Raise when the file is not the one that the upload was begun from.

    By its size and time: device and inode are others once a stick or share was mounted again.
    Every part that is there is compared with the bytes that are here now.
    """
    saved = await ctx.journal.upload(job.row.id) if job.row.begun else None
    if saved is None:
        return
    if (saved.size, saved.mtime_ns) != (local.identity.size, local.identity.mtime_ns):
        raise changed(job.row.local_path)


def write_options(op: Operator, path: str, identity: SourceIdentity) -> dict[str, Any]:
    """Return the options of the object: content type and the file's own time."""
    capability = op.info().capability
    options: dict[str, Any] = {}
    if capability.write_with_content_type:
        options["content_type"] = content_type(path)
    if capability.write_with_user_metadata:
        options["user_metadata"] = {"mtime": identity.mtime_text}
    return options | checked_options(op)


def checked_options(op: Operator) -> dict[str, Any]:
    """Return the option by which the service keeps a checksum, where it and we are able to."""
    able = op.info().capability.write_with_checksum and checksums.has_library()
    return {"checksum": "auto"} if able else {}


def content_type(path: str) -> str:
    """Guess the content type from a name; a compressed file is its compression."""
    return content_type_of(path) or "application/octet-stream"
