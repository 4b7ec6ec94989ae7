"""The threads that read, hash and write for transfers, behind a window where there is one.

Invariant: beside a window they never keep every core from it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

_THREADS = 6
"""Threads that read, hash and write; more than two busy ones only wait for the same disk."""

_NICE = 8
"""How far the threads of the disk step back behind a window (see ``nice``)."""


def disk_pool(*, behind_window: bool) -> ThreadPoolExecutor:
    """Return the pool of one engine; its threads begin with the first work."""
    return ThreadPoolExecutor(
        min(_THREADS, (os.cpu_count() or 1) + 1) if behind_window else _THREADS,
        "transfer-disk",
        initializer=_let_others_go_first if behind_window else None,
    )


def _let_others_go_first() -> None:
    """Give the present thread less of the processor than the window's, where threads have that.

    Reading and hashing parts would else keep every core from it for tens of milliseconds.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
