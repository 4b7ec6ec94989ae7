"""The grammar of ``dal``: one subcommand a module, declared here in the order of its help."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from dalbrowser import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "ls",
    "cat",
    "stat",
    "cp",
    "mv",
    "sync",
    "rm",
    "mkdir",
    "transfers",
    "manifest",
    "uploads",
    "connections",
)
_SERVER = ("--endpoint", "--endpoint-url", "--region")

_EPILOG = """\
Places are written as
  s3://bucket/key    credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
                     AWS_SESSION_TOKEN, else from AWS_PROFILE or the default profile of the
                     AWS tools; --endpoint or AWS_ENDPOINT_URL, --region or AWS_REGION, else
                     what the profile says
  name:bucket/key    a saved connection; without buckets name:path (home:Documents/a.txt)
The text after the bucket is the key, exactly. A folder ends in '/'.

Proxies: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as with curl, or the connection's own.

Exit codes: 0 everything asked is done, 1 it is not, 2 wrong arguments, 130 Ctrl-C,
143 SIGTERM, 141 the reader of stdout went away.
"""


def parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of the whole command line; each command sets ``run``.

    When ``argv`` names a command, only that one is loaded, for start-up time.

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
    for name in _needed(argv):
        import_module(f"dalbrowser.cli.commands.{name}").register(commands, server)
    return top


def _needed(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that ``argv`` names, or all of them where that is not plain."""
    words = iter(argv)
    for word in words:
        if word in _SERVER:
            next(words, None)
        elif not word.startswith(tuple(f"{option}=" for option in _SERVER)):
            return (word,) if word in COMMANDS else COMMANDS
    return COMMANDS


def _server_options() -> argparse.ArgumentParser:
    # Suppressed defaults: a command's own would overwrite what stood before it.
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = options.add_argument_group("server of s3:// places")
    group.add_argument(
        "--endpoint", "--endpoint-url", metavar="URL", help="as in http://127.0.0.1:9000"
    )
    group.add_argument("--region", metavar="NAME", help="as in eu-west-1")
    return options
