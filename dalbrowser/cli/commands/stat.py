"""``dal stat``: everything one request tells about an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.cli.asjson import json_line, utc
from dalbrowser.cli.context import say
from dalbrowser.cli.wording import CommandError, one_line
from dalbrowser.profiles import format_location
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.remote import is_empty

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context
    from dalbrowser.storage import Metadata


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``stat``."""
    parser = commands.add_parser(
        "stat",
        parents=[server],
        help="show an object's metadata",
        description="Show what the service tells about one object or folder, a line a field.",
    )
    parser.add_argument("uri", metavar="URI")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Show the metadata, or raise why there is none."""
    location = context.place(arguments.uri)
    if context.connections.lists_buckets(location):
        raise CommandError(f"{arguments.uri!r} names no bucket; dal ls shows them.")
    op = await context.operator(location)
    if not location.path:
        await is_empty(op, "")  # A root is there as far as it can be listed.
    try:
        metadata = await op.stat(spell(location.path))
    except StorageError as error:
        folder = location.at(f"{location.path}/")
        if error.kind is not ErrorKind.NOT_FOUND or await is_empty(op, folder.path):
            raise
        # A folder that is only in the names of what is below it.
        location, metadata = folder, await op.stat(spell(folder.path))
    uri = format_location(location, context.profiles)
    facts: dict[str, object] = {"uri": uri, "key": location.path, **_facts(metadata)}
    if arguments.json:
        say(json_line(facts))
        return 0
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        say(f"{name + ':':<{width + 1}} {one_line(str(value))}")
    return 0


def _facts(metadata: Metadata) -> dict[str, str | int]:
    known: dict[str, str | int | None] = {
        "kind": metadata.mode.value,
        "size": metadata.content_length,
        "modified": utc(metadata.last_modified),
        "etag": metadata.etag,
        "type": metadata.content_type,
        "encoding": metadata.content_encoding,
        "disposition": metadata.content_disposition,
        "cache-control": metadata.cache_control,
        "version": metadata.version,
        "class": metadata.storage_class,
        "owner": metadata.owner,
    }
    known |= {f"checksum-{name}": value for name, value in metadata.checksums.items()}
    known |= {f"meta-{name}": value for name, value in metadata.user_metadata.items()}
    return {name: value for name, value in known.items() if value is not None}
