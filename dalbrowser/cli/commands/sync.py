"""``dal sync``: one way, planned first, through the engine and its journal.

Invariant: without a yes nothing is written and nothing is deleted; with one, what is done is
what the plan says, and deletions come last, after everything else has succeeded.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from dalbrowser.cli.asking import require_yes
from dalbrowser.cli.syncing import Wish, ends, plan, say_plan
from dalbrowser.cli.syncrun import SyncRun
from dalbrowser.cli.wording import add_rate
from dalbrowser.transfer.sync.rules import By, Rules

if TYPE_CHECKING:
    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context

_DESCRIPTION = """\
Make the folder TARGET hold what the folder SOURCE holds: local to remote, remote to
local, or between two places. First the two listings are compared and the plan is
shown; it is carried out after a yes on the terminal, or with --yes.

A file is copied when the target lacks it, when the sizes differ, or when the source
was modified after the target (the service's own times, as a listing tells them; no
object is asked one by one). A file here that is older than its object is read, and not
fetched where the object's ETag says that it is the same. A file that is fetched takes
the object's time. Nothing is deleted without --delete, and then only after every copy
has succeeded. Nothing is written over or deleted that changed since it was compared.
"""

_EPILOG = """\
GLOB is matched against the whole path below the folder; '*' matches '/' too. Files
that do not take part are left alone on both sides, also by --delete.

After Ctrl-C or a crash run the same command again (what is under way goes on from the
parts it has; with other options it is given up first), or dal transfers resume ID,
which copies what is left and deletes nothing.
"""


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``sync``."""
    parser = commands.add_parser(
        "sync",
        parents=[server],
        help="make a folder equal to another, one way, planned first",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("target", metavar="TARGET")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-y", "--yes", action="store_true", help="carry the plan out without asking")
    how.add_argument("--dry-run", action="store_true", help="only show the plan")
    parser.add_argument(
        "--delete", action="store_true", help="delete at the target what the source does not have"
    )
    parser.add_argument(
        "--allow-empty-source", action="store_true", help="also when there is nothing in SOURCE"
    )
    by = parser.add_mutually_exclusive_group()
    by.add_argument("--size-only", action="store_true", help="equal sizes are enough")
    by.add_argument(
        "--checksum",
        action="store_true",
        help="compare contents by ETag where it is an MD5 (local files are read), else as always",
    )
    for name, text in (("include", "only files that match"), ("exclude", "no files that match")):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar="GLOB", help=f"{text}; repeatable"
        )
    add_rate(parser)
    parser.add_argument("--json", action="store_true", help="the plan as JSON, an object a line")
    parser.add_argument("-v", "--verbose", action="store_true", help="with --yes: the plan too")
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Plan, ask, carry out; 0 only when the target is as it should be."""
    wish = _wish(arguments)
    source, target = await ends(context, arguments.source, arguments.target)
    if arguments.yes:
        verbose = arguments.verbose or arguments.json
        return await SyncRun(context, wish, source, target, verbose=verbose).run()
    planned = await plan(context, wish, source, target)
    try:
        await say_plan(planned, wish)
        deletes = wish.delete and planned.counts.extra
        if arguments.dry_run or not (planned.counts.work or deletes):
            await asyncio.to_thread(planned.file.discard)
            return 1 if planned.counts.failed else 0
        await require_yes(
            "Go on?",
            unasked="Nothing was done; add --yes to carry this plan out.",
            refused="Nothing was done.",
        )
    except BaseException:
        await asyncio.to_thread(planned.file.discard)
        raise
    return await SyncRun(context, wish, source, target).run(planned)


def _wish(arguments: argparse.Namespace) -> Wish:
    by = By.TIME
    if arguments.size_only or arguments.checksum:
        by = By.SIZE if arguments.size_only else By.CHECKSUM
    return Wish(
        Rules(by, tuple(arguments.include), tuple(arguments.exclude)),
        delete=arguments.delete,
        empty=arguments.allow_empty_source,
        as_json=arguments.json,
        limit=arguments.limit_rate,
    )
