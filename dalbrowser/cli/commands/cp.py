"""``dal cp``: files and folders up, down and across, through the engine and its journal.

Names follow ``cp``: into a target that ends in ``/`` (or is a folder) under their own name,
else exactly the target's. Like ``cp``, rclone and the AWS CLI it overwrites, unless told not to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.cli.copying import plan_copy, plan_download, plan_upload
from dalbrowser.cli.jobs import run_planned
from dalbrowser.cli.wording import CommandError, add_rate
from dalbrowser.transfer import ConflictPolicy

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``cp``."""
    parser = commands.add_parser(
        "cp",
        parents=[server],
        help="upload, download or copy, resumable",
        description="Copy files to a place, objects from one, or objects between two. A source"
        " keeps its name where DST ends in '/' or is a folder; else DST is the exact new name."
        " With -r a folder is put into DST under its own name; what is in a local folder, without"
        " it, where SRC ends in '/.'. What exists at the target is"
        " overwritten, as cp does, unless an option says otherwise. After Ctrl-C or a crash:"
        " dal transfers list, dal transfers resume ID.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``cp`` and ``mv`` have in common."""
    parser.add_argument("source", nargs="+", metavar="SRC")
    parser.add_argument("target", metavar="DST")
    parser.add_argument("-r", "-R", "--recursive", action="store_true", help="folders too")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each job done")
    add_rate(parser)
    policy = parser.add_mutually_exclusive_group()
    for flags, value, text in (
        (("-n", "--no-clobber"), ConflictPolicy.SKIP, "leave what exists alone, and say so"),
        (("-u", "--update"), ConflictPolicy.IF_NEWER, "only over what is older"),
        (("--keep-both",), ConflictPolicy.KEEP_BOTH, "beside it, as 'name (2).ext'"),
    ):
        policy.add_argument(
            *flags, dest="policy", action="store_const", const=value, help=f"conflict: {text}"
        )
    parser.set_defaults(policy=ConflictPolicy.OVERWRITE)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Copy everything; 0 only when all of it arrived."""
    target = context.target(arguments.target)
    sources = [context.target(text) for text in arguments.source]
    remote = [source for source in sources if source.local is None]
    if remote and len(remote) != len(sources):
        raise CommandError("Some sources are local and some are not; copy them one by one.")
    if target.local is None:
        plan = plan_copy if remote else plan_upload
    elif remote:
        plan = plan_download
    else:
        raise CommandError(
            f"{sources[0].text!r} and {target.text!r} are both local; write the remote side as"
            " s3://bucket/key or connection:path."
        )
    return await run_planned(
        context,
        "dal cp",
        plan(context, sources, target, arguments.recursive, arguments.policy),
        verbose=arguments.verbose,
        limit=arguments.limit_rate,
    )
