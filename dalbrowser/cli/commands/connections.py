"""``dal connections``: the saved connections; their secrets are asked for, never argued."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from dalbrowser.cli.asjson import add_json, connection_line, settings_shown
from dalbrowser.cli.asking import ask_secret
from dalbrowser.cli.context import complain, say
from dalbrowser.cli.wording import CommandError, one_line
from dalbrowser.profiles import (
    Profile,
    SecretsKept,
    check_name,
    may_have_secrets,
    secret_fields,
    without_secrets,
)
from dalbrowser.storage import StorageError, registry

if TYPE_CHECKING:
    import argparse

    from dalbrowser.cli.commands import Commands
    from dalbrowser.cli.context import Context


_NAME_A_SECRET = frozenset({"access_key_id", "proxy_user"})
"""Settings with which a secret goes."""


def register(commands: Commands, server: argparse.ArgumentParser) -> None:
    """Declare ``connections`` and what it can do."""
    del server  # a connection says its own server
    parser = commands.add_parser(
        "connections",
        help="list, add, test or remove saved connections",
        description="Saved connections, shared with the window. Secrets are kept in the keyring.",
    )
    add_json(parser)
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    listing = actions.add_parser("list", help="name, kind and settings")
    add_json(listing, again=True)
    listing.set_defaults(run=run_list)
    add = actions.add_parser(
        "add",
        help="save a connection",
        description="Save a connection. Each --ask FIELD is typed on the terminal without"
        " echo, or read as a line of stdin, and goes to the keyring:"
        " dal connections add work s3 endpoint=http://127.0.0.1:9000 access_key_id=me"
        " --ask secret_access_key",
    )
    add.add_argument("name", metavar="NAME")
    add.add_argument("scheme", metavar="KIND", help="s3, fs, …")
    add.add_argument("setting", nargs="*", metavar="FIELD=VALUE")
    add.add_argument("--ask", action="append", default=[], metavar="FIELD", help="a secret")
    add.set_defaults(run=run_add)
    for name, run, text in (
        ("test", run_test, "make one request, and say what is wrong"),
        ("remove", run_remove, "forget a connection and its secrets"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("name", metavar="NAME")
        action.set_defaults(run=run)


async def run_list(context: Context, arguments: argparse.Namespace) -> int:
    """List every connection with its settings; a secret put into the file by hand is not told."""
    for profile in context.profiles.all():
        if arguments.json:
            say(connection_line(profile))
            continue
        settings = " ".join(f"{name}={value}" for name, value in settings_shown(profile).items())
        say(one_line(f"{profile.name}: {profile.scheme} {settings}"))
    return 0


async def run_add(context: Context, arguments: argparse.Namespace) -> int:
    """Save a connection; its secrets are in the keyring, or this fails and saves nothing."""
    loose = [item for item in arguments.setting if "=" not in item]
    if loose:
        raise CommandError(f"{loose[0]!r} is no setting; write FIELD=VALUE.")
    settings = dict(item.partition("=")[::2] for item in arguments.setting)
    profile = Profile(uuid.uuid4().hex, arguments.name, arguments.scheme, settings)
    check_name(profile.name)
    without_secrets(profile)
    unknown = sorted(set(arguments.ask) - secret_fields(profile.scheme))
    if unknown:
        raise CommandError(f"{', '.join(unknown)} is no secret of {profile.scheme}.")
    secrets = {field: await ask_secret(field) for field in arguments.ask}
    _require_usable(profile, secrets)
    kept = await context.secrets.change(profile.id, secrets)
    if secrets and kept is not SecretsKept.KEYRING:
        # A command has no session for which to remember it.
        raise CommandError(
            f"The connection was not saved, since its secret cannot be. {context.secrets.problem}"
            f"{_without_a_keyring(profile.scheme)}"
        )
    try:
        await asyncio.to_thread(context.profiles.save, profile)
    except BaseException:
        await context.secrets.delete(profile.id)
        raise
    return 0


async def run_test(context: Context, arguments: argparse.Namespace) -> int:
    """Make one request with the connection."""
    profile = _saved(context, arguments.name)
    await context.connections.check(profile, await context.secrets.get(profile.id))
    say(f"{one_line(profile.name)} works.")
    return 0


async def run_remove(context: Context, arguments: argparse.Namespace) -> int:
    """Forget a connection; what it points to is not touched."""
    profile = _saved(context, arguments.name)
    await asyncio.to_thread(context.profiles.remove, profile.id)
    if not may_have_secrets(profile.scheme):
        return 0
    await context.secrets.delete(profile.id)
    if context.secrets.problem and _NAME_A_SECRET & set(profile.config):
        complain(f"Its secret may still be in the keyring. {context.secrets.problem}")
        return 1
    return 0


def _require_usable(profile: Profile, secrets: dict[str, str]) -> None:
    """Raise what is wrong with the settings: a name that there is not, a value that it cannot have.

    What stands behind them is asked for by ``connections test``.
    """
    try:
        registry.build(profile.scheme, {**profile.config, **secrets})
    except StorageError as error:
        left = sorted(secret_fields(profile.scheme) - set(secrets))
        # What is wrong comes first; what could be given may follow, with other secrets in it.
        wrong = error.message.partition(";")[0].lower()
        meant = left and any(word in wrong for word in ("secret", "password", "token", *left))
        hint = f" A secret is given by --ask FIELD ({', '.join(left)})." if meant else ""
        raise CommandError(f"The connection was not saved. {error.message}{hint}") from error


def _without_a_keyring(scheme: str) -> str:
    """Return what to do where no secret can be kept, after other sentences."""
    if "credentials" not in {item.name for item in registry.config_fields(scheme)}:
        return ""
    return (
        " Or leave --ask out, write credentials=environment, and set AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY when it is used."
    )


def _saved(context: Context, name: str) -> Profile:
    profile = context.profiles.by_name(name.removesuffix(":"))
    if profile is None:
        raise CommandError(f"No connection is called {name!r}; dal connections lists them.")
    return profile
