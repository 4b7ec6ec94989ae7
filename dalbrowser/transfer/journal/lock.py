"""One process owns a journal: an advisory lock on a file beside it.

The lock lives as long as the open file, so a killed process leaves no stale lock;
the file's text says who holds it. Invariant: whoever opens the journal for writing
holds this lock.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import JournalHeld

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    # The locked byte lies beyond the text, so that others can read who holds it.
    _FAR = 1 << 30

    def _try_lock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _try_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


_TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What a system answers for a lock that another process has; anything else is no such lock."""


class JournalLock:
    """The lock file ``path``; ``acquire`` or ``JournalHeld``. Not reusable after ``release``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, who: str) -> None:
        """Take the lock without waiting; ``OSError`` where the disk has no locks or no room."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _try_lock(fd)
        except OSError as error:
            text = os.read(fd, 4096)
            os.close(fd)
            if error.errno not in _TAKEN:
                raise
            raise _held(text) from error
        note = json.dumps({"pid": os.getpid(), "since": time.time(), "who": who}).encode()
        try:
            os.ftruncate(fd, 0)
            os.write(fd, note)
        except OSError:
            # As on a full disk: kept open, it would be held against this very process.
            os.close(fd)
            raise
        self._fd = fd

    def release(self) -> None:
        """Let go; safe to call twice. The file stays: removing it would let two hold it."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


def _held(text: bytes) -> JournalHeld:
    try:
        facts = json.loads(text)
        return JournalHeld(int(facts["pid"]), float(facts["since"]), str(facts["who"]))
    except (ValueError, KeyError, TypeError):
        return JournalHeld(0, 0.0, "")
