"""Expands folders step by step: what is found becomes jobs, a page at a time.

Invariant: the jobs of a step and the place where the next one begins are in one commit, so
that a file is found once, whenever the program dies or a person stops it; no more than a
window of a folder's files is in memory, however many it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from dataclasses import field
from typing import TYPE_CHECKING

from dalbrowser.storage.paths import spell
from dalbrowser.transfer.conflicts import mtime_of
from dalbrowser.transfer.disk.localnames import local_path, make_parents, name_note
from dalbrowser.transfer.disk.source import unreadable
from dalbrowser.transfer.folders.children import child
from dalbrowser.transfer.folders.freenames import is_free, mark_fresh
from dalbrowser.transfer.folders.markers import is_folder, make_folder, make_folders
from dalbrowser.transfer.folders.pathlist import listed_paths
from dalbrowser.transfer.journal import JobRow, PlanRow
from dalbrowser.transfer.journal.past import keys_of
from dalbrowser.transfer.model import (
    ConflictPolicy,
    Direction,
    JobState,
    SourceUnreadableError,
    TargetUnwritableError,
    TransferError,
)
from dalbrowser.transfer.nesting import own_copies, refuse_own_upload
from dalbrowser.transfer.remote import is_empty, stat_or_none
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

    from dalbrowser.storage import Entry, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob

STEP = 250
"""Files of one step: one commit, one page of events."""


@record(frozen=False)
class Step:
    """What one step found: files to transfer, folders to look into later."""

    jobs: list[JobRow] = field(default_factory=list)
    folders: list[PlanRow] = field(default_factory=list)


async def steps(ctx: RunContext, job: LiveJob) -> AsyncGenerator[list[JobRow], None]:
    """Expand a folder job; yields the new files of each step, already in the journal.

    Raises ``TransferError`` or ``StorageError`` when a folder cannot be read; what is not
    expanded then stays planned. One local folder that cannot be read does not stop the others.
    """
    expand = _local if job.row.direction is Direction.UPLOAD else _remote
    if job.row.compared:
        expand = _planned
    refused: dict[int, SourceUnreadableError] = {}
    while plan := await _next_plan(ctx, job, refused):
        try:
            async for jobs in expand(ctx, job, plan):
                yield jobs
        except SourceUnreadableError as error:
            refused[plan.id] = error
    if refused:
        first = next(iter(refused.values()))
        many = f"{len(refused):,} folders could not be read; the first of them: "
        raise SourceUnreadableError(f"{many if len(refused) > 1 else ''}{first}") from first


async def _next_plan(ctx: RunContext, job: LiveJob, refused: Collection[int]) -> PlanRow | None:
    plans = await ctx.journal.plans(job.id, len(refused) + 1)
    return next((plan for plan in plans if plan.id not in refused), None)


async def _advance(
    ctx: RunContext,
    job: LiveJob,
    plan: PlanRow,
    jobs: list[JobRow],
    folders: list[PlanRow],
    *,
    finished: bool,
) -> None:
    """Write down a step; who is cancelled meanwhile leaves its files for others to take up."""
    written = asyncio.ensure_future(
        ctx.journal.advance_plan(plan, jobs, folders, finished=finished)
    )
    try:
        await asyncio.shield(written)
    except asyncio.CancelledError:
        while not written.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([written])
        if job.sums is not None and not written.cancelled() and written.exception() is None:
            job.sums.untaken += jobs
        raise


async def _planned(
    ctx: RunContext, job: LiveJob, plan: PlanRow
) -> AsyncGenerator[list[JobRow], None]:
    """Take up what a sync has written down."""
    # Start-up time: most commands sync nothing.
    from dalbrowser.transfer.sync.jobs import planned_rows  # noqa: PLC0415

    ended = False
    while not ended:
        rows, ended = await ctx.on_disk(planned_rows, job, plan, STEP, child)
        await _advance(ctx, job, plan, rows, [], finished=ended)
        yield rows


# -- local folders


async def _local(
    ctx: RunContext, job: LiveJob, plan: PlanRow
) -> AsyncGenerator[list[JobRow], None]:
    paths = listed_paths(plan.source)
    if paths is None:
        await refuse_own_upload(ctx, job, plan.source, plan.target)
    names = paths if paths is not None else await ctx.on_disk(_names, plan.source)
    careful = job.row.policy is not ConflictPolicy.OVERWRITE
    if paths is not None:
        pass
    elif plan.cursor:
        names = [name for name in names if name > plan.cursor]
    elif not plan.fresh and careful:
        # Then its files need not be asked for one by one.
        op = await ctx.operator(job.row.profile, job.row.bucket)
        plan.fresh = await is_empty(op, plan.target)
    for at in range(0, max(len(names), 1), STEP):
        some = names[at : at + STEP]
        step = await ctx.on_disk(_look, job, plan, some)
        if not names and not plan.cursor and plan.target:
            step.jobs.append(await make_folder(ctx, job, plan.target, local_path=plan.source))
        if careful and not plan.fresh:
            await mark_fresh(ctx, job, plan.target, step.jobs)
        plan.cursor = some[-1] if some and paths is None else plan.cursor
        ended = at + STEP >= len(names)
        await _advance(ctx, job, plan, step.jobs, step.folders, finished=ended)
        yield step.jobs


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError as error:
        raise unreadable(folder, error) from error


def _look(job: LiveJob, plan: PlanRow, names: list[str]) -> Step:
    """Sort some names of a local folder (or chosen paths) into files and folders; blocks."""
    step = Step()
    chosen = listed_paths(plan.source) is not None
    for name in names:
        path = name if chosen else os.path.join(plan.source, name)  # noqa: PTH118
        key = plan.target + (os.path.basename(name) if chosen else name)  # noqa: PTH119
        row = child(job, local_path=path, key=key, fresh=plan.fresh)
        try:
            facts = os.stat(path)  # noqa: PTH116
        except OSError as error:
            row.state, row.error = JobState.FAILED, str(unreadable(path, error))
            step.jobs.append(row)
            continue
        if stat.S_ISREG(facts.st_mode):
            row.total = facts.st_size
            step.jobs.append(row)
        elif stat.S_ISDIR(facts.st_mode) and (chosen or not os.path.islink(path)):  # noqa: PTH114
            folder = PlanRow(job=job.id, source=path, target=f"{key}/", fresh=plan.fresh)
            step.folders.append(folder)
        else:
            kind = "a link to a folder" if stat.S_ISDIR(facts.st_mode) else "not a regular file"
            row.state, row.note, row.finished = (
                JobState.SKIPPED,
                f"This is {kind}; it was left out.",
                time.time(),
            )
            step.jobs.append(row)
    return step


# -- prefixes


async def _remote(
    ctx: RunContext, job: LiveJob, plan: PlanRow
) -> AsyncGenerator[list[JobRow], None]:
    if job.row.direction is Direction.DOWNLOAD:
        profile, bucket = job.row.profile, job.row.bucket
    else:
        profile, bucket = job.row.source_profile, job.row.source_bucket
    op = await ctx.operator(profile, bucket)
    own = await own_copies(ctx, job, plan, op)
    resumes = bool(plan.cursor) and op.info().capability.list_with_start_after
    known: set[str] = set()
    if plan.cursor and not resumes:
        source = job.row.direction is not Direction.DOWNLOAD
        known = await keys_of(ctx.journal, job.id, source=source)
    async for page in _pages(op, plan, resumes):
        _require_inside(plan.source, page)
        if own is not None:
            own.require_none(page)
        entries = [entry for entry in page if entry.path not in known]
        for at in range(0, len(entries), STEP):
            some = entries[at : at + STEP]
            step = await ctx.on_disk(_sort, job, plan, some)
            if job.row.direction is not Direction.DOWNLOAD:
                step.jobs += await make_folders(ctx, job, plan, op, some)
            plan.cursor = some[-1].path
            await _advance(ctx, job, plan, step.jobs, [], finished=False)
            yield step.jobs
    rows = [] if _has_found(job, some=bool(plan.cursor)) else await _empty(ctx, job, plan, op)
    await _advance(ctx, job, plan, rows, [], finished=True)
    yield rows


def _has_found(job: LiveJob, *, some: bool) -> bool:
    if job.sums is None:
        return some
    job.sums.found = job.sums.found or some
    return job.sums.found


async def _empty(ctx: RunContext, job: LiveJob, plan: PlanRow, op: Operator) -> list[JobRow]:
    """Make a folder that is there and has nothing in it, where a listing tells of none."""
    there = await stat_or_none(op, plan.source) if plan.source else None
    if there is None or not there.is_dir or job.sums is None:
        return []
    job.sums.found = True
    if job.row.direction is not Direction.DOWNLOAD:
        return [await make_folder(ctx, job, plan.target, source_key=plan.source)]
    inside = os.path.join(plan.target, "x")  # noqa: PTH118
    await ctx.on_disk(make_parents, job.row.root, inside)
    return []


def _require_inside(folder: str, entries: list[Entry]) -> None:
    """Raise when a service tells of what was not asked for: a move would take it away."""
    for entry in entries:
        if not entry.path.startswith(folder):
            raise TransferError(
                f"The service was asked for what is in {folder} and listed {entry.path}, which is"
                " not; nothing of that was transferred. Its listings cannot be relied on."
            )


async def _pages(op: Operator, plan: PlanRow, resumes: bool) -> AsyncGenerator[list[Entry], None]:
    after = plan.cursor if resumes else None
    async with op.lister(spell(plan.source), recursive=True, start_after=after) as lister:
        async for page in lister.pages():
            yield page


def _key(row: JobRow) -> str:
    return row.key if row.direction is Direction.DOWNLOAD else row.source_key


def _sort(job: LiveJob, plan: PlanRow, entries: list[Entry]) -> Step:
    """Turn entries below a prefix into files; folders are made at once. Blocks."""
    step = Step()
    folders: dict[str, bool] = {}
    for entry in entries:
        relative = entry.path[len(plan.source) :]
        facts = entry.metadata
        if job.row.direction is not Direction.DOWNLOAD:
            if not is_folder(entry):
                row = child(job, source_key=entry.path, key=plan.target + relative)
                row.total, row.etag = facts.content_length, facts.etag or ""
                step.jobs.append(row)
            continue
        if entry.path.endswith("/") and not is_folder(entry):
            row = child(job, key=entry.path, local_path=plan.target)
            row.state, row.finished = JobState.SKIPPED, time.time()
            row.note = (
                f"{facts.content_length:,} bytes have the name of a folder here; a file cannot,"
                " so it was left out. Copy the object to another name first."
            )
            step.jobs.append(row)
            continue
        if is_folder(entry):
            # The marker of a folder has no bytes; its name is what it stands for.
            path = local_path(plan.target, relative.removesuffix("/")) if relative else plan.target
            try:
                make_parents(job.row.root, os.path.join(path, "x"))  # noqa: PTH118
            except TargetUnwritableError as error:
                if not relative:
                    raise
                row = child(job, key=entry.path, local_path=path)
                row.state, row.finished = JobState.SKIPPED, time.time()
                row.note = f"The folder was not made: {error}"
                step.jobs.append(row)
            continue
        row = child(job, key=entry.path, local_path=local_path(plan.target, relative))
        row.total, row.etag = facts.content_length, facts.etag or ""
        row.version, row.mtime = facts.version or "", mtime_of(facts)
        row.note = name_note(row.local_path, relative)
        row.fresh = is_free(row.local_path, folders)
        step.jobs.append(row)
    return step


def require_expanded(job: LiveJob) -> None:
    """Raise when a folder job has nothing in it at all and so was probably mistyped."""
    sums = job.sums
    if sums is None or sums.files or sums.found:
        return
    if job.row.direction is not Direction.UPLOAD:
        key = _key(job.row)
        message = f"There is nothing below {key or 'this place'!r}; nothing was transferred."
        raise TransferError(message)
