"""Processes that a fixture starts: on free ports, watched until ready, stopped by their own id.

Invariant: nothing is stopped that was not started here, and on Linux nothing that was
started here outlives the test run, however that ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_PR_SET_PDEATHSIG = 1


class ServerFailedError(RuntimeError):
    """A server did not start; the message carries the end of its log."""


def free_ports(count: int) -> list[int]:
    """Return ``count`` different TCP ports that were free on 127.0.0.1 just now."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in held:
            item.bind(("127.0.0.1", 0))
        return [int(item.getsockname()[1]) for item in held]


@contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """Give a folder with a path short enough for unix sockets in it (107 bytes in all)."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_parent() -> None:
    """Ask the kernel to end this child when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``command`` with its output in ``log``."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            preexec_fn=_die_with_parent,  # noqa: PLW1509
        )


def stop(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End ``process``: politely first, for ``patience`` seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(
    ready: Callable[[], bool],
    what: str,
    seconds: float,
    process: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
) -> None:
    """Poll ``ready``; raise ``ServerFailedError`` with the end of the log if it never holds."""
    deadline = time.monotonic() + seconds
    while not ready():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
            why = "ended" if ended else f"was not ready after {seconds:.0f} s"
            raise ServerFailedError(f"{what} {why}: {tail}")
        time.sleep(0.03)


def answers_http(port: int) -> bool:
    """Whether something answers an HTTP request on a loopback port, with any status."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return link.recv(5) == b"HTTP/"
    except OSError:
        return False
