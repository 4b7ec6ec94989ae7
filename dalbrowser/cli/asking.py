"""A yes from the person at the terminal, before something that cannot be undone.

Invariant: where nobody can be asked, the answer is no.
"""

from __future__ import annotations

import asyncio
import sys

from dalbrowser.cli.wording import CommandError, one_line


async def require_yes(question: str, *, unasked: str, refused: str) -> None:
    """Return when the person says yes; raise ``CommandError`` otherwise.

    ``unasked`` is said where there is no terminal, ``refused`` after any other answer.
    """
    if not sys.stdin.isatty():
        raise CommandError(unasked)
    sys.stderr.write(f"{one_line(question)} [y/N] ")
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    if answer.strip().lower() not in {"y", "yes"}:
        raise CommandError(refused)
