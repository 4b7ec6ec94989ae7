"""Folders of local files, as names and their bytes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def plant(folder: Path, tree: Mapping[str, bytes], *, age: float = 3600) -> None:
    """Write files that were last modified ``age`` seconds ago."""
    for name, body in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        when = time.time() - age
        os.utime(path, (when, when))


def found_in(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
