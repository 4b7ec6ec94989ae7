"""The local file of an upload changes under it: nothing wrong arrives; it says so, and goes on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Saw

PART = 5 * MiB
SIZE = 2 * PART + 77


def options(rig: Rig) -> Rig:
    """Parts of five mebibytes, one after the other, so that the second is a known moment."""
    rig.options |= {"part_floor": PART, "multipart_above": PART, "parts_per_file": 1}
    return rig


async def disturbed(rig: Rig, saw: Saw, disturb: Callable[[Path], object]) -> tuple[int, JobState]:
    """Upload ``big`` and disturb it before the second part; returns the job and its state."""
    path = rig.folder / "big"
    make_file(path, SIZE)

    async def act() -> None:
        await asyncio.to_thread(disturb, path)

    done = rig.meanwhile("write_multipart", 2, act)
    async with options(rig).engine() as engine:
        number = await engine.upload_file(path, rig.at("big"))
        view = (await engine.wait([number]))[0]
    rig.wire.before = None
    assert done.is_set()
    assert not await rig.op.exists("big"), "a mixture has the real name"
    saw(view)
    return number, view.state


async def gone_on(rig: Rig, saw: Saw, number: int, *, over: bool) -> None:
    """Retry (``over``) or resume in another engine; what arrives is the file as it is now."""
    async with options(rig).engine() as engine:
        await (engine.retry([number]) if over else engine.resume([number]))
        view = (await engine.wait([number]))[0]
    saw(view)
    assert view.state is JobState.DONE, view.error
    assert await rig.sha("big") == sha_of(rig.folder / "big")
    assert await rig.uploads_left() == []


@pytest.mark.fault("the source is changed during the upload")
async def test_changed(service: Rig, saw: Saw) -> None:
    number, state = await disturbed(service, saw, lambda path: make_file(path, SIZE, seed=2))
    assert state is JobState.SOURCE_CHANGED
    await gone_on(service, saw, number, over=True)


@pytest.mark.fault("the source is truncated during the upload")
async def test_truncated(service: Rig, saw: Saw) -> None:
    number, state = await disturbed(service, saw, lambda path: os.truncate(path, PART))
    assert state is JobState.SOURCE_CHANGED
    await gone_on(service, saw, number, over=True)


@pytest.mark.fault("the source is deleted during the upload, later it is back")
async def test_deleted(service: Rig, saw: Saw) -> None:
    hidden = service.folder / "hidden"
    number, state = await disturbed(service, saw, lambda path: path.rename(hidden))
    assert state is JobState.FAILED
    hidden.rename(service.folder / "big")
    await gone_on(service, saw, number, over=False)


@pytest.mark.fault("the source is replaced by another of its size and time during the upload")
async def test_replaced(service: Rig, saw: Saw) -> None:
    def replace(path: Path) -> None:
        times = path.stat()
        make_file(path.with_name("other"), SIZE, seed=3)
        os.utime(path.with_name("other"), ns=(times.st_atime_ns, times.st_mtime_ns))
        path.with_name("other").replace(path)

    number, state = await disturbed(service, saw, replace)
    assert state is JobState.SOURCE_CHANGED
    await gone_on(service, saw, number, over=True)


@pytest.mark.fault("the source's time is set back during the upload")
async def test_set_back(service: Rig, saw: Saw) -> None:
    number, state = await disturbed(service, saw, lambda path: os.utime(path, (0, 0)))
    assert state is JobState.SOURCE_CHANGED
    await gone_on(service, saw, number, over=True)


@pytest.mark.fault("the source becomes unreadable during the upload, later it can be read")
async def test_unreadable(service: Rig, saw: Saw, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_fd: int, _size: int, _offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    def disturb(_path: Path) -> None:
        # Rights do not stop root, who runs the tests in CI; a failing disk stops anybody.
        monkeypatch.setattr("dalbrowser.transfer.disk.source.os.pread", failing)

    number, state = await disturbed(service, saw, disturb)
    assert state is JobState.FAILED
    monkeypatch.undo()
    await gone_on(service, saw, number, over=False)
