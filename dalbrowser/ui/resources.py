"""Where the program's own pictures and theme data lie, installed or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def _root() -> Path:
    installed = _PACKAGE / "_resources"
    return installed if installed.is_dir() else _PACKAGE.parent / "resources"


def resource(name: str) -> Path:
    """Return the path of a resource, ``icons/folder.svg``; ``FileNotFoundError`` if absent."""
    found = _root() / name
    if not found.is_file():
        raise FileNotFoundError(f"The program's own file {found} is missing; install it again.")
    return found
