"""A small world for transfers: what a person may say to them, in whatever order, over many lives.

Everything that is called ``a`` has the bytes of ``a``, wherever it is, so that whatever comes
to stand anywhere can be judged by its name alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from typing import TYPE_CHECKING, Any

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState, TransferError
from tests.faults.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dalbrowser.transfer import JobView, TransferEngine

SIZES = {"a": 1000, "b": 700_000, "c": 300_000}
"""One request, parts or ranges, one stream."""

PATIENCE = 30.0
"""Seconds after which a transfer is taken to hang."""

_SLOWEST = 0.02
"""Seconds that a request may take, so that whatever is said meets some under way."""

_ROUNDS = 12


def bytes_of(name: str) -> bytes:
    """Return the one content that a file or object of this name may have."""
    stem = name.rpartition("/")[2].partition(" ")[0]
    return random.Random(stem).randbytes(SIZES[stem])


class World:
    """A service, a folder, and one engine after the other over the same journal."""

    def __init__(self, folder: Path, seed: int, *, in_memory: bool = True) -> None:
        if in_memory:
            self.rig = Rig(folder)
        else:
            # Its ETags are no digests.
            (folder / "store").mkdir()
            self.rig = Rig(folder, "fs", {"root": str(folder / "store")})
        self.folder = folder
        self.engine: TransferEngine
        self._lot = random.Random(seed)
        self._odds = 0.0
        self._count = 0
        self._moved: list[tuple[str, str]] = []
        self.done: set[int] = set()

    async def begin(self) -> None:
        """Lay out the sources, and begin the first life."""
        for name in SIZES:
            for place in (self.folder, self.folder / "tree", self.folder / "tree" / "sub"):
                place.mkdir(exist_ok=True)
                (place / name).write_bytes(bytes_of(name))
            for key in (name, f"tree/{name}", f"tree/sub/{name}"):
                await self.rig.op.write(key, bytes_of(name))
        self.rig.wire.before = self._before
        self.rig.wire.after = self._after
        await self._live()

    async def _live(self) -> None:
        self.engine = self.rig.new_engine(lambda _event: None, parts_per_file=2, attempts=4)
        await self.engine.start()

    # -- the weather

    async def _before(self, name: str, _path: str, _args: Any) -> None:
        await asyncio.sleep(self._lot.random() * _SLOWEST)
        self._strike(name)

    async def _after(self, name: str, _path: str, _args: Any) -> None:
        # The answer is lost, and what was asked for has happened.
        self._strike(name)

    def _strike(self, name: str) -> None:
        if self._lot.random() < self._odds:
            context = {"status": "500"} if self._lot.random() < 0.7 else {}
            raise StorageError(
                ErrorKind.UNEXPECTED, f"{name}?", status=ErrorStatus.TEMPORARY, context=context
            )

    def weather(self, odds: float) -> None:
        """Let so many of the requests fail, or their answers be lost."""
        self._odds = odds

    # -- what a person does

    async def upload(self, name: str, policy: ConflictPolicy) -> None:
        """Upload a file, or the tree."""
        await self.engine.upload([self.folder / name], self.rig.at("up/"), policy)

    async def download(self, name: str, policy: ConflictPolicy) -> None:
        """Download an object, or the tree."""
        (self.folder / "down").mkdir(exist_ok=True)
        place = self.rig.at("tree/" if name == "tree" else name)
        await self.engine.download([(place, None)], self.folder / "down", policy)

    async def copy(self, name: str, policy: ConflictPolicy) -> None:
        """Copy an object, or the tree."""
        place = self.rig.at("tree/" if name == "tree" else name)
        await self.engine.copy([place], self.rig.at("copied/"), policy)

    async def move(self, name: str, policy: ConflictPolicy) -> None:
        """Move an object that nobody else knows."""
        self._count += 1
        stem = "b" if name == "tree" else name
        source, odds = f"from{self._count}/{stem}", self._odds
        self._odds = 0.0
        await self.rig.op.write(source, bytes_of(stem))
        self._odds = odds
        await self.engine.copy([self.rig.at(source)], self.rig.at("moved/"), policy, move=True)
        self._moved.append((source, stem))

    def _some(self, which: int) -> list[int]:
        jobs = [view.id for view in self.engine.jobs() if not view.state.is_final]
        return [jobs[which % len(jobs)]] if jobs else []

    async def say(self, word: str, which: int) -> None:
        """Pause, resume, cancel, retry, … one of the jobs, or let it be answered."""
        ids = self._some(which)
        act = getattr(self.engine, word)
        # What a life that ends meanwhile has refused is asked for again by nobody.
        with contextlib.suppress(TransferError):
            await asyncio.wait_for(act(ids), PATIENCE)

    async def answer(self, which: int, policy: ConflictPolicy, *, for_batch: bool) -> None:
        """Answer a job that asks, or will."""
        for number in self._some(which):
            await self.engine.answer(number, policy, for_batch=for_batch)

    async def limit(self, rate: int | None) -> None:
        """Limit the rate."""
        await self.engine.set_rate_limits(rate, rate)

    async def go(self, turns: int) -> None:
        """Let the engine come on."""
        for _ in range(turns):
            await asyncio.sleep(0.001)

    async def restart(self) -> None:
        """End a life in order, and begin the next."""
        await asyncio.wait_for(self.engine.close(), PATIENCE)
        await self._live()

    async def die(self) -> None:
        """End a life as a kill does: the journal stays as it is on the disk at this moment."""
        kept = self.folder / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for path in self._journals():
            shutil.copy(path, kept)
        await asyncio.wait_for(self.engine.close(), PATIENCE)
        for path in self._journals():
            path.unlink()
        for path in kept.iterdir():
            shutil.copy(path, self.folder)
        await self._live()

    def _journals(self) -> Iterator[Path]:
        for suffix in ("", "-wal"):
            path = self.rig.journal.with_name(self.rig.journal.name + suffix)
            if path.exists():
                yield path

    # -- the end

    async def settle(self) -> None:
        """Clear the weather and see everything through, as a patient person would."""
        self.weather(0.0)
        await self.limit(None)
        for _ in range(_ROUNDS):
            left = [view for view in self.engine.jobs() if not view.state.is_final]
            if not left:
                break
            for view in left:
                if view.state is JobState.NEEDS_ANSWER and not view.is_folder:
                    await self.engine.answer(view.id, ConflictPolicy.OVERWRITE)
            await self.engine.retry([view.id for view in left])
            await asyncio.wait_for(self.engine.wait([view.id for view in left]), PATIENCE)
        left = [view for view in self.engine.jobs() if not view.state.is_final]
        assert left == [], [(view.words, view.error, view.name) for view in left]
        await self._judge(self.engine.jobs() + await self.engine.history(1000))
        await asyncio.wait_for(self.engine.close(), PATIENCE)
        await self.rig.op.aclose()

    async def _judge(self, views: list[JobView]) -> None:
        self.rig.wire.before = self.rig.wire.after = None
        assert await self.rig.uploads_left() == []
        hidden = [path.name for path in self.folder.rglob("*.dalpart")]
        assert hidden == []
        there = {}
        for entry in await self.rig.op.list("", recursive=True):
            if not entry.path.endswith("/"):
                there[entry.path] = await self.rig.op.read(entry.path)
                assert there[entry.path] == bytes_of(entry.path), entry.path
        for path in [p for p in self.folder.rglob("*") if p.is_file()]:
            if path.name.partition(" ")[0] in SIZES:
                assert path.read_bytes() == bytes_of(path.name), path
        for view in views:
            if view.state is JobState.DONE and not view.is_folder:
                if view.local_path and view.direction.word == "download":
                    assert (self.folder / view.local_path).is_file(), view
                else:
                    assert view.key in there, (view, sorted(there))
        for source, name in self._moved:
            kept = source in there or any(key.startswith(f"moved/{name}") for key in there)
            assert kept, (source, sorted(there))
        for name in SIZES:
            assert {name, f"tree/{name}", f"tree/sub/{name}"} <= set(there)
