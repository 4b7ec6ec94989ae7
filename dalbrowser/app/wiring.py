"""Builds the program below the window, in order.

1. ``Folders`` — where state lives (platform's folders, ``XDG_*`` honoured).
2. ``Settings`` — from the settings file; a damaged one is set aside.
3. ``ProfileStore`` and ``SecretStore`` — connections, and the keyring behind them.
4. ``Connections`` — operators on the window's loop; the engine gets its own on its loop.
5. ``TransferHost`` — the engine in its thread; started by the caller, since it may be refused.
6. ``PreviewService``, ``TaskSupervisor``, and ``Session`` around them all.

Nothing below knows this module; a test builds a session without any window from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.preview import PreviewService
from dalbrowser.profiles import Connections, ProfileStore, SecretStore, builtin_profiles
from dalbrowser.session import Session, TaskSupervisor, TransferHost
from dalbrowser.settings import Folders, Settings
from dalbrowser.transfer import TransferEngine
from dalbrowser.transfer.tuning import options_from

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from dalbrowser.transfer import Event


class _Engine:
    """Builds the transfer engine on its own loop, with connections of its own."""

    def __init__(
        self, folders: Folders, settings: Settings, profiles: ProfileStore, secrets: SecretStore
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._profiles = profiles
        self._secrets = secrets
        self._connections: Connections | None = None

    def build(self, notify: Callable[[Event], None]) -> TransferEngine:
        self._connections = Connections(self._profiles, self._secrets)
        return TransferEngine(
            self._folders.journal_file,
            self._connections,
            self._profiles,
            options_from(self._settings, who="the dalbrowser window", behind_window=True),
            notify,
        )

    async def aclose(self) -> None:
        if self._connections is not None:
            await self._connections.aclose()


def build_session(loop: asyncio.AbstractEventLoop, folders: Folders | None = None) -> Session:
    """Build everything below the window; opens no connection and starts no thread."""
    folders = folders or Folders.default()
    settings = Settings(folders.settings_file)
    profiles = ProfileStore(folders.profiles_file, builtin=builtin_profiles(folders))
    secrets = SecretStore(deadline=settings.get("keyring.deadline"))
    return Session(
        folders=folders,
        settings=settings,
        profiles=profiles,
        secrets=secrets,
        connections=Connections(profiles, secrets),
        transfers=TransferHost(_Engine(folders, settings, profiles, secrets), loop),
        previews=PreviewService(),
        tasks=TaskSupervisor(loop),
    )
