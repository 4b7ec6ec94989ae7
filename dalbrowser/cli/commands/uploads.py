"""``dal uploads``: incomplete uploads on the server, whoever began them."""

from __future__ import annotations

import argparse
import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from dalbrowser.cli.asjson import add_json, json_line
from dalbrowser.cli.asking import require_yes
from dalbrowser.cli.context import complain, say
from dalbrowser.cli.copying import absolute
from dalbrowser.cli.jobs import run_jobs
from dalbrowser.cli.uploads_shown import Shown, facts_of
from dalbrowser.cli.wording import CommandError, add_rate, local_time, one_line
from dalbrowser.storage import ErrorKind, MultipartUpload, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.uploading.incomplete import abort_uploads, is_older, left_to, own_of

if TYPE_CHECKING:
    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.profiles import Location
    from dalbrowser.storage import Multipart, Operator
    from dalbrowser.transfer import TransferEngine

_GROUP = 100
"""Uploads whose parts are asked for before their lines are written."""
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``uploads`` and what it can do."""
    parser = commands.add_parser(
        "uploads",
        help="list, abort or resume incomplete uploads on the server",
        description="Uploads that were begun by any program and neither completed nor aborted;"
        " their parts cost storage until then.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        parents=[server],
        help="begun, age, parts, bytes, cost, upload id, key",
        description="A line an upload, separated by tabs (in columns, with units, on a terminal):"
        " when it was begun, seconds since then, parts, bytes, GiB-days kept so far, upload id,"
        " key. The parts of each cost a request, a few of them at a time.",
    )
    listing.add_argument("uri", metavar="URI", help="a bucket, or a prefix in one")
    listing.add_argument(
        "-q", "--quick", action="store_true", help="only begun, upload id and key; nothing is asked"
    )
    add_json(listing)
    listing.set_defaults(run=run_list)
    abort = actions.add_parser(
        "abort",
        parents=[server],
        help="drop uploads and their parts",
        description="Drop one upload by its key and id, or all below a prefix that are old: they"
        " are shown with what they keep, and dropped after a yes. One that a transfer of this"
        " machine is sending is left to it.",
    )
    abort.add_argument("uri", metavar="URI", help="the exact key, or a prefix with --older-than")
    abort.add_argument("upload_id", nargs="?", metavar="UPLOAD_ID")
    abort.add_argument(
        "--older-than", type=age, metavar="AGE", help="all begun before that: 30m, 12h, 7d, 2w"
    )
    how = abort.add_mutually_exclusive_group()
    how.add_argument("-y", "--yes", action="store_true", help="abort the old ones without asking")
    how.add_argument("--dry-run", action="store_true", help="only show what would be aborted")
    abort.set_defaults(run=run_abort)
    resume = actions.add_parser(
        "resume",
        parents=[server],
        help="go on with one from the local file it was begun from",
        description="Go on with an upload that another program or machine has begun. Its parts"
        " are compared with FILE; those that differ, or that nothing proves, are sent again.",
    )
    resume.add_argument("file", metavar="FILE")
    resume.add_argument("uri", metavar="URI", help="the exact key")
    resume.add_argument("upload_id", metavar="UPLOAD_ID")
    add_rate(resume)
    resume.set_defaults(run=run_resume)


def age(text: str) -> timedelta:
    """Read ``30m``, ``12h``, ``7d`` or ``2w``."""
    found = re.fullmatch(r"(\d+)([mhdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write 30m, 12h, 7d or 2w")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


async def run_list(context: Context, arguments: argparse.Namespace) -> int:
    """List the uploads below a prefix; 1 when the parts of some could not be seen."""
    location, op = await _bucket(context, arguments.uri)
    if arguments.quick:
        async for upload in op.list_multiparts(spell(location.path)):
            if arguments.json:
                say(json_line(facts_of(upload)))
                continue
            moment = local_time(upload.initiated)
            say(f"{moment}\t{upload.upload_id}\t{one_line(upload.path)}")
        return 0
    shown = Shown(context, location.bucket, as_json=arguments.json)
    some: list[MultipartUpload] = []
    async for upload in op.list_multiparts(spell(location.path)):
        some.append(upload)
        if len(some) == _GROUP:
            await shown.show(op, some)
            some = []
    await shown.show(op, some)
    shown.sum_up()
    if shown.nothing:
        complain(f"There are no incomplete uploads in {arguments.uri}.")
    return 1 if shown.failed else 0


async def run_abort(context: Context, arguments: argparse.Namespace) -> int:
    """Abort one upload, or all that are old; what could not be aborted is said."""
    location, op = await _bucket(context, arguments.uri)
    if (arguments.upload_id is None) == (arguments.older_than is None):
        raise CommandError("Give either an upload id (dal uploads list) or --older-than AGE.")
    journal = context.folders.journal_file
    if arguments.upload_id is not None:
        if arguments.dry_run:
            raise CommandError("--dry-run is for --older-than; dal uploads list shows one upload.")
        named = MultipartUpload(location.path, arguments.upload_id)
        mine = (await own_of(journal, location.bucket, [named])).get(named)
        if mine is not None and mine.running:
            raise CommandError(f"Not aborted: {left_to(mine)}.")
        chosen_one = op.into_multipart(spell(location.path), arguments.upload_id)
        await _require_there(chosen_one)
        await chosen_one.abort()
        return 0
    chosen = [
        upload
        async for upload in op.list_multiparts(spell(location.path))
        if is_older(upload, arguments.older_than)
    ]
    shown = Shown(context, location.bucket)
    await shown.show(op, chosen)
    if not chosen:
        complain("No incomplete upload is as old as that.")
        return 0
    if arguments.dry_run:
        shown.sum_up()
        return 0
    if not arguments.yes:
        await require_yes(shown.question(), refused="Nothing was aborted.")
    report = await abort_uploads(op, location.path, location.bucket, chosen, journal)
    for upload, why in report.kept:
        complain(f"Not aborted: {upload.upload_id} of {one_line(upload.path)}: {one_line(why)}")
    if report.vanished:
        complain(f"{len(report.vanished):,} had ended by themselves meanwhile.")
    complain(f"Aborted {len(report.gone):,} of {len(chosen):,}.")
    return 1 if report.kept else 0


async def run_resume(context: Context, arguments: argparse.Namespace) -> int:
    """Prove the parts on the server against the file, send the rest, complete."""
    location, op = await _bucket(context, arguments.uri)
    if location.is_folder:
        raise CommandError(f"{arguments.uri!r} names no object; write the exact key.")
    path = absolute(arguments.file)
    await asyncio.to_thread(path.stat)
    named = MultipartUpload(location.path, arguments.upload_id)
    journal = context.folders.journal_file
    mine = (await own_of(journal, location.bucket, [named])).get(named)
    if mine is not None:
        raise CommandError(
            f"Transfer {mine.job} of this machine has begun it; go on with: dal transfers resume"
            f" {mine.job}"
        )
    await _require_there(op.into_multipart(spell(location.path), arguments.upload_id))

    async def begin(engine: TransferEngine) -> list[int]:
        return [await engine.adopt(path, location, arguments.upload_id)]

    return await run_jobs(context, "dal uploads resume", begin, limit=arguments.limit_rate)


async def _require_there(upload: Multipart) -> None:
    """Raise when the server does not know an upload; it may not be allowed to look."""
    try:
        await upload.list_parts()
    except StorageError as error:
        if is_gone(error):
            raise CommandError(
                f"There is no incomplete upload {upload.upload_id} of {one_line(upload.path)};"
                " dal uploads list shows them."
            ) from error
        if error.kind is not ErrorKind.PERMISSION_DENIED:
            raise


async def _bucket(context: Context, text: str) -> tuple[Location, Operator]:
    location = context.place(text)
    if context.connections.lists_buckets(location):
        raise CommandError(f"{text!r} names no bucket; write the bucket first.")
    return location, await context.operator(location)
