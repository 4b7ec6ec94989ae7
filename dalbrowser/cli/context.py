"""What every command is given: the stores, the connections, and where output goes.

The command line's composition root. Built in order: folders, settings, connections' store,
secrets, operators on this loop. Everything is closed when the command ends.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError, one_line
from dalbrowser.profiles import (
    DEMO,
    Connections,
    ProfileStore,
    SecretStore,
    Target,
    builtin_profiles,
    parse_target,
)
from dalbrowser.settings import Folders, Settings
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    import argparse

    from dalbrowser.profiles import Location
    from dalbrowser.storage import Operator


@record(frozen=False)
class Context:
    """The parts that a command works with."""

    folders: Folders
    settings: Settings
    profiles: ProfileStore
    secrets: SecretStore
    connections: Connections
    endpoint: str | None = None
    region: str | None = None

    @classmethod
    def build(cls, arguments: argparse.Namespace) -> Context:
        """Build everything for one command; raises ``OSError`` where there is no home.

        A home that cannot be written is of no concern until something is kept there.
        """
        folders = Folders.located()
        with contextlib.suppress(OSError):
            folders.create()
        profiles = ProfileStore(folders.profiles_file, builtin_profiles(folders))
        settings = Settings(folders.settings_file)
        secrets = SecretStore(deadline=settings.get("keyring.deadline"))
        for note in (settings.note, profiles.note):
            if note:
                complain(note)
        return cls(
            folders,
            settings,
            profiles,
            secrets,
            Connections(profiles, secrets),
            endpoint=getattr(arguments, "endpoint", None),
            region=getattr(arguments, "region", None),
        )

    def target(self, text: str) -> Target:
        """Return what ``text`` names, a local path or a place; raises ``TargetError``."""
        return parse_target(text, self.profiles, endpoint=self.endpoint, region=self.region)

    def place(self, text: str) -> Location:
        """Return the place that ``text`` names; a local path is refused."""
        location = self.target(text).location
        if location is None:
            raise CommandError(
                f"{text!r} is a local path; write s3://bucket/key or connection:path."
            )
        return location

    async def operator(self, location: Location) -> Operator:
        """Return the operator that serves ``location``; the demo is made when it is first used."""
        if location.profile_id == DEMO:
            from dalbrowser.session.demo import build_demo  # start-up time: few commands need it

            await build_demo(self.folders)
        return await self.connections.operator(location.profile_id, location.bucket)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.connections.aclose()


def say(text: str) -> None:
    """Write one line to stdout."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Write one line to stderr, marked as ours."""
    sys.stdout.flush()
    sys.stderr.write(f"dal: {one_line(text)}\n")
    sys.stderr.flush()
