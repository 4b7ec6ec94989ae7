"""The connections that come with the program: the home folder and the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.profiles.model import Profile
from dalbrowser.settings import home_folder

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.settings import Folders

HOME = "home"
DEMO = "demo"


def demo_folder(folders: Folders) -> Path:
    """Where the demo's sample files live."""
    return folders.data / "demo"


def builtin_profiles(folders: Folders) -> tuple[Profile, ...]:
    """Return *home* and *demo*, both over the file system."""
    return (
        Profile(HOME, HOME, "fs", {"root": str(home_folder())}, builtin=True),
        Profile(DEMO, DEMO, "fs", {"root": str(demo_folder(folders))}, builtin=True),
    )
