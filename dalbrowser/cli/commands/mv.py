"""``dal mv``: objects and folders from one place to another, each gone from the first only
when it is proven to be at the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.cli.commands.cp import add_arguments
from dalbrowser.cli.copying import plan_copy
from dalbrowser.cli.jobs import run_planned
from dalbrowser.cli.wording import CommandError

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``mv``."""
    parser = commands.add_parser(
        "mv",
        parents=[server],
        help="move or rename on a service, resumable",
        description="Move objects and folders between places, or rename an object. A source"
        " is deleted only when its copy is verified and it is still what was copied. Names are"
        " as for cp. For local files: dal cp, then delete them yourself.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Move everything; 0 only when all of it arrived and left."""
    target = context.target(arguments.target)
    sources = [context.target(text) for text in arguments.source]
    if target.local is not None or any(source.local is not None for source in sources):
        raise CommandError("Moving is between places on a service; for local files use dal cp.")
    return await run_planned(
        context,
        "dal mv",
        plan_copy(context, sources, target, arguments.recursive, arguments.policy, move=True),
        verbose=arguments.verbose,
        limit=arguments.limit_rate,
    )
