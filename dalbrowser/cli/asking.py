"""A yes from the person at the terminal, before something that cannot be undone.

Invariant: where nobody can be asked, the answer is no.
"""

from __future__ import annotations

import asyncio
import sys

from dalbrowser.cli.wording import CommandError, one_line


async def require_yes(question: str, *, refused: str, unasked: str = "") -> None:
    """Return when the person says yes; raise ``CommandError`` otherwise.

    ``refused`` is said after any other answer, ``unasked`` where there is no terminal; without
    it, that ``--yes`` is missing.
    """
    if not sys.stdin.isatty():
        raise CommandError(unasked or f"{question} Not without a yes: add --yes.")
    sys.stderr.write(f"{one_line(question)} [y/N] ")
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    if answer.strip().lower() not in {"y", "yes"}:
        raise CommandError(refused)
