"""A job that the service is completing: what is said of it holds once that has failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file
from tests.unit.transfer.gate import Gate, hold_upload

if TYPE_CHECKING:
    from dalbrowser.transfer import TransferEngine


async def until_it_waits(task: asyncio.Task[None]) -> None:
    """Let a request of a person come as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()


async def fails(name: str, _path: str, _args: Any) -> None:
    if name == "complete_multipart":
        raise StorageError(ErrorKind.UNEXPECTED, "Cut.", status=ErrorStatus.TEMPORARY)


async def held(rig: Rig, engine: TransferEngine, *, lost: bool) -> tuple[int, asyncio.Event]:
    """Hold an upload while it is completed; ``lost`` says that this then fails each time."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def hold(name: str, path: str, args: Any) -> None:
        if name == "complete_multipart":
            reached.set()
            await go_on.wait()
            if lost:
                await fails(name, path, args)

    rig.wire.before = hold
    make_file(rig.folder / "big", 2 * MiB)
    number = await engine.upload_file(rig.folder / "big", rig.at("big"))
    await reached.wait()
    return number, go_on


async def test_cancel_holds_once_completing_has_failed(rig: Rig) -> None:
    async with rig.engine() as engine:
        number, go_on = await held(rig, engine, lost=True)
        cancelling = asyncio.ensure_future(engine.cancel([number]))
        await until_it_waits(cancelling)
        (view,) = engine.jobs()
        assert view.state is JobState.FINALISING
        assert "ends first" in view.note
        go_on.set()
        await cancelling
        (view,) = engine.jobs()
        assert (view.state, view.note) == (JobState.CANCELLED, "")
    assert await rig.uploads_left() == []
    assert not await rig.op.exists("big")


async def test_cancel_that_came_too_late_says_so(rig: Rig) -> None:
    async with rig.engine() as engine:
        number, go_on = await held(rig, engine, lost=False)
        cancelling = asyncio.ensure_future(engine.cancel([number]))
        await until_it_waits(cancelling)
        go_on.set()
        await cancelling
        (view,) = engine.jobs()
        assert view.state is JobState.DONE
        assert "complete before it could be cancelled" in view.note
        (past,) = await engine.history()
        assert past.note == view.note
    assert await rig.op.exists("big")


async def test_pause_holds_once_completing_has_failed(rig: Rig) -> None:
    async with rig.engine() as engine:
        number, go_on = await held(rig, engine, lost=True)
        pausing = asyncio.ensure_future(engine.pause([number]))
        await until_it_waits(pausing)
        go_on.set()
        await pausing
        (view,) = engine.jobs()
        assert (view.state, view.note) == (JobState.PAUSED, "")
        rig.wire.before = None
        await engine.resume([number])
        (view,) = await engine.wait([number])
        assert (view.words, view.note) == ("done (verified (md5))", "")


async def test_end_of_the_engine_ends_the_wait(rig: Rig) -> None:
    async with rig.engine() as engine:
        number, _ = await held(rig, engine, lost=True)
        cancelling = asyncio.ensure_future(engine.cancel([number]))
        await until_it_waits(cancelling)
    await asyncio.wait_for(cancelling, 5)
    rig.wire.before = None
    async with rig.engine() as engine:
        assert [view.id for view in engine.jobs()] == [number]
        assert "ends first" not in engine.jobs()[0].note
        await engine.cancel([number])
    assert await rig.uploads_left() == []


async def test_cancelled_folder_with_its_last_file_being_completed_is_not_called_done(
    rig: Rig,
) -> None:
    for number in range(3):
        (rig.folder / "tree" / f"d{number}").mkdir(parents=True)
        make_file(rig.folder / "tree" / f"d{number}" / "big", 2 * MiB)
    async with rig.engine(plan_window=1) as engine:
        gate = Gate(rig, "complete_multipart")
        (number,) = await engine.upload([rig.folder / "tree"], rig.at(""), ConflictPolicy.OVERWRITE)
        await gate.reached.wait()
        cancelling = asyncio.ensure_future(engine.cancel([number]))
        await until_it_waits(cancelling)
        gate.open.set()
        await cancelling
        view = next(view for view in engine.jobs() if view.is_folder)
        assert view.state is JobState.CANCELLED, view.words
    async with rig.engine() as engine:
        assert engine.jobs() == []


@pytest.mark.parametrize("there", [True, False])
async def test_cancel_of_one_that_may_be_complete_says_so(rig: Rig, there: bool) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine, "complete_multipart", 0, after=there)
    rig.wire.before = rig.wire.after = None
    async with rig.engine() as engine:
        await engine.cancel([number])
        (view,) = await engine.wait([number])
    assert view.state is JobState.CANCELLED
    assert ("big is there" in view.note) == there
    assert await rig.uploads_left() == []
    assert await rig.op.exists("big") == there
