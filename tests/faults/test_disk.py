"""A local disk that refuses: full, read-only, unreadable; each ends in words and goes on later."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.transfer import JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.faults.conftest import Saw


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    yield made
    await made.op.aclose()


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of ``size`` bytes; needs the right to mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    tried = subprocess.run(command, capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"no right to mount a small disk here: {tried.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def put(rig: Rig, key: str, size: int) -> str:
    sha = make_file(rig.folder / "original", size)
    await rig.op.write(key, (rig.folder / "original").read_bytes())
    return sha


async def settled(engine: Any, ids: list[int]) -> Any:
    return (await engine.wait(ids))[0]


@pytest.mark.fault("the disk has no room for a download")
async def test_disk_without_room_is_said_before_the_first_byte(rig: Rig, saw: Saw) -> None:
    sha = await put(rig, "big", 4 * MiB)
    with small_disk(rig.folder / "disk", 3 * MiB):
        async with rig.engine() as engine:
            ids = [await engine.download_file(rig.at("big"), rig.folder / "disk" / "big")]
            view = await settled(engine, ids)
            saw(view)
            assert view.state is JobState.FAILED
            assert "make room" in view.error
            assert rig.wire.count("read") == 0
            assert sha


@pytest.mark.fault("the disk fills up during a download")
async def test_disk_that_fills_up_in_the_middle(rig: Rig, saw: Saw) -> None:
    sha = await put(rig, "big", 2 * MiB)
    target = rig.folder / "disk" / "big"
    with small_disk(rig.folder / "disk", 8 * MiB):

        async def fill(name: str, _path: str, args: Any) -> None:
            if name == "read" and args.range.start:
                free = os.statvfs(target.parent).f_bavail * 4096
                (target.parent / "other").write_bytes(b"x" * max(0, free - 4096))

        rig.wire.before = fill
        async with rig.engine(parts_per_file=1) as engine:
            ids = [await engine.download_file(rig.at("big"), target)]
            view = await settled(engine, ids)
            saw(view)
            assert view.state is JobState.FAILED
            assert "No space left" in view.error
            assert not target.exists()
            rig.wire.before = None
            (target.parent / "other").unlink()
            await engine.resume(ids)
            view = await settled(engine, ids)
            saw(view)
            assert view.words == "done (verified (md5))", view.error
            assert sha_of(target) == sha


@pytest.mark.fault("the journal's disk fills up during an upload")
async def test_journal_on_a_full_disk_fails_in_words_and_counts_nothing(rig: Rig, saw: Saw) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    disk = rig.folder / "disk"
    with small_disk(disk, 2 * MiB):
        rig.journal = disk / "journal.sqlite"

        async def fill(name: str, _path: str, args: Any) -> None:
            if name == "write_multipart" and args.number == 3:
                with contextlib.suppress(OSError), (disk / "other").open("wb") as file:
                    while True:
                        file.write(b"x" * 4096)
                        file.flush()

        rig.wire.before = fill
        async with rig.engine(parts_per_file=1) as engine:
            ids = [await engine.upload_file(rig.folder / "big", rig.at("big"))]
            view = await settled(engine, ids)
            saw(view)
            rig.wire.before = None
            if view.state is not JobState.DONE:
                assert view.state is JobState.FAILED
                assert "free space" in view.error
                assert not await rig.op.exists("big")
            (disk / "other").unlink()
            await engine.retry(ids)
            view = await settled(engine, ids)
            saw(view)
            assert view.words == "done (verified (md5))", view.error
    assert await rig.uploads_left() == []


@pytest.mark.fault("the target is read-only")
@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
async def test_read_only_target(rig: Rig, saw: Saw) -> None:
    sha = await put(rig, "a", 1000)
    folder = rig.folder / "closed"
    folder.mkdir()
    if os.geteuid() == 0:
        # Root is refused by a read-only mount alone.
        mounted = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
        tried = await asyncio.to_thread(subprocess.run, mounted, capture_output=True, check=False)
        if tried.returncode:
            pytest.skip("no right to mount a read-only disk here")
        undo = ["umount", str(folder)]
    else:
        folder.chmod(0o500)
        undo = ["chmod", "700", str(folder)]
    async with rig.engine() as engine:
        ids = [await engine.download_file(rig.at("a"), folder / "a")]
        view = await settled(engine, ids)
        saw(view)
        assert view.state is JobState.FAILED
        assert "could not be written" in view.error
        assert view.done == 0  # Nothing of it is here.
        await asyncio.to_thread(subprocess.run, undo, check=True)
        await engine.retry(ids)
        view = await settled(engine, ids)
        saw(view)
    assert view.state is JobState.DONE, view.error
    assert sha_of(folder / "a") == sha


@pytest.mark.fault("the source becomes unreadable during the upload, later it can be read")
async def test_source_that_cannot_be_read_any_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, saw: Saw
) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    real, reads = os.pread, 0

    def failing(fd: int, size: int, offset: int) -> bytes:
        nonlocal reads
        reads += 1
        if reads > 3:
            raise OSError(5, "Input/output error")
        return real(fd, size, offset)

    monkeypatch.setattr("dalbrowser.transfer.disk.source.os.pread", failing)
    async with rig.engine(parts_per_file=1) as engine:
        ids = [await engine.upload_file(rig.folder / "big", rig.at("big"))]
        view = await settled(engine, ids)
        saw(view)
        assert view.state is JobState.FAILED
        assert "could not be read (Input/output error)" in view.error
        assert not await rig.op.exists("big")
        monkeypatch.undo()
        rig.wire.calls.clear()
        await engine.resume(ids)
        view = await settled(engine, ids)
        saw(view)
    assert view.words == "done (verified (md5))"
    assert rig.wire.count("write_multipart") == 5
    assert await rig.sha("big") == sha


@pytest.mark.fault("the clock is set back by years, between two processes")
async def test_clock_set_back_harms_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, saw: Saw
) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    reached = asyncio.Event()

    async def gate(name: str, _path: str, args: Any) -> None:
        if name == "write_multipart" and args.number == 5:
            reached.set()
            await asyncio.Event().wait()

    rig.wire.before = gate
    async with rig.engine(parts_per_file=1) as engine:
        await engine.upload_file(rig.folder / "big", rig.at("big"))
        await reached.wait()
    rig.wire.before = None
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    async with rig.engine() as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = await settled(engine, ids)
        saw(view)
    assert view.words == "done (verified (md5))"
    assert await rig.sha("big") == sha


@pytest.mark.fault("the target folder is removed during the download, later it is back")
async def test_target_folder_removed(service: Rig, saw: Saw) -> None:
    sha = await put(service, "big", 2 * MiB)
    folder = service.folder / "here"
    folder.mkdir()

    async def act() -> None:
        service.wire.before = None
        await asyncio.to_thread(shutil.rmtree, folder)

    done = service.meanwhile("read", 3, act)
    async with service.engine(parts_per_file=1) as engine:
        ids = [await engine.download_file(service.at("big"), folder / "big")]
        view = await settled(engine, ids)
        saw(view)
        assert done.is_set()
        assert view.state is JobState.FAILED
        assert str(folder) in view.error
        folder.mkdir()
        await engine.resume(ids)
        view = await settled(engine, ids)
        saw(view)
    assert view.state is JobState.DONE, view.error
    assert sha_of(folder / "big") == sha
    assert [path.name for path in folder.iterdir()] == ["big"]
