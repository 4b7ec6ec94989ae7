"""Running jobs to their end from a terminal: the engine, its journal, and what is said after.

Invariant: however the command ends, a job is either done or in the journal with a word on
stderr that says how it goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from dalbrowser.cli.context import complain, say
from dalbrowser.cli.progress import Progress
from dalbrowser.cli.remarks import remarks
from dalbrowser.cli.wording import human_size, job_name, one_line
from dalbrowser.transfer import JobState, JournalHeld, TransferEngine
from dalbrowser.transfer.journal.holder import holder
from dalbrowser.transfer.tuning import options_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from pathlib import Path

    from dalbrowser.cli.context import Context
    from dalbrowser.transfer import JobView, StartReport

    Begin = Callable[[TransferEngine], Awaitable[list[int]]]

_PATIENCE = 30.0
"""Seconds that a job waits for an unreachable service; the window waits for ever."""
_COMMAND = "dal "
"""What the name begins with by which a command owns the journal."""
_LOOK_AGAIN = 0.2
"""Seconds between two looks at whether a command has ended."""
_FILES_TOLD = 20
_IDS_TOLD = 10


@contextlib.asynccontextmanager
async def engine(
    context: Context, who: str, progress: Progress, *, patient: bool = False
) -> AsyncIterator[TransferEngine]:
    """Give a started engine that owns the journal; raises ``JournalHeld``.

    ``patient`` waits for another command to let go of it, as they come to an end by themselves,
    but not for a window.
    """
    made, report = await _started(context, who, progress, patient=patient)
    try:
        if report.note:
            complain(report.note)
        yield made
    finally:
        progress.end()
        await made.close()


async def _started(
    context: Context, who: str, progress: Progress, *, patient: bool
) -> tuple[TransferEngine, StartReport]:
    path, told = context.folders.journal_file, False
    while True:
        made = TransferEngine(
            path,
            context.connections,
            context.profiles,
            options_from(context.settings, who=who, patience=_PATIENCE),
            progress.listener,
        )
        try:
            return made, await made.start()
        except JournalHeld as held:
            # A lock without a name is one that is being taken or looked at in this moment.
            if held.who and not (patient and held.who.startswith(_COMMAND)):
                raise
            if held.who and not told:
                told = True
                complain(f"Waiting for {held.who} (process {held.pid}) to end.")
        await _let_go(path)


async def _let_go(journal: Path) -> None:
    """Return once no other command owns the journal; its end is no event of this process."""
    while True:
        await asyncio.sleep(_LOOK_AGAIN)
        found = await asyncio.to_thread(holder, journal)
        if found is None or not found.who.startswith(_COMMAND):
            return


async def run_jobs(
    context: Context,
    who: str,
    begin: Begin,
    *,
    verbose: bool = False,
    forget: bool = False,
    limit: int | None = None,
    patient: bool = True,
) -> int:
    """Begin jobs, wait until each is settled, say what is not done, return the exit code.

    With ``forget`` a job that failed before its first byte is not kept: repeating the command
    does the same, and a mistyped bucket leaves nothing to clear away. ``limit`` bounds the
    bytes a second, each way; ``None`` leaves it to the settings. ``patient`` is for new jobs:
    those that are there already may be the very ones that another command works on.
    """
    progress = Progress()
    ids: list[int] = []
    try:
        async with engine(context, who, progress, patient=patient) as running:
            if limit is not None:
                await running.set_rate_limits(limit, limit)
            ids = await begin(running)
            progress.follow(ids)
            views = await running.wait(ids)
            progress.clear()
            if forget:
                await _drop_fruitless(running, views)
            live = running.jobs()
            kept = {view.id for view in live if not view.state.is_final}
            failed = [view for view in views if not tell(view, live, kept, verbose=verbose)]
            await _remark(context, running, views)
    except asyncio.CancelledError:
        if ids:
            named = " ".join(map(str, ids)) if len(ids) <= _IDS_TOLD else "--all"
            complain(f"Stopped; go on with: dal transfers resume {named}")
        raise
    return 1 if failed else 0


async def run_planned(
    context: Context,
    who: str,
    plan: Coroutine[Any, Any, Begin],
    *,
    verbose: bool = False,
    limit: int | None = None,
) -> int:
    """Like ``run_jobs`` with ``forget``, for what ``plan`` says once both sides were looked at.

    The engine starts meanwhile: one waits for the service, the other works.
    """
    planned = asyncio.ensure_future(plan)

    async def begin(running: TransferEngine) -> list[int]:
        return await (await planned)(running)

    try:
        return await run_jobs(context, who, begin, verbose=verbose, forget=True, limit=limit)
    finally:
        planned.cancel()
        await asyncio.gather(planned, return_exceptions=True)


async def _remark(context: Context, running: TransferEngine, views: list[JobView]) -> None:
    """Say what has not gone as it stands: nothing is left out in silence."""
    folders = [view.id for view in views if view.is_folder]
    if folders:
        # The journal is read here by another connection: what is noted has to be written.
        await running.history(1)
    for folder in folders:
        for line in await asyncio.to_thread(remarks, context.folders.journal_file, folder):
            complain(line)


async def _drop_fruitless(running: TransferEngine, views: list[JobView]) -> None:
    fruitless = [view.id for view in views if is_fruitless(view)]
    await running.cancel(fruitless)
    await running.wait(fruitless)


def is_fruitless(view: JobView) -> bool:
    """Whether a job failed with nothing to its credit."""
    hopeless = view.state in {JobState.FAILED, JobState.WAITING_CREDENTIALS}
    return hopeless and not view.is_folder and not view.done


def tell(view: JobView, live: list[JobView], kept: set[int], *, verbose: bool) -> bool:
    """Say how a settled job ended; return whether everything of it is done.

    ``kept`` are the jobs that can go on.
    """
    name = job_name(view)
    if view.state is JobState.SKIPPED:
        complain(f"Skipped the {name}: {view.error or view.note or 'the target exists.'}")
        return True
    if view.state is JobState.DONE and not view.files_failed:
        if verbose:
            say(f"{view.words}  {human_size(view.done)}  {name}")
        if view.note and not view.is_folder:
            complain(f"The {name} is done. {view.note}")
        return True
    inside = [v for v in live if v.parent == view.id and v.state.is_settled]
    for child in [v for v in inside if not v.state.is_final][:_FILES_TOLD]:
        complain(f"The {job_name(child)} {ended(child)}: {reason(child)}")
    why, advice = reason(view), ""
    if view.id in kept:
        advice = f" Go on with: dal transfers resume {view.id}{_ANSWERS.get(view.state, '')}"
    elif is_fruitless(view):
        # Whatever its reason says to a window, there is nothing to resume.
        advice = " It is not kept: run the command again once that is mended."
    complain(f"The {name} {ended(view)}: {why}{advice}")
    return False


_ANSWERS = {
    JobState.SOURCE_CHANGED: " --start-over",
    JobState.NEEDS_ANSWER: " with --overwrite, --skip or --keep-both",
}
"""What going on needs to be told."""


def ended(view: JobView) -> str:
    """Return how a job stands, as the end of a sentence."""
    return view.words if view.state is JobState.FAILED else f"is {view.words}"


def reason(view: JobView) -> str:
    """Return why a job is not done, as a sentence."""
    if view.error:
        return one_line(view.error)
    if view.files_failed:
        return f"{view.files_failed} of {view.files_total} files are not done."
    if view.state is JobState.SOURCE_CHANGED:
        return "The source is not what it was when the job began."
    if view.state is JobState.NEEDS_ANSWER:
        return "The target exists."
    return "It did not end."
