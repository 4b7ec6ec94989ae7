"""``dal manifest``: what a transfer moved, with SHA-256 sums, and local files checked against it.

Invariant: the journal is only looked at, also while another process works on it; checking
changes nothing, and exits with 1 when anything differs.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.cli.context import complain, say
from dalbrowser.cli.copying import absolute
from dalbrowser.cli.moved import batch_of
from dalbrowser.cli.wording import CommandError, one_line
from dalbrowser.transfer.manifest import Manifest, build_manifest

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``manifest`` and what it can do."""
    del server  # only local files are read
    parser = commands.add_parser(
        "manifest",
        help="write SHA-256 sums of what was moved, or check files against them",
        description="A manifest lists the files of one upload, download, drop or command, with"
        " the SHA-256 of their local side.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    export = actions.add_parser(
        "export",
        help="hash the local files of a finished transfer",
        description="Lines as sha256sum writes them on stdout, or both forms in files. The"
        " names are below the folder that all the files have in common.",
    )
    export.add_argument("id", type=int, metavar="ID", help="as in: dal transfers list --all")
    form = export.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all that is known, as JSON, on stdout")
    form.add_argument(
        "-o", "--output", metavar="NAME", help="write NAME.sha256 and NAME.json instead"
    )
    export.set_defaults(run=run_export)
    verify = actions.add_parser(
        "verify",
        help="hash files again and name those that differ",
        description="A line for each file that is not what the manifest says: its name, a tab,"
        " and how it differs.",
    )
    verify.add_argument("manifest", metavar="FILE", help="either form, or any SHA256SUMS")
    verify.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="where the files are; else where they were"
    )
    verify.set_defaults(run=run_verify)


async def run_export(context: Context, arguments: argparse.Namespace) -> int:
    """Hash the batch that the job belongs to; exits with 1 when a file has no sum."""
    rows = await asyncio.to_thread(batch_of, context.folders.journal_file, arguments.id)
    manifest = await asyncio.to_thread(build_manifest, rows)
    if not manifest.lines:
        raise CommandError(f"Nothing of transfer {arguments.id} is done, so there are no sums.")
    if arguments.output is not None:
        target = absolute(arguments.output)
        sums, facts = await asyncio.to_thread(manifest.write, target)
        say(f"{sums}\n{facts}")
    elif arguments.json:
        say(manifest.to_json())
    else:
        text = manifest.to_sums().encode("utf-8", "surrogateescape")
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    missing = [line for line in manifest.lines if not line.sha256]
    for line in missing:
        complain(f"No sum for {one_line(line.name)}: {line.problem}")
    return 1 if missing else 0


async def run_verify(context: Context, arguments: argparse.Namespace) -> int:
    """Compare the files with the manifest."""
    del context  # nothing but local files
    path = absolute(arguments.manifest)
    folder = Path(absolute(arguments.folder)) if arguments.folder is not None else None
    try:
        manifest = await asyncio.to_thread(Manifest.read, path)
    except ValueError as error:
        raise CommandError(f"{arguments.manifest!r} cannot be used: {error}.") from error
    wrong = await asyncio.to_thread(manifest.verify, folder)
    for one in wrong:
        say(f"{one_line(one.name)}\t{one.problem}")
    if wrong:
        complain(f"{len(wrong):,} of {manifest.proven:,} files are not what the manifest says.")
        return 1
    if not manifest.proven:
        complain("The manifest has no sums; nothing was compared.")
        return 1
    say(f"{manifest.proven:,} files are what the manifest says.")
    return 0
