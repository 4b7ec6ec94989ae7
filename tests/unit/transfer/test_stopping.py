"""Stopping many files, and stopping at awkward moments."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.transfer import JobState
from dalbrowser.transfer.journal import Journal
from tests.unit.transfer.gate import Gate, hold_upload, make_tree

if TYPE_CHECKING:
    from dalbrowser.transfer import TransferEngine
    from tests.faults.rig import Rig


async def _files(rig: Rig) -> int:
    return len([e for e in await rig.op.list("", recursive=True) if e.metadata.is_file])


@pytest.mark.parametrize("act", ["pause", "cancel"])
async def test_files_found_while_their_folder_is_stopped_are_not_lost(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    make_tree(rig.folder / "tree", 300)
    reached, real = asyncio.Event(), Journal.advance_plan

    async def watched(self: Journal, *args: Any, **kwargs: Any) -> list[int]:
        reached.set()
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(Journal, "advance_plan", watched)
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await reached.wait()
        await getattr(engine, act)(ids)
        if act == "pause":
            assert (await engine.wait(ids))[0].state is JobState.PAUSED
            await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    if act == "pause":
        assert (view.state, view.files_done, await _files(rig)) == (JobState.DONE, 300, 300)
    else:
        assert (view.state, await _files(rig)) == (JobState.CANCELLED, 0)
        left = rig.on_disk("SELECT DISTINCT state FROM job WHERE parent IS NOT NULL")
        assert left in ([], [("cancelled",)])


@pytest.mark.parametrize(
    ("act", "state"), [("pause", JobState.PAUSED), ("cancel", JobState.CANCELLED)]
)
async def test_stopping_many_begins_none_of_them(rig: Rig, act: str, state: JobState) -> None:
    make_tree(rig.folder / "tree", 300)
    async with rig.engine(small_files=10) as engine:
        gate = Gate(rig, "write", free=50)
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await gate.reached.wait()
        begun = rig.wire.count("write")
        commits = engine._journal.commits
        await getattr(engine, act)(ids)
        view = (await engine.wait(ids))[0]
        gate.open.set()
        assert view.state is state
        assert engine._journal.commits - commits < 20
    assert rig.wire.count("write") - begun < 10
    assert await _files(rig) <= begun


async def _in_cancel(rig: Rig, engine: TransferEngine) -> tuple[int, Gate, asyncio.Future[None]]:
    """Cancel a paused upload up to its abort; return its id, what holds the abort, the cancel."""
    number = await hold_upload(rig, engine)
    await engine.pause([number])
    gate = Gate(rig, "abort_multipart")
    cancelling = asyncio.ensure_future(engine.cancel([number]))
    await gate.reached.wait()
    return number, gate, cancelling


@pytest.mark.parametrize("act", ["resume", "retry", "run_now", "pause", "cancel"])
async def test_what_is_being_cancelled_is_not_begun_again(rig: Rig, act: str) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number, gate, cancelling = await _in_cancel(rig, engine)
        await getattr(engine, act)([number])
        gate.open.set()
        await cancelling
        assert (await engine.wait([number]))[0].state is JobState.CANCELLED
    assert rig.wire.count("list_parts") <= 1  # the abort's own look whether parts are left
    assert await rig.uploads_left() == []
    assert not await rig.op.exists("big")


async def test_a_cancel_that_the_end_of_the_program_overtakes_ends_too(rig: Rig) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number, gate, cancelling = await _in_cancel(rig, engine)
    gate.open.set()
    await asyncio.wait_for(cancelling, 5)
    rig.wire.before = None
    async with rig.engine() as engine:
        assert [view.state for view in engine.jobs()] == [JobState.PAUSED]
        await engine.cancel([number])
        assert (await engine.wait([number]))[0].state is JobState.CANCELLED
    assert await rig.uploads_left() == []


async def test_what_a_kill_left_of_a_small_download_goes_with_its_cancel(rig: Rig) -> None:
    await rig.op.write("f", b"f" * 400_000)
    async with rig.engine() as engine:
        gate = Gate(rig, "read")
        ids = await engine.download([(rig.at("f"), None)], rig.folder)
        await gate.reached.wait()
        await engine._journal.batch_rows(0)  # what was noted is on disk
    # The process that was killed had no time to remove it.
    (rig.folder / ".f.dalpart").write_bytes(b"f" * 1000)
    (rig.folder / ".g.dalpart").write_bytes(b"another's")
    rig.wire.before = None
    async with rig.engine() as engine:
        await engine.cancel(ids)
        assert (await engine.wait(ids))[0].state is JobState.CANCELLED
    assert [path.name for path in rig.folder.glob(".*.dalpart")] == [".g.dalpart"]
