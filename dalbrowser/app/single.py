"""One window for one person: a second start shows the first, with the place asked for.

A socket in the state folder, which is the person's alone, is served by the process that
owns the journal. Invariant: a start hands itself over only to a window that says it has
taken it; in doubt it opens its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dalbrowser.app.arguments import Arguments
    from dalbrowser.settings import Folders

_ANSWER_WITHIN = 3.0
"""Seconds for the other window to answer."""
_LONGEST_NAME = 100
"""Bytes of a socket's path; the system's own limit is 104 to 108."""
_MOST = 64 * 1024
_TAKEN = b"shown\n"


def _place(folders: Folders) -> Path | None:
    """Return where the socket is, ``None`` where there can be none."""
    path = folders.state / "window.socket"
    if sys.platform == "win32" or len(str(path).encode()) > _LONGEST_NAME:
        return None
    return path


async def hand_over(folders: Folders, arguments: Arguments) -> bool:
    """Have a window that is open already show what ``arguments`` ask; false when none does."""
    path = _place(folders)
    if path is None or not await asyncio.to_thread(path.exists):
        return False
    words = {
        "location": arguments.location,
        "endpoint": arguments.endpoint,
        "region": arguments.region,
    }
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                writer.write(json.dumps(words).encode() + b"\n")
                return await reader.readline() == _TAKEN
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


class Doorbell:
    """Answers other starts: ``ring`` is called with what they ask for.

    Only the owner of the journal may open one; what a dead process left is replaced.
    """

    def __init__(self, folders: Folders, ring: Callable[[dict[str, Any]], None]) -> None:
        self._path = _place(folders)
        self._ring = ring
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        """Begin to answer, once; without a place for a socket nothing happens."""
        if self._path is None or self._server is not None:
            return
        path = self._path
        with contextlib.suppress(OSError):
            await asyncio.to_thread(path.unlink, missing_ok=True)
            self._server = await asyncio.start_unix_server(self._answer, str(path), limit=_MOST)

    async def close(self) -> None:
        """Stop answering."""
        if self._server is None or self._path is None:
            return
        self._server.close()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                asked = json.loads(await reader.readline())
            if isinstance(asked, dict):
                self._ring(asked)
                writer.write(_TAKEN)
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            # Not one of ours, or gone again.
            pass
        finally:
            writer.close()
