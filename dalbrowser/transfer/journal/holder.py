"""Who owns a journal now, seen without touching it.

Invariant: what a killed process left behind is not taken for an owner.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform != "win32":
    import fcntl


@record()
class Holder:
    """The process that owns the journal; ``since`` in seconds since the epoch."""

    pid: int
    since: float
    who: str


def holder(path: Path) -> Holder | None:
    """Return who owns the journal at ``path`` now, or ``None``."""
    lock = path.with_name(f"{path.name}.lock")
    try:
        text = lock.read_bytes()
        facts = json.loads(text)
        found = Holder(int(facts["pid"]), float(facts["since"]), str(facts["who"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # A killed process leaves its text behind; its number may since be another program's.
    return found if _is_alive(found.pid) and _is_locked(lock) else None


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_locked(lock: Path) -> bool:
    if sys.platform == "win32":
        return True
    with lock.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
