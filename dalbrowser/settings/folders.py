"""Where everything of the program lives on disk: the platform's own folders.

Invariant: nothing is written outside these four. They follow ``XDG_*`` and ``HOME``,
so that a fresh value of either isolates a run completely.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import platformdirs

from dalbrowser.utils.records import record

APP_NAME = "dalbrowser"
_PRIVATE = 0o700


def home_folder() -> Path:
    """Return this user's home, that of the user database where ``HOME`` is no absolute path.

    Raises ``OSError`` when there is neither.
    """
    given = os.environ.get("HOME", "")
    if os.name == "nt" or Path(given).is_absolute():
        return Path.home()
    try:
        import pwd  # noqa: PLC0415 - there is none on Windows

        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError as error:
        message = "This user has no home folder; set HOME to a folder that can be written"
        raise FileNotFoundError(errno.ENOENT, message) from error


@record()
class Folders:
    """The four folders of one installation.

    ``config``: settings and connections, written by the person's choices. ``state``: the
    transfer journal and its history. ``data``: the demo workspace. ``cache``: may be
    emptied at any time.
    """

    config: Path
    state: Path
    data: Path
    cache: Path

    @classmethod
    def default(cls) -> Folders:
        """Return the platform's folders for this user, created (0700) where missing.

        Raises ``OSError`` when one cannot be created.
        """
        folders = cls.located()
        folders.create()
        return folders

    @classmethod
    def located(cls) -> Folders:
        """Return the platform's folders for this user as they are, nothing created.

        Raises ``OSError`` when the user has no home.
        """
        home_folder()
        place = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        return cls(
            config=place.user_config_path,
            state=place.user_state_path,
            data=place.user_data_path,
            cache=place.user_cache_path,
        )

    @classmethod
    def under(cls, base: Path) -> Folders:
        """Return four folders below ``base``, created; for tests and throwaway runs."""
        folders = cls(base / "config", base / "state", base / "data", base / "cache")
        folders.create()
        return folders

    def create(self) -> None:
        """Create what is missing, readable by this user alone; leave what exists as it is."""
        for folder in (self.config, self.state, self.data, self.cache):
            folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)

    @property
    def settings_file(self) -> Path:
        """The JSON file of all settings."""
        return self.config / "settings.json"

    @property
    def profiles_file(self) -> Path:
        """The JSON file of all saved connections, without their secrets."""
        return self.config / "connections.json"

    @property
    def journal_file(self) -> Path:
        """The transfer journal (SQLite)."""
        return self.state / "journal.sqlite"
