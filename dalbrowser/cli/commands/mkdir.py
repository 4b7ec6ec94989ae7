"""``dal mkdir``: an empty folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError
from dalbrowser.storage.paths import spell

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``mkdir``."""
    parser = commands.add_parser(
        "mkdir",
        parents=[server],
        help="create a folder",
        description="Create a folder (on services without folders, the marker of one).",
    )
    parser.add_argument("uri", metavar="URI", nargs="+")
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Create each folder in turn; the first failure is raised."""
    for text in arguments.uri:
        location = context.place(text)
        if not location.path:
            raise CommandError(f"{text!r} names no folder in a bucket; add the folder's path.")
        op = await context.operator(location)
        path = location.path if location.is_folder else f"{location.path}/"
        await op.create_dir(spell(path))
    return 0
