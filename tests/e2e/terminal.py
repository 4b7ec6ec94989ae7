"""``dal`` at a terminal: what it shows there, and keys pressed there, Ctrl-C as a keyboard does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Dal

_DEADLINE = 30.0
_ROWS = 24
_BLOCK = 65_536
INTERRUPT = "\x03"
_SIT_DOWN = (
    "import fcntl, os, signal, sys, termios;"
    "signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes stdin the terminal whose keys send signals, then becomes the program."""


@dataclass
class Seat:
    """One process at a terminal of its own. ``shown`` is all that it has written there."""

    process: subprocess.Popen[bytes]
    terminal: int
    shown: bytes = b""

    def type_in(self, text: str) -> None:
        """Press keys."""
        os.write(self.terminal, text.encode())

    def until(self, text: str) -> None:
        """Wait until ``text`` was shown."""
        while text.encode() not in self.shown:
            assert self._read(), f"{text!r} was never shown: {self.shown!r}"

    def end(self) -> int:
        """Wait for the process and return its exit code, negative for a signal's number."""
        while self._read():
            pass
        return self.process.wait(_DEADLINE)

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], _DEADLINE)
        assert ready, f"it says and does nothing any more: {self.shown!r}"
        try:
            block = os.read(self.terminal, _BLOCK)
        except OSError:  # Its last process has gone.
            return False
        self.shown += block
        return bool(block)


@contextlib.contextmanager
def seated(dal: Dal, *arguments: str, columns: int = 80) -> Iterator[Seat]:
    """Start ``dal`` at a terminal with that many columns; it ends with the block at the latest."""
    person, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _SIT_DOWN, *dal.command(*arguments)],
        cwd=dal.folder,
        env={"TERM": "xterm", **dal.environment},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        yield Seat(process, person)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(person)
