"""An engine on a journal of its own, over operators that a test can watch and disturb."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles import Location, Profile, ProfileStore
from dalbrowser.storage import ErrorKind, LayeredAccessor, Operator, StorageError
from dalbrowser.transfer import ConflictPolicy, EngineOptions, JobView, TransferEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from dalbrowser.storage import Accessor, Metadata, Part
    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopy,
        OpCreateMultipart,
        OpDelete,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpRead,
        OpStat,
        OpWrite,
        OpWriteMultipart,
    )
    from dalbrowser.storage.types import (
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )
    from dalbrowser.transfer import Event

MiB = 1024 * 1024

SMALL = {
    "multipart_above": 512 * 1024,
    "part_floor": 256 * 1024,
    "ranges_above": 512 * 1024,
    "range_size": 256 * 1024,
    "backoff_base": 0.01,
    "backoff_cap": 0.05,
    "event_interval": 0.01,
}
"""Limits that make a file of a mebibyte a large one."""


class Watched(LayeredAccessor):
    """Counts the raw calls and lets ``before`` and ``after`` hooks disturb them.

    A hook gets the operation's name, the path, and its arguments; what it raises is raised.
    """

    def __init__(self, inner: Accessor) -> None:
        super().__init__(inner)
        self.calls: list[tuple[str, str, Any]] = []
        self.before: Callable[[str, str, Any], Awaitable[None]] | None = None
        self.after: Callable[[str, str, Any], Awaitable[None]] | None = None

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(1 for name, _, _ in self.calls if name == operation)

    async def _enter(self, operation: str, path: str, args: Any) -> None:
        self.calls.append((operation, path, args))
        if self.before is not None:
            await self.before(operation, path, args)

    async def _leave(self, operation: str, path: str, args: Any) -> None:
        if self.after is not None:
            await self.after(operation, path, args)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        await self._enter("stat", path, args)
        return await super().stat(path, args)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        await self._enter("read", path, args)
        reply = await super().read(path, args)
        await self._leave("read", path, args)
        return reply

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        await self._enter("write", path, args)
        return _Landing(await super().write(path, args), lambda: self._leave("write", path, args))

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        await self._enter("copy", source, args)
        made = await super().copy(source, target, args)
        await self._leave("copy", source, args)
        return made

    async def delete(self, path: str, args: OpDelete) -> None:
        await self._enter("delete", path, args)
        await super().delete(path, args)
        await self._leave("delete", path, args)

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        await self._enter("create_multipart", path, args)
        made = await super().create_multipart(path, args)
        await self._leave("create_multipart", path, args)
        return made

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        await self._enter("write_multipart", path, args)
        return await super().write_multipart(path, args)

    async def list(self, path: str, args: OpList) -> RawLister:
        await self._enter("list", path, args)
        return await super().list(path, args)

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        await self._enter("list_multiparts", path, args)
        return await super().list_multiparts(path, args)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        await self._enter("list_parts", path, args)
        return await super().list_parts(path, args)

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        await self._enter("complete_multipart", path, args)
        made = await super().complete_multipart(path, parts, args)
        await self._leave("complete_multipart", path, args)
        return made

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        await self._enter("abort_multipart", path, args)
        await super().abort_multipart(path, args)
        await self._leave("abort_multipart", path, args)


class _Landing:
    """A raw writer that tells when the object is there, before its writer hears of it."""

    def __init__(self, inner: RawWriter, landed: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._landed = landed
        self.write = inner.write
        self.abort = inner.abort

    async def close(self) -> Metadata:
        made = await self._inner.close()
        await self._landed()
        return made


class _Watch:
    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def layer(self, inner: Accessor) -> Accessor:
        self._rig.wire = Watched(inner)
        return self._rig.wire


@dataclass
class Rig:
    """One service, one journal; engines come and go as processes would."""

    folder: Path
    scheme: str = "memory"
    config: dict[str, str] = field(default_factory=dict)
    bucket: str = ""
    options: dict[str, Any] = field(default_factory=lambda: dict(SMALL))
    events: list[Event] = field(default_factory=list)
    told: Callable[[Event], None] | None = None

    def __post_init__(self) -> None:
        self.wire: Watched
        self.heard = asyncio.Event()
        self.op = Operator(self.scheme, **self.config).layer(_Watch(self))
        self.profile = Profile("p1", "place", self.scheme, self._public())
        self.profiles = ProfileStore(self.folder / "profiles.json")
        self.profiles.save(self.profile)
        self.journal = self.folder / "journal.sqlite"

    def _public(self) -> dict[str, str]:
        hidden = ("secret_access_key", "session_token", "bucket")
        return {name: text for name, text in self.config.items() if name not in hidden}

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self.heard.set()
        if self.told is not None:
            self.told(event)

    def meanwhile(
        self, operation: str, nth: int, act: Callable[[], Awaitable[object]]
    ) -> asyncio.Event:
        """Let ``act`` happen before the ``nth`` call of an operation goes on; tells when it did."""
        seen, done = 0, asyncio.Event()

        async def hook(name: str, _path: str, _args: Any) -> None:
            nonlocal seen
            if name == operation:
                seen += 1
                if seen == nth:
                    await act()
                    done.set()

        self.wire.before = hook
        return done

    async def next_event(self) -> None:
        """Wait until an engine tells of something."""
        self.heard.clear()
        await self.heard.wait()

    async def operator(self, profile: Profile, bucket: str) -> Operator:
        """Be the engine's ``OperatorSource``."""
        assert profile.id == self.profile.id
        assert bucket == self.bucket
        return self.op

    def at(self, path: str = "") -> Location:
        """Return a place on the service."""
        return Location("p1", self.bucket, path)

    def new_engine(self, notify: Callable[[Event], None], **options: Any) -> TransferEngine:
        """Return an engine that is still to be started."""
        settings = EngineOptions(**{**self.options, **options})
        return TransferEngine(self.journal, self, self.profiles, settings, notify)

    @asynccontextmanager
    async def engine(self, **options: Any) -> AsyncIterator[TransferEngine]:
        """A started engine, closed at the end."""
        made = self.new_engine(self._tell, **options)
        self.report = await made.start()
        try:
            yield made
        finally:
            await made.close()

    async def upload(
        self, path: Path, key: str, policy: ConflictPolicy = ConflictPolicy.ASK, **options: Any
    ) -> JobView:
        """Upload one file with an engine of its own and return how it settled."""
        async with self.engine(**options) as engine:
            number = await engine.upload_file(path, self.at(key), policy)
            return (await engine.wait([number]))[0]

    async def uploads_left(self) -> list[str]:
        """Return the keys of incomplete uploads on the service."""
        try:
            return [item.path async for item in self.op.list_multiparts("")]
        except StorageError as error:
            # rclone answers so when there never was an upload since it was started.
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return []

    def on_disk(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the journal's file itself, as the next process would find it after a kill."""
        with closing(sqlite3.connect(self.journal)) as db:
            return db.execute(query).fetchall()

    async def sha(self, key: str) -> str:
        """Return the SHA-256 of an object."""
        return hashlib.sha256(await self.op.read(key)).hexdigest()


def make_file(path: Path, size: int, seed: int = 1) -> str:
    """Write ``size`` pseudo-random bytes to ``path`` and return their SHA-256."""
    data = random.Random(seed).randbytes(size)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def sha_of(path: Path) -> str:
    """Return the SHA-256 of a local file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
