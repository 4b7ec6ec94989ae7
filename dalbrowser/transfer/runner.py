"""Runs one job to its end, through waits and retries, and writes down how it ended.

Invariant: every way out leaves the job in a state with a word and a sentence; only the
cancellation of the task leaves it as it is, for whoever cancelled to say what it is now.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING

from dalbrowser.storage import hear_retries
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net.pace import set_pace
from dalbrowser.transfer.conflicts import ConflictError, SkipError
from dalbrowser.transfer.copying.remotecopy import run_copy
from dalbrowser.transfer.downloading.download import discard_download, run_download
from dalbrowser.transfer.failures import Wait, pause_before, wait_for
from dalbrowser.transfer.model import Direction, JobState, SourceChangedError, TransferError
from dalbrowser.transfer.uploading.upload import run_upload

if TYPE_CHECKING:
    from dalbrowser.storage import Retried
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob

_WAITS = {
    Wait.AGAIN: JobState.RETRYING,
    Wait.LIMIT: JobState.WAITING_LIMIT,
}
_NOTHING_KEPT = (JobState.FAILED, JobState.SOURCE_CHANGED)
_RUN = {
    Direction.UPLOAD: run_upload,
    Direction.DOWNLOAD: run_download,
    Direction.COPY: run_copy,
    Direction.MOVE: run_copy,
}


async def run_job(ctx: RunContext, job: LiveJob) -> None:
    """Run a job until it is settled."""
    failures, reached = 0, job.row.done
    job.waiting_since = None
    hear_retries(partial(_retried, ctx, job))
    set_pace(ctx.rates)
    while True:
        try:
            await _RUN[job.row.direction](ctx, job)
        except StorageError as error:
            if job.row.done > reached:
                failures, job.waiting_since = 0, None
            failures, reached = failures + 1, max(reached, job.row.done)
            if await _wait(ctx, job, error, failures):
                continue
        except ConflictError as error:
            await settle(ctx, job, JobState.NEEDS_ANSWER, str(error))
        except SkipError as error:
            await _leave_out(ctx, job, str(error))
        except SourceChangedError as error:
            await settle(ctx, job, JobState.SOURCE_CHANGED, str(error))
        except TransferError as error:
            await settle(ctx, job, JobState.FAILED, str(error))
        except OSError as error:
            text = f"The local disk refused ({error.strerror or error}); see to it, then retry."
            await settle(ctx, job, JobState.FAILED, text)
        except Exception as error:
            text = f"Something unforeseen went wrong ({type(error).__name__}: {error}); retry."
            await settle(ctx, job, JobState.FAILED, text)
        else:
            await settle(ctx, job, JobState.DONE)
        return


async def _leave_out(ctx: RunContext, job: LiveJob, why: str) -> None:
    """End a job whose target stays as it is, and clear away what has come for it."""
    if job.row.direction is Direction.DOWNLOAD and job.row.begun:
        try:
            await discard_download(ctx, job)
        except (OSError, TransferError) as error:
            text = f"{why} What had come for it could not be removed ({error}); retry."
            await settle(ctx, job, JobState.FAILED, text)
            return
    job.row.note = why
    await settle(ctx, job, JobState.SKIPPED)


def _retried(ctx: RunContext, job: LiveJob, retried: Retried) -> None:
    """A layer below makes a request again: it is counted, and a service's wish heeded."""
    job.retried(retried)
    if retried.error.kind is ErrorKind.RATE_LIMITED:
        ctx.slots.refused(job.row.profile)


async def settle(ctx: RunContext, job: LiveJob, state: JobState, error: str = "") -> None:
    """Enter a state in which nothing more happens by itself, and have it in the journal."""
    row = job.row
    row.state, row.error = state, error
    if state in _NOTHING_KEPT and not row.begun and not row.is_folder:
        # What has no progress in the journal begins anew, whatever had come or gone by then.
        row.done = job.parts_done = 0
    job.retry_at = None
    job.meter.clear()
    if state.is_final:
        row.finished = time.time()
        row.attempts, job.retries = row.attempts + job.retries, 0
    try:
        if state.is_final and row.begun:
            await ctx.journal.finish(row)
        elif state is JobState.DONE and row.direction is Direction.DOWNLOAD:
            ctx.durable.add(row)
        elif state is JobState.DONE or state is JobState.SKIPPED:
            # Small files share their commits: nothing is lost if this one is not made.
            ctx.journal.note_job(row)
        else:
            await ctx.journal.save(row)
    except TransferError as trouble:
        row.state, row.error, row.finished = JobState.FAILED, str(trouble), None
    if row.state.is_final:
        ctx.placed.add(row)
        ctx.release(job)
    ctx.changed(job)


async def _wait_for_network(
    ctx: RunContext, job: LiveJob, error: StorageError, failures: int, now: float
) -> None:
    patience, since = ctx.options.patience, job.waiting_since or now
    job.row.attempts += 1
    job.row.error = error.message
    ctx.show(job, JobState.WAITING_NETWORK)
    await ctx.gates.wait(job, failures, None if patience is None else since + patience - now)
    job.row.error = ""


async def _wait(ctx: RunContext, job: LiveJob, error: StorageError, failures: int) -> bool:
    """Wait for another try; false when the job is settled instead."""
    options = ctx.options
    need = wait_for(error)
    if need is Wait.CREDENTIALS:
        text = f"{error.message} Renew the credentials of this connection, then resume."
        await settle(ctx, job, JobState.WAITING_CREDENTIALS, text)
        return False
    now = time.monotonic()
    job.waiting_since = job.waiting_since or now
    patient = options.patience is None or now - job.waiting_since < options.patience
    tired = failures >= options.attempts if need is not Wait.NETWORK else not patient
    if need is Wait.NONE or tired:
        await settle(ctx, job, JobState.FAILED, error.message)
        return False
    if need is Wait.NETWORK:
        await _wait_for_network(ctx, job, error, failures, now)
        return True
    pause = pause_before(failures, options.backoff_base, options.backoff_cap, error.retry_after)
    job.row.attempts += 1
    job.row.error = error.message
    job.retry_at = time.time() + pause
    job.wake.clear()
    ctx.show(job, _WAITS[need])
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.wake.wait(), pause)
    job.retry_at = None
    job.row.error = ""
    return True
