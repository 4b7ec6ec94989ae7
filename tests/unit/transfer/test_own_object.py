"""A job that meets an object of its own, from a try that was cut off after the bytes landed."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import (
    CapabilityOverrideLayer,
    ErrorKind,
    ErrorStatus,
    RetryLayer,
    StorageError,
)
from dalbrowser.transfer import ConflictPolicy, JobState, JobView
from dalbrowser.transfer.disk import localfile as local
from tests.faults.rig import Rig, make_file, sha_of
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from dalbrowser.transfer import TransferEngine

FILES = 6


@pytest.fixture
async def fs(tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over a folder, whose ETags are no digests."""
    (tmp_path / "store").mkdir()
    made = Rig(tmp_path, "fs", {"root": str(tmp_path / "store")})
    yield made
    await made.op.aclose()


async def landed(rig: Rig, engine: TransferEngine, paths: list[Path]) -> list[int]:
    """Begin uploads and return once every object is there and nobody has heard of it."""
    count, all_there = 0, asyncio.Event()

    async def stall(name: str, _path: str, _args: Any) -> None:
        nonlocal count
        if name == "write":
            count += 1
            if count == len(paths):
                all_there.set()
            await asyncio.Event().wait()

    rig.wire.after = stall
    ids = await engine.upload(paths, rig.at("up/"))
    await all_there.wait()
    rig.wire.after = None
    return ids


def some_files(rig: Rig) -> list[Path]:
    paths = [rig.folder / f"f{number}.bin" for number in range(FILES)]
    for number, path in enumerate(paths):
        make_file(path, 65536, seed=number)
    return paths


def all_done(rig: Rig, views: list[JobView]) -> None:
    assert {view.words for view in views} == {"done (verified (md5))"}, [v.error for v in views]
    assert rig.wire.count("write") == FILES


async def test_paused_after_they_landed(fs: Rig) -> None:
    async with fs.engine() as engine:
        ids = await landed(fs, engine, some_files(fs))
        await engine.pause(ids)
        await engine.resume(ids)
        all_done(fs, await engine.wait(ids))


async def test_ended_after_they_landed(fs: Rig) -> None:
    async with fs.engine() as engine:
        ids = await landed(fs, engine, some_files(fs))
    async with fs.engine() as engine:
        await engine.resume(ids)
        all_done(fs, await engine.wait(ids))


async def test_the_bytes_of_somebody_else_are_asked_about(fs: Rig) -> None:
    paths = some_files(fs)
    async with fs.engine() as engine:
        ids = await landed(fs, engine, paths)
        await engine.pause(ids)
        other = b"x" * 65536
        await fs.op.write("up/f0.bin", other)
        await engine.resume(ids)
        views = await engine.wait(ids)
    assert [view.state for view in views] == [JobState.NEEDS_ANSWER] + [JobState.DONE] * 5
    assert await fs.op.read("up/f0.bin") == other


@pytest.mark.parametrize("sent", [True, False])
async def test_too_large_to_read_back_it_is_known_by_its_time(
    fs: Rig, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    monkeypatch.setattr("dalbrowser.transfer.ownership.READ_BACK", 1000)
    fs.op = fs.op.layer(CapabilityOverrideLayer(write_with_if_not_exists=False))
    paths = some_files(fs)[:1]
    async with fs.engine() as engine:
        ids = await landed(fs, engine, paths)
        await engine.pause(ids)
        assert fs.on_disk("SELECT sent FROM job") == [(1,)]
    if not sent:
        # The same object, of a job that had not come to sending anything.
        run_sql(fs, "UPDATE job SET sent = 0")
    async with fs.engine() as engine:
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert view.words == ("done (size only)" if sent else "needs answer"), view.error


def run_sql(rig: Rig, statement: str) -> None:
    with closing(sqlite3.connect(rig.journal)) as db:
        db.execute(statement)
        db.commit()


async def test_a_download_paused_after_it_was_put_in_place(
    fs: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = make_file(fs.folder / "source.bin", 65536)
    await fs.op.write("a.bin", (fs.folder / "source.bin").read_bytes())
    loop, there, stopped = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    real: Callable[..., Any] = local.publish

    def told(*args: Any, **options: Any) -> Any:
        done = real(*args, **options)
        loop.call_soon_threadsafe(there.set)
        stopped.wait(20)
        return done

    monkeypatch.setattr(local, "publish", told)
    async with fs.engine() as engine:
        number = await engine.download_file(fs.at("a.bin"), fs.folder / "a.bin")
        await there.wait()
        # What is being put in place ends first, so the pause waits for it.
        pausing = asyncio.create_task(engine.pause([number]))
        await asyncio.sleep(0)
        stopped.set()
        await pausing
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE, view.error
    assert sha_of(fs.folder / "a.bin") == sha


async def test_a_server_side_copy_that_had_landed(fs: Rig) -> None:
    await fs.op.write("a.bin", b"abc" * 1000)
    async with fs.engine() as engine:
        gate = Gate(fs, "copy", after=True)
        ids = await engine.copy([fs.at("a.bin")], fs.at("to/"), ConflictPolicy.ASK)
        await gate.reached.wait()
        fs.wire.after = None
        await engine.pause(ids)
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert fs.wire.count("copy") == 1


@pytest.mark.parametrize("repeated", ["by a layer", "by the job"])
@pytest.mark.parametrize("other", [False, True])
async def test_a_server_side_copy_whose_answer_was_lost(
    fs: Rig, repeated: str, other: bool
) -> None:
    """The second request is refused, for the first one's copy stands there, or somebody's."""
    data = b"abc" * 1000
    await fs.op.write("a.bin", data)

    async def lose(name: str, _path: str, _args: Any) -> None:
        if name == "copy":
            fs.wire.after = None
            if other:
                await fs.op.write("to/a.bin", data[::-1])
            raise StorageError(ErrorKind.UNEXPECTED, "lost", status=ErrorStatus.TEMPORARY)

    fs.wire.after = lose
    if repeated == "by a layer":
        fs.op = fs.op.layer(RetryLayer(base=0.001))
    async with fs.engine() as engine:
        ids = await engine.copy([fs.at("a.bin")], fs.at("to/"), ConflictPolicy.ASK, move=True)
        view = (await engine.wait(ids))[0]
    assert view.words == ("needs answer" if other else "done (verified (md5))"), view.error
    assert await fs.op.read("to/a.bin") == (data[::-1] if other else data)
    assert await fs.op.exists("a.bin") == other
    assert fs.wire.count("copy") == (2 if repeated == "by a layer" else 1)
