"""``dal cat``: an object's stored bytes, or a range of them, to stdout."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError
from dalbrowser.storage import ByteRange, ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.remote import is_empty

if TYPE_CHECKING:
    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context

_CHUNK = 8 * 1024 * 1024
_CONCURRENT = 4
_RANGE = re.compile(r"(?:bytes=)?(\d*)-(\d*)", re.ASCII)


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``cat``."""
    parser = commands.add_parser(
        "cat",
        parents=[server],
        help="write an object's bytes to stdout",
        description="Write an object to stdout as it is stored; no encoding is undone.",
    )
    parser.add_argument("uri", metavar="URI")
    parser.add_argument(
        "--range",
        type=byte_range,
        default=ByteRange(),
        metavar="A-B",
        help="bytes A to B, both included, as in HTTP: 0-99 the first hundred, 100- all from"
        " there, -100 the last hundred",
    )
    parser.set_defaults(run=run)


def byte_range(text: str) -> ByteRange:
    """Read an HTTP byte range, both ends inclusive (RFC 9110, 14.1.2)."""
    found = _RANGE.fullmatch(text.strip())
    first, last = found.groups() if found else ("", "")
    if first and last and int(first) <= int(last):
        return ByteRange(int(first), int(last) + 1)
    if first and not last:
        return ByteRange.from_(int(first))
    if last and not first:
        return ByteRange.suffix(int(last))
    raise argparse.ArgumentTypeError(f"{text!r} is no range; write A-B, A- or -N in bytes")


async def run(context: Context, arguments: argparse.Namespace) -> int:
    """Stream the bytes; a body that broke off is raised as what it is."""
    location = context.place(arguments.uri)
    if location.is_folder:
        raise CommandError(f"{arguments.uri!r} is a folder; name an object in it.")
    op = await context.operator(location)
    if arguments.range.size == 0:
        await op.stat(spell(location.path))
        return 0
    out = sys.stdout.buffer
    reader = op.reader(
        spell(location.path), range=arguments.range, chunk=_CHUNK, concurrent=_CONCURRENT
    )
    try:
        async with reader:
            async for block in reader:
                out.write(block)
    except StorageError as error:
        if error.kind is ErrorKind.NOT_FOUND and not await is_empty(op, f"{location.path}/"):
            raise CommandError(f"{arguments.uri!r} is a folder; name an object in it.") from error
        raise
    out.flush()
    return 0
