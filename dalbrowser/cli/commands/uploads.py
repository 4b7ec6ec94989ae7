"""``dal uploads``: incomplete uploads on the server, whoever began them."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dalbrowser.cli.context import complain, say
from dalbrowser.cli.copying import absolute
from dalbrowser.cli.jobs import run_jobs
from dalbrowser.cli.wording import CommandError, local_time, one_line, sentence
from dalbrowser.storage import StorageError
from dalbrowser.storage.paths import spell

if TYPE_CHECKING:
    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.profiles import Location
    from dalbrowser.storage import MultipartUpload, Operator
    from dalbrowser.transfer import TransferEngine

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
    listing = actions.add_parser("list", parents=[server], help="time, upload id, key")
    listing.add_argument("uri", metavar="URI", help="a bucket, or a prefix in one")
    listing.add_argument(
        "-l", "--long", action="store_true", help="parts and bytes too (a request an upload)"
    )
    listing.set_defaults(run=run_list)
    abort = actions.add_parser("abort", parents=[server], help="drop uploads and their parts")
    abort.add_argument("uri", metavar="URI", help="the exact key, or a prefix with --older-than")
    abort.add_argument("upload_id", nargs="?", metavar="UPLOAD_ID")
    abort.add_argument(
        "--older-than", type=age, metavar="AGE", help="all begun before that: 30m, 12h, 7d, 2w"
    )
    abort.set_defaults(run=run_abort)
    resume = actions.add_parser(
        "resume", parents=[server], help="go on with one from the local file it was begun from"
    )
    resume.add_argument("file", metavar="FILE")
    resume.add_argument("uri", metavar="URI", help="the exact key")
    resume.add_argument("upload_id", metavar="UPLOAD_ID")
    resume.set_defaults(run=run_resume)


def age(text: str) -> timedelta:
    """Read ``30m``, ``12h``, ``7d`` or ``2w``."""
    found = re.fullmatch(r"(\d+)([mhdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write 30m, 12h, 7d or 2w")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


async def run_list(context: Context, arguments: argparse.Namespace) -> int:
    """List the uploads below a prefix."""
    location, op = await _bucket(context, arguments.uri)
    async for upload in op.list_multiparts(spell(location.path)):
        line = f"{local_time(upload.initiated)}\t{upload.upload_id}\t{one_line(upload.path)}"
        if arguments.long:
            parts = await op.into_multipart(spell(upload.path), upload.upload_id).list_parts()
            line += f"\t{len(parts)} parts\t{sum(part.size for part in parts)} bytes"
        say(line)
    return 0


async def run_abort(context: Context, arguments: argparse.Namespace) -> int:
    """Abort one upload, or all that are old; what could not be aborted is said."""
    location, op = await _bucket(context, arguments.uri)
    if (arguments.upload_id is None) == (arguments.older_than is None):
        raise CommandError("Give either an upload id (dal uploads list) or --older-than AGE.")
    if arguments.upload_id is not None:
        await op.into_multipart(spell(location.path), arguments.upload_id).abort()
        return 0
    code = 0
    for upload in await _older(op, location, arguments.older_than):
        try:
            await op.into_multipart(spell(upload.path), upload.upload_id).abort()
            say(f"{upload.upload_id}\t{one_line(upload.path)}")
        except StorageError as error:
            complain(sentence(error))
            code = 1
    return code


async def run_resume(context: Context, arguments: argparse.Namespace) -> int:
    """Prove the parts on the server against the file, send the rest, complete."""
    location, _ = await _bucket(context, arguments.uri)
    if location.is_folder:
        raise CommandError(f"{arguments.uri!r} names no object; write the exact key.")
    path = absolute(arguments.file)

    async def begin(engine: TransferEngine) -> list[int]:
        return [await engine.adopt(path, location, arguments.upload_id)]

    return await run_jobs(context, "dal uploads resume", begin)


async def _bucket(context: Context, text: str) -> tuple[Location, Operator]:
    location = context.place(text)
    if context.connections.lists_buckets(location):
        raise CommandError(f"{text!r} names no bucket; write the bucket first.")
    return location, await context.operator(location)


async def _older(op: Operator, location: Location, limit: timedelta) -> list[MultipartUpload]:
    """Return uploads begun longer ago than ``limit``; one without a date is never old."""
    before = datetime.now(UTC) - limit
    return [
        upload
        async for upload in op.list_multiparts(spell(location.path))
        if upload.initiated is not None and upload.initiated < before
    ]
