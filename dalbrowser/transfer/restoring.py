"""A job that an earlier process left, brought back to where it stood.

Invariant: what it has begun at its target is reserved for it before anything else may run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import Direction, JobState

if TYPE_CHECKING:
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import FolderSums, LiveJob
    from dalbrowser.transfer.journal import JobRow


_HALTED = (JobState.PAUSED, JobState.FAILED, JobState.INTERRUPTED)


async def restore(ctx: RunContext, job: LiveJob) -> None:
    """Give a job its sums and its claims as the journal has them."""
    row = job.row
    ctx.placed.restored(row.batch)
    if job.sums is not None:
        await _restore_sums(ctx, row, job.sums)
    if row.begun and row.direction is Direction.DOWNLOAD:
        ctx.claim_file(job, row.local_path, loose=True)
        saved = await ctx.journal.download(row.id)
        if saved is not None:
            ctx.claim_file(job, saved.temp)
    elif row.begun:
        ctx.claim(job, row.profile, row.bucket, row.key, loose=True)


async def _restore_sums(ctx: RunContext, row: JobRow, sums: FolderSums) -> None:
    for state, (count, size) in (await ctx.journal.child_sums(row.id)).items():
        # Files at rest are counted as they are restored themselves.
        if JobState(state).is_final:
            sums.counts[JobState(state)] += count
            sums.bytes_total += size
            sums.bytes_done += size if state == JobState.DONE.value else 0
    sums.expanded = not await ctx.journal.plans(row.id, 1)
    if not sums.expanded:
        # What its files wait for is theirs to say; that more is to be found is the folder's.
        sums.halted = row.state if row.state in _HALTED else JobState.INTERRUPTED
