"""``dal rm``: objects by their exact keys, whole folders only when that was said twice.

Invariant: a folder goes only with ``-r`` and a yes, and never because an object's name
was mistyped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.cli.asking import require_yes
from dalbrowser.cli.context import complain
from dalbrowser.cli.wording import CommandError, human_size, sentence
from dalbrowser.session.browse import measure
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.remote import is_empty
from dalbrowser.transfer.together import all_together

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.profiles import Location
    from dalbrowser.storage import Operator

_COUNT_LIMIT = 10_000
_AT_ONCE = 16


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``rm``."""
    parser = commands.add_parser(
        "rm",
        parents=[server],
        help="delete objects, or folders with -r",
        description="Delete objects by their exact keys. What does not exist is an error unless"
        " -f is given. A folder needs -r, and a yes on the terminal or --yes.",
    )
    parser.add_argument("uri", metavar="URI", nargs="+")
    parser.add_argument(
        "-r", "-R", "--recursive", action="store_true", help="everything below a folder too"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask before -r")
    parser.add_argument(
        "-f", "--force", action="store_true", help="no error for what does not exist"
    )
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Delete each; what failed is said, and the others still go.

    Single objects go side by side, folders one after the other, since each is asked about.
    """
    code = 0
    left = iter(dict.fromkeys(arguments.uri))

    async def remove() -> None:
        nonlocal code
        for text in left:
            try:
                await _remove(context, text, arguments)
            except (StorageError, CommandError) as error:
                complain(sentence(error))
                code = 1

    await all_together(remove() for _ in range(1 if arguments.recursive else _AT_ONCE))
    return code


async def _remove(context: Context, text: str, arguments: argparse.Namespace) -> None:
    location = context.place(text)
    op = await context.operator(location)
    if context.connections.lists_buckets(location):
        raise CommandError(f"{text!r} names no bucket; buckets themselves are not deleted here.")
    if not location.is_folder:
        exists = await _is_object(op, location)
        if not arguments.recursive:
            if exists:
                await op.delete(spell(location.path))
            else:
                await _refuse(op, location, text, arguments)
            return
        location = await _object_or_folder(op, location, exists, text)
        if not location.is_folder:
            await op.delete(spell(location.path))
            return
    if not arguments.recursive:
        raise CommandError(f"{text!r} is a folder; add -r to delete everything below it.")
    found = await measure(op, [location], _COUNT_LIMIT)
    if not found.objects and not arguments.force and not await _has_entries(op, location):
        raise CommandError(f"Nothing lies below {text!r}, so nothing was deleted.")
    if not arguments.yes:
        more = "" if found.complete else "more than "
        await require_yes(
            f"Delete {more}{found.objects} objects ({human_size(found.bytes)}) below {text}?",
            refused="Nothing was deleted.",
        )
    # "" is refused by the operator as too easily meant by mistake; here a person said yes.
    await op.remove_all(spell(location.path) or "/")


async def _refuse(
    op: Operator, location: Location, text: str, arguments: argparse.Namespace
) -> None:
    """Say why there is nothing to delete under an object's key; silent with ``-f``."""
    if await _has_entries(op, location.at(f"{location.path}/")):
        raise CommandError(f"{text!r} is a folder; add -r to delete everything below it.")
    if not arguments.force:
        raise CommandError(f"There is no object {text!r}, so nothing was deleted.")


async def _is_object(op: Operator, location: Location) -> bool:
    try:
        return not (await op.stat(spell(location.path))).is_dir
    except StorageError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return False
        raise


async def _object_or_folder(op: Operator, location: Location, exists: bool, text: str) -> Location:
    """Return what ``-r`` means for a path without a slash; refuse when it means two things."""
    folder = location.at(f"{location.path}/")
    if not exists:
        return folder
    if await _has_entries(op, folder):
        raise CommandError(
            f"{text!r} is an object and a folder; write {text + '/'!r} for the folder, or leave"
            " out -r for the object."
        )
    return location


async def _has_entries(op: Operator, folder: Location) -> bool:
    try:
        return not await is_empty(op, folder.path, with_marker=True)
    except StorageError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return False
        raise
