"""One window for one person: a second start shows the first, with the place asked for.

A socket in the state folder, which is the person's alone, is served by the process that
owns the journal. Invariant: a start hands itself over only to a window that says it has
taken it; in doubt it opens its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles import TargetError, absolute, server_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    if sys.platform == "win32" or not (_fits(path) or sys.platform == "linux"):
        return None
    return path


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST_NAME


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of the socket that the system takes, however deep the home folder is."""
    if _fits(path):
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def hand_over(folders: Folders, arguments: Arguments) -> bool:
    """Have a window that is open already show what ``arguments`` ask; false when none does."""
    path = _place(folders)
    if path is None or not await asyncio.to_thread(path.exists):
        return False
    words = await asyncio.to_thread(_words, arguments)
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            with _short(path) as name:
                reader, writer = await asyncio.open_unix_connection(name)
            try:
                writer.write(json.dumps(words).encode() + b"\n")
                return await reader.readline() == _TAKEN
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _words(arguments: Arguments) -> dict[str, str | None]:
    """Return what was asked for here: the other window has a folder and variables of its own."""
    location, endpoint, region = arguments.location, arguments.endpoint, arguments.region
    if location:
        # What cannot be told is for the window to refuse, in words.
        with contextlib.suppress(TargetError):
            location = absolute(location)
            endpoint, region = server_named(endpoint, region)
    return {"location": location, "endpoint": endpoint, "region": region}


class Doorbell:
    """Answers other starts: ``ring`` is called with what they ask for.

    Only the owner of the journal may open one; what a dead process left is replaced.
    """

    def __init__(self, folders: Folders, ring: Callable[[dict[str, Any]], None]) -> None:
        self._path = _place(folders)
        self._ring = ring
        self._server: asyncio.AbstractServer | None = None
        self._opening: asyncio.Task[None] | None = None
        self._closed = False
        self._name = contextlib.ExitStack()

    async def open(self) -> None:
        """Begin to answer, once; without a place for a socket nothing happens."""
        if self._path is None or self._opening is not None or self._closed:
            return
        # To its end, also when the program ends just now: a server that is cancelled as it
        # starts leaves its socket behind.
        self._opening = asyncio.ensure_future(self._open(self._path))
        await asyncio.shield(self._opening)

    async def _open(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(path.unlink, missing_ok=True)
            # Good until the end: asyncio looks at the socket's name once more as it closes.
            name = self._name.enter_context(_short(path))
            self._server = await asyncio.start_unix_server(self._answer, name, limit=_MOST)

    async def close(self) -> None:
        """Stop answering, for good."""
        self._closed = True
        if self._opening is not None:
            await asyncio.wait([self._opening])
        if self._server is None or self._path is None:
            return
        self._server.close()
        self._name.close()
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
