"""``dal transfers``: what the journal holds, and going on with it or giving it up.

Listing looks without owning the journal; resuming and cancelling own it, and say who has it.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.asjson import add_json, json_line, utc_of
from dalbrowser.cli.context import complain, say
from dalbrowser.cli.jobs import ended, engine, run_jobs
from dalbrowser.cli.journal_view import read_jobs
from dalbrowser.cli.progress import Progress
from dalbrowser.cli.wording import (
    CommandError,
    add_rate,
    epoch_time,
    human_size,
    job_name,
    one_line,
)
from dalbrowser.transfer import ConflictPolicy, Direction, JobState
from dalbrowser.transfer.journal.holder import holder

if TYPE_CHECKING:
    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.cli.journal_view import JobLine
    from dalbrowser.transfer import JobView, TransferEngine


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``transfers`` and what it can do."""
    del server  # a job knows its connection
    parser = commands.add_parser(
        "transfers",
        help="list, resume or cancel transfers",
        description="The transfers in the journal that are not done, or with --all every one.",
    )
    _add_listing(parser)
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="a line a job: id, state, direction, place, done/total",
        description="A line a job, separated by tabs: id, state, direction, place, done/total"
        " in bytes (in columns, with units, on a terminal).",
    )
    _add_listing(listing, again=True)
    listing.set_defaults(run=run_list)
    resume = actions.add_parser(
        "resume",
        help="go on with jobs, and wait for them",
        description="Go on with transfers that were cut off, paused or failed, and wait for them."
        " What had arrived is proven and not sent again. What exists at a target is asked about"
        " in the window; here an option answers.",
    )
    resume.add_argument("id", nargs="*", type=int, metavar="ID")
    resume.add_argument("-a", "--all", action="store_true", help="every job that can go on")
    answers = resume.add_mutually_exclusive_group()
    answers.add_argument(
        "--start-over", action="store_true", help="when the source changed, send all of it anew"
    )
    for flag, value in (
        ("--overwrite", ConflictPolicy.OVERWRITE),
        ("--skip", ConflictPolicy.SKIP),
        ("--keep-both", ConflictPolicy.KEEP_BOTH),
    ):
        answers.add_argument(
            flag, dest="answer", action="store_const", const=value, help="when the target exists"
        )
    resume.add_argument("-v", "--verbose", action="store_true", help="a line for each job done")
    add_rate(resume)
    resume.set_defaults(run=run_resume, answer=None)
    cancel = actions.add_parser(
        "cancel",
        help="give jobs up and leave nothing of them behind",
        description="Give transfers up: their parts on the server and their temporary files here"
        " are deleted. What has arrived whole stays.",
    )
    cancel.add_argument("id", nargs="*", type=int, metavar="ID")
    cancel.add_argument("-a", "--all", action="store_true", help="every job that is not done")
    cancel.set_defaults(run=run_cancel)


def _add_listing(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Declare what a listing is told, also without the word ``list``."""
    missing = argparse.SUPPRESS if again else False
    for flags, text in (
        (("-a", "--all"), "finished ones too"),
        (("--files",), "the files inside of folders too"),
    ):
        parser.add_argument(*flags, action="store_true", default=missing, help=text)
    add_json(parser, again=again)


async def run_list(context: Context, arguments: argparse.Namespace) -> int:
    """List the jobs; says on stderr who is working on them, if anybody is."""
    path = context.folders.journal_file
    on_terminal, count = sys.stdout.isatty() and not arguments.json, 0
    write = _json if arguments.json else _columns if on_terminal else _tabs
    for job in read_jobs(path, finished=arguments.all, files=arguments.files):
        say(write(job))
        count += 1
    if on_terminal and not count:
        complain(
            "There have been no transfers yet."
            if arguments.all
            else "All transfers are done; dal transfers list --all shows them."
        )
    owner = holder(path)
    if owner is not None:
        complain(
            f"The transfers are in the hands of {owner.who} (process {owner.pid}) since"
            f" {epoch_time(owner.since)}."
        )
    return 0


async def run_resume(context: Context, arguments: argparse.Namespace) -> int:
    """Go on with the jobs and wait until each is settled."""
    if not arguments.id and not arguments.all:
        raise CommandError("Name the jobs to resume by their ids (dal transfers list), or --all.")

    async def begin(running: TransferEngine) -> list[int]:
        live = {view.id: view for view in running.jobs()}
        whole = [view.id for view in live.values() if view.parent is None]
        ids = whole if arguments.all else arguments.id
        jobs = await _named(running, live, ids)
        await _go_on(running, [job for job in jobs if not job.state.is_final], arguments)
        return [job.id for job in jobs]

    return await run_jobs(
        context,
        "dal transfers resume",
        begin,
        verbose=arguments.verbose,
        limit=arguments.limit_rate,
        patient=False,
    )


async def run_cancel(context: Context, arguments: argparse.Namespace) -> int:
    """Cancel the jobs: no upload on the server and no temporary file is left of them."""
    if not arguments.id and not arguments.all:
        raise CommandError("Name the jobs to cancel by their ids (dal transfers list), or --all.")
    code = 0
    async with engine(context, "dal transfers cancel", Progress()) as running:
        live = {view.id: view for view in running.jobs()}
        whole = [view.id for view in live.values() if view.parent is None]
        whole = [number for number in whole if not live[number].state.is_final]
        jobs = await _named(running, live, whole if arguments.all else arguments.id)
        over = [job for job in jobs if job.state.is_final]
        for job in over:
            complain(f"The {job_name(job)} is {job.words} already; there is nothing to cancel.")
            code = 1
        ids = [job.id for job in jobs if not job.state.is_final]
        await running.cancel(ids)
        for view in await running.wait(ids):
            if view.state is not JobState.CANCELLED:
                complain(f"The {job_name(view)} {ended(view)}: {one_line(view.error)}")
                code = 1
    return code


async def _named(
    running: TransferEngine, live: dict[int, JobView], ids: list[int]
) -> list[JobView]:
    """Return the views of ``ids``, live or from the history; raises for one that is neither."""
    missing = [number for number in ids if number not in live]
    past = {view.id: view for view in await running.history(100_000)} if missing else {}
    unknown = [number for number in missing if number not in past]
    if unknown:
        raise CommandError(
            f"There is no transfer {', '.join(map(str, unknown))}; dal transfers list shows them."
        )
    return [live[number] if number in live else past[number] for number in ids]


async def _go_on(
    running: TransferEngine, jobs: list[JobView], arguments: argparse.Namespace
) -> None:
    """Let the jobs go on, the files inside of folders with them."""
    ids = {job.id for job in jobs}
    if arguments.answer is not None:
        for view in running.jobs():
            if view.state is JobState.NEEDS_ANSWER and {view.id, view.parent} & ids:
                await running.answer(view.id, arguments.answer)
    if arguments.start_over:
        await running.retry(ids)
    else:
        await running.resume(ids)


def _json(job: JobLine) -> str:
    here, there = job.local_path, job.place
    source = job.source or (here if job.direction is Direction.UPLOAD else there)
    facts = {
        "id": job.id,
        "parent": job.parent,
        "state": job.state.value,
        "direction": job.direction.value,
        "folder": job.is_folder,
        "source": source,
        "target": here if job.direction is Direction.DOWNLOAD else there,
        "done": job.done,
        "total": job.total,
        "created": utc_of(job.created),
        "finished": utc_of(job.finished),
        "error": job.error or None,
    }
    return json_line(facts)


def _tabs(job: JobLine) -> str:
    total = "?" if job.total is None else str(job.total)
    fields = (job.id, job.state.value, job.direction.value, one_line(job.place))
    return "\t".join(map(str, (*fields, f"{job.done}/{total}")))


def _columns(job: JobLine) -> str:
    total = "?" if job.total is None else human_size(job.total)
    line = (
        f"{job.id:>5}  {job.state.word:<14}  {job.direction.word:<8}  {one_line(job.place)}"
        f"  {human_size(job.done)}/{total}"
    )
    return f"{line}  {one_line(job.error)}" if job.error else line
