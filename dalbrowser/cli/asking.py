"""What the person at the terminal answers: a yes before something that cannot be undone, a secret.

Invariant: where nobody can be asked, the answer is no. Nothing waits in a thread for an answer:
Ctrl-C ends a question at once, and the terminal shows again what is typed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 65_536
"""Bytes of one answer; a terminal's own line holds 4,096."""


async def require_yes(question: str, *, refused: str, unasked: str = "") -> None:
    """Return when the person says yes; raise ``CommandError`` otherwise.

    ``refused`` is said after any other answer, ``unasked`` where there is no terminal; without
    it, that ``--yes`` is missing.
    """
    if not sys.stdin.isatty():
        raise CommandError(unasked or f"{question} Not without a yes: add --yes.")
    answer = await _answer(f"{one_line(question)} [y/N] ")
    if answer.strip().lower() not in {"y", "yes"}:
        raise CommandError(refused)


async def ask_secret(name: str) -> str:
    """Return what is typed for ``name`` without being shown, or the next line of stdin."""
    if not sys.stdin.isatty():
        line: str = await asyncio.to_thread(sys.stdin.readline)
        return line.rstrip("\r\n")
    with _unseen():
        typed = await _answer(f"{one_line(name)}: ")
        _end_line()  # The Enter was not shown either.
    return typed.rstrip("\r\n")


async def _answer(prompt: str) -> str:
    """Return the next line from the terminal, or what there is of it at its end."""
    sys.stdout.flush()
    sys.stderr.write(prompt)
    sys.stderr.flush()
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    readable = asyncio.Event()
    try:
        loop.add_reader(number, readable.set)
    except NotImplementedError:  # Windows
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        await readable.wait()
    except asyncio.CancelledError:
        _end_line()
        raise
    finally:
        loop.remove_reader(number)
    # A terminal gives a line at once, when it is whole.
    return os.read(number, _LONGEST).decode(sys.stdin.encoding or "utf-8", "surrogateescape")


def _end_line() -> None:
    sys.stderr.write("\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Let the terminal not show what is typed, until the block ends."""
    try:
        import termios  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    hidden = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(number, termios.TCSAFLUSH, hidden)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSAFLUSH, before)
