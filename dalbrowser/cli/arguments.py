"""The grammar of ``dal``: one subcommand a module, declared here in the order of its help."""

from __future__ import annotations

import argparse

from dalbrowser import __version__
from dalbrowser.cli.commands import (
    cat,
    connections,
    cp,
    ls,
    mkdir,
    mv,
    rm,
    stat,
    transfers,
    uploads,
)

_EPILOG = """\
Places are written as
  s3://bucket/key    credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
                     AWS_SESSION_TOKEN; --endpoint or AWS_ENDPOINT_URL, --region or AWS_REGION
  name:bucket/key    a saved connection; without buckets name:path (home:Documents/a.txt)
The text after the bucket is the key, exactly. A folder ends in '/'.

Exit codes: 0 everything asked is done, 1 it is not, 2 wrong arguments, 130 Ctrl-C.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; each command sets ``run``.

    ``endpoint`` and ``region`` may stand before or after the command; they are absent from
    the result when they were not given.
    """
    server = _server_options()
    top = argparse.ArgumentParser(
        prog="dal",
        parents=[server],
        description="Browse and transfer objects from a terminal.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"dal {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (ls, cat, stat, cp, mv, rm, mkdir, transfers, uploads, connections):
        command.register(commands, server)
    return top


def _server_options() -> argparse.ArgumentParser:
    # Suppressed defaults: a command's own would overwrite what stood before it.
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = options.add_argument_group("server of s3:// places")
    group.add_argument(
        "--endpoint", "--endpoint-url", metavar="URL", help="as in http://127.0.0.1:9000"
    )
    group.add_argument("--region", metavar="NAME", help="as in eu-west-1")
    return options
