"""The demo workspace: sample files in the data folder, and one upload that was cut off.

It is built once. What a person then changes or deletes stays as it is; removing the whole
``demo`` folder brings a new one. Invariant: a file appears under its name only when it
is whole, and a file that is there is never overwritten.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dalbrowser.profiles import Location, demo_folder
from dalbrowser.session import demo_files
from dalbrowser.storage import Operator
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.transfer import EngineOptions, JournalHeld, TransferEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from dalbrowser.profiles import Profile, ProfileStore
    from dalbrowser.settings import Folders
    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpWriteMultipart
    from dalbrowser.storage.types import RawPartWriter
    from dalbrowser.transfer import Event

DEMO_ID = "demo"
UPLOAD_KEY = "uploads/survey.raw"
UPLOAD_SIZE = 40 << 20
PARTS_SENT = 2
_BUILT = "built-1"
_BEGUN = "upload-begun-1"
_PATIENCE = 60.0
"""Seconds for two parts to reach the local disk; a machine that needs more gets no upload."""


def source_folder(folders: Folders) -> Path:
    """Where the file of the interrupted upload lies, outside the workspace."""
    return folders.data / "demo-source"


async def build_demo(folders: Folders) -> bool:
    """Write the workspace's files, off the loop; return whether anything was to do.

    Raises ``OSError`` when the data folder cannot be written to.
    """
    return await asyncio.to_thread(_build, folders)


async def upload_was_begun(folders: Folders) -> bool:
    """Whether the interrupted upload was made once, whatever became of it."""
    return await asyncio.to_thread((source_folder(folders) / _BEGUN).exists)


async def begin_interrupted_upload(folders: Folders, profiles: ProfileStore) -> bool:
    """Begin an upload into the demo, send two parts, and leave it as a crash would.

    Done once in the life of a data folder, before the window's own engine opens the
    journal. Returns whether it was done: not when another process holds the journal.
    """
    begun = source_folder(folders) / _BEGUN
    if await upload_was_begun(folders):
        return False
    source = source_folder(folders) / "survey.raw"
    await asyncio.to_thread(_write, source, _noise(UPLOAD_SIZE))
    try:
        await _upload_two_parts(folders, profiles, source)
    except (JournalHeld, TimeoutError):
        return False
    await asyncio.to_thread(begun.touch)
    return True


def _build(folders: Folders) -> bool:
    root, marks = demo_folder(folders), source_folder(folders)
    if root.is_dir() and (marks / _BUILT).exists():
        return False
    root.mkdir(parents=True, exist_ok=True)
    marks.mkdir(parents=True, exist_ok=True)
    for folder in ("empty folder", "uploads"):
        (root / folder).mkdir(exist_ok=True)
    begin = min(demo_files.EPOCH, datetime.now(UTC) - timedelta(days=60)).timestamp()
    for age, (name, content) in enumerate(_files()):
        if _write(root / name, content, staging=marks) and age:
            moment = begin + 9_137 * age
            os.utime(root / name, (moment, moment))
    _write_odd_names(root / "odd keys", marks)
    (marks / _BUILT).touch()
    return True


def _files() -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield every file of the workspace, its content made when its turn comes."""
    yield "Welcome.md", [demo_files.WELCOME.encode()]
    yield "letter (Latin-1).txt", [demo_files.LETTER.encode("latin-1")]
    yield "pictures/evening.png", [demo_files.evening_png()]
    yield "pictures/logo.svg", [demo_files.LOGO.encode()]
    yield "tables/orders.csv", [demo_files.orders_csv()]
    yield "tables/events.jsonl", [demo_files.events_jsonl()]
    yield "logs/server.log.1.gz", [demo_files.old_log_gz()]
    yield "logs/server.log", demo_files.log_blocks()
    yield "data/readings.bin", [demo_files.binary()]
    yield "data/nothing at all", []
    yield "a/folder/in a/folder/in a/folder/here.txt", [b"You found it.\n"]
    for number in range(500):
        yield f"many/{number:04d}.txt", [f"File {number} of 500.\n".encode()]


def _write_odd_names(folder: Path, staging: Path) -> None:
    """Write one small file for each odd name; a file system that refuses one goes without it."""
    folder.mkdir(exist_ok=True)
    for name in demo_files.odd_names():
        with contextlib.suppress(OSError):
            _write(folder / name, [f"The name of this file is {name!r}.\n".encode()], staging)


def _write(path: Path, content: Iterable[bytes], staging: Path | None = None) -> bool:
    """Write ``path`` under another name, then move it into place; leave one that is there."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    half = (staging or path.parent) / "unfinished"
    with half.open("wb") as file:
        for block in content:
            file.write(block)
    half.replace(path)
    return True


def _noise(size: int, block: int = 1 << 20) -> Iterator[bytes]:
    for _ in range(size // block):
        yield os.urandom(block)


async def _upload_two_parts(folders: Folders, profiles: ProfileStore, source: Path) -> None:
    """Run the real engine on the real journal until two parts are confirmed, then stop it."""
    confirmed = asyncio.Event()
    connections = _CutOff(demo_folder(folders))
    options = EngineOptions(who="the demo's set-up", parts_per_file=1, event_interval=0.01)
    engine = TransferEngine(
        folders.journal_file, connections, profiles, options, _when_sent(confirmed)
    )
    await engine.start()
    try:
        if not any(job.local_path == str(source) for job in engine.jobs()):
            await engine.upload_file(source, Location(DEMO_ID, "", UPLOAD_KEY))
            async with asyncio.timeout(_PATIENCE):
                await confirmed.wait()
    finally:
        await engine.close()
        await connections.aclose()


def _when_sent(confirmed: asyncio.Event) -> Callable[[Event], None]:
    def notify(event: Event) -> None:
        for view in getattr(event, "views", ()):
            if view.key == UPLOAD_KEY and view.parts_done >= PARTS_SENT:
                confirmed.set()

    return notify


class _CutOff:
    """The demo's operator, behind a line that is cut after the first parts."""

    def __init__(self, root: Path) -> None:
        self._operator = Operator("fs", root=str(root)).layer(_CutLine())

    async def operator(self, profile: Profile, bucket: str) -> Operator:
        return self._operator

    async def aclose(self) -> None:
        await self._operator.aclose()


class _CutLine:
    """The layer that is the cut line."""

    def layer(self, inner: Accessor) -> Accessor:
        return _CutAccessor(inner)


class _CutAccessor(LayeredAccessor):
    """Lets the first parts through; a later one waits until it is cancelled."""

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        if args.number > PARTS_SENT:
            await asyncio.Event().wait()
        return await self.inner.write_multipart(path, args)
