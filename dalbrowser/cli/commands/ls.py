"""``dal ls``: a folder's entries as their pages arrive; buckets; connections.

Invariant: a listing that broke off is never taken for a whole one: the exit code is 1.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.context import say
from dalbrowser.cli.wording import CommandError, human_size, local_time, one_line
from dalbrowser.storage import ErrorKind, Metakey, StorageError
from dalbrowser.storage.paths import spell

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.profiles import Location
    from dalbrowser.storage import Entry, Metadata, Operator

_LONG = Metakey.MODE | Metakey.CONTENT_LENGTH | Metakey.LAST_MODIFIED | Metakey.ETAG


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``ls``."""
    parser = commands.add_parser(
        "ls",
        parents=[server],
        help="list a folder, buckets or connections",
        description="List what is in a folder, in the service's order, as it arrives. Without"
        " a URI: the connections. Unprintable characters of names are shown escaped.",
    )
    parser.add_argument("uri", nargs="?", metavar="URI")
    parser.add_argument(
        "-l", "--long", action="store_true", help="size in bytes, time, ETag, then the name"
    )
    parser.add_argument(
        "-R", "-r", "--recursive", action="store_true", help="everything below, by relative path"
    )
    parser.add_argument("--human", action="store_true", help="sizes as 31.4 MiB")
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """List and return 0; any failure is raised."""
    if arguments.uri is None:
        for profile in context.profiles.all():
            say(f"{one_line(profile.name)}:")
        return 0
    location = context.place(arguments.uri)
    op = await context.operator(location)
    if context.connections.lists_buckets(location):
        for bucket in await op.list_buckets():
            line = f"{bucket.name}/"
            say(_row("-", local_time(bucket.created), "-", line) if arguments.long else line)
        return 0
    if not location.is_folder:
        found = await _object(op, location)
        if found is not None:
            _show(location.name, found, arguments)
            return 0
        location = location.at(f"{location.path}/")
    await _folder(op, location, arguments)
    return 0


async def _object(op: Operator, location: Location) -> Metadata | None:
    """Return the object's metadata, or ``None`` where there is a folder at most."""
    try:
        metadata = await op.stat(spell(location.path))
    except StorageError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return None
    return None if metadata.is_dir else metadata


async def _folder(op: Operator, location: Location, arguments: argparse.Namespace) -> None:
    # Only what the listing itself brings: a request for each row is never made unasked.
    wanted = (_LONG if arguments.long else Metakey.MODE) & op.info().listed
    lister = op.lister(spell(location.path), recursive=arguments.recursive, metakey=wanted)
    seen = False
    try:
        async for page in lister.pages():
            for entry in page:
                seen = True
                _entry(entry, location, arguments)
            sys.stdout.flush()
    finally:
        await lister.aclose()
    if not seen and location.path:
        raise CommandError(f"Nothing is called {location.path!r} or lies below it; check the path.")


def _entry(entry: Entry, folder: Location, arguments: argparse.Namespace) -> None:
    name = entry.path.removeprefix(folder.path)
    if name:
        _show(name, entry.metadata, arguments)


def _show(name: str, metadata: Metadata, arguments: argparse.Namespace) -> None:
    shown = one_line(name)
    if not arguments.long:
        say(shown)
        return
    length = None if metadata.is_dir else metadata.content_length
    size = "-" if length is None else (human_size(length) if arguments.human else str(length))
    say(_row(size, local_time(metadata.last_modified), metadata.etag or "-", shown))


def _row(size: str, time: str, etag: str, name: str) -> str:
    return f"{size:>14}  {time:<19}  {etag:<34}  {name}"
