"""``dal ls``: a folder's entries as their pages arrive; buckets; connections.

Invariant: a listing that broke off is never taken for a whole one: the exit code is 1.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.asjson import add_json, connection_line, json_line, utc
from dalbrowser.cli.context import say
from dalbrowser.cli.wording import CommandError, human_size, local_time, one_line
from dalbrowser.profiles import format_location
from dalbrowser.storage import ErrorKind, Metakey, StorageError
from dalbrowser.storage.paths import spell

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.profiles import Location
    from dalbrowser.storage import Bucket, Metadata, Operator

_LONG = Metakey.MODE | Metakey.CONTENT_LENGTH | Metakey.LAST_MODIFIED | Metakey.ETAG
_JSON = _LONG | Metakey.STORAGE_CLASS


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
    add_json(parser)
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """List and return 0; any failure is raised."""
    if arguments.uri is None:
        for profile in context.profiles.all():
            say(connection_line(profile) if arguments.json else f"{one_line(profile.name)}:")
        return 0
    location = context.place(arguments.uri)
    op = await context.operator(location)
    if context.connections.lists_buckets(location):
        for bucket in await op.list_buckets():
            _bucket(bucket, format_location(location, context.profiles), arguments)
        return 0
    show = _Shown(location, format_location(location.at(""), context.profiles), arguments)
    if not location.is_folder:
        found = await _object(op, location)
        if found is not None:
            show.entry(location.path, location.name, found)
            return 0
        location = location.at(f"{location.path}/")
    await _folder(op, location, show, arguments)
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


async def _folder(
    op: Operator, location: Location, show: _Shown, arguments: argparse.Namespace
) -> None:
    # Only what the listing itself brings: a request for each row is never made unasked.
    wanted = _JSON if arguments.json else _LONG if arguments.long else Metakey.MODE
    wanted &= op.info().listed
    lister = op.lister(spell(location.path), recursive=arguments.recursive, metakey=wanted)
    seen = False
    try:
        async for page in lister.pages():
            for entry in page:
                seen = True
                name = entry.path.removeprefix(location.path)
                if name:
                    show.entry(entry.path, name, entry.metadata)
            sys.stdout.flush()
    finally:
        await lister.aclose()
    if not seen and location.path:
        raise CommandError(f"Nothing is called {arguments.uri!r} or lies below it; check the name.")


class _Shown:
    """Writes the rows of one listing; ``base`` is what stands before a key in a URI."""

    def __init__(self, location: Location, base: str, arguments: argparse.Namespace) -> None:
        self._location = location
        self._base = base
        self._long = arguments.long
        self._human = arguments.human
        self._json = arguments.json

    def entry(self, key: str, name: str, metadata: Metadata) -> None:
        """Write one row: ``name`` is what it is called in this listing."""
        length = None if metadata.is_dir else metadata.content_length
        if self._json:
            say(json_line(self._facts(key, name, length, metadata)))
        elif self._long:
            size = "-" if length is None else human_size(length) if self._human else str(length)
            time, etag = local_time(metadata.last_modified), metadata.etag or "-"
            say(_row(size, time, etag, one_line(name)))
        else:
            say(one_line(name))

    def _facts(
        self, key: str, name: str, length: int | None, metadata: Metadata
    ) -> dict[str, object]:
        return {
            "uri": self._base + key,
            "key": key,
            "name": name,
            "kind": metadata.mode.value,
            "size": length,
            "modified": utc(metadata.last_modified),
            "etag": metadata.etag,
            "class": metadata.storage_class,
        }


def _bucket(bucket: Bucket, base: str, arguments: argparse.Namespace) -> None:
    line = f"{bucket.name}/"
    if arguments.json:
        facts = {"uri": base + line, "name": line, "kind": "bucket"}
        say(json_line({**facts, "created": utc(bucket.created), "region": bucket.region}))
    else:
        say(_row("-", local_time(bucket.created), "-", line) if arguments.long else line)


def _row(size: str, time: str, etag: str, name: str) -> str:
    return f"{size:>14}  {time:<19}  {etag:<34}  {name}"
