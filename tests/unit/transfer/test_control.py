"""Jobs under a person's hands: pause, answers, events, and who goes first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dalbrowser.transfer import (
    ConflictPolicy,
    JobsChanged,
    JobsRemoved,
    JobState,
    JournalHeld,
)
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.unit.transfer.gate import Gate, hold_upload, make_tree


async def test_pause_and_resume(rig: Rig) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine)
        await engine.pause([number])
        view = (await engine.wait([number]))[0]
        assert (view.state, view.parts_done) == (JobState.PAUSED, 3)
        assert await rig.uploads_left() == ["big"]
        rig.wire.before = None
        rig.wire.calls.clear()
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE
    assert rig.wire.count("write_multipart") == 5
    assert await rig.sha("big") == sha_of(rig.folder / "big")


async def test_paused_job_stays_paused_over_a_restart(rig: Rig) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine)
        await engine.pause([number])
    rig.wire.before = None
    async with rig.engine() as engine:
        assert rig.report.interrupted == []
        assert [view.state for view in engine.jobs()] == [JobState.PAUSED]


async def test_answer_for_the_whole_batch(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 40)
    for number in range(40):
        place = ("", "sub/", "sub/deep/")[number % 3]
        await rig.op.write(f"tree/{place}f{number:04}", b"old")
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        assert (await engine.wait(ids))[0].state is JobState.NEEDS_ANSWER
        asking = [v for v in engine.jobs() if v.state is JobState.NEEDS_ANSWER]
        one = next(v for v in asking if not v.is_folder)
        assert "exists already" in one.error
        await engine.answer(one.id, ConflictPolicy.SKIP, for_batch=True)
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.DONE
        assert "40 files were left out" in view.note
    assert await rig.op.read("tree/f0000") == b"old"


async def test_small_files_do_not_wait_for_a_giant(rig: Rig) -> None:
    make_file(rig.folder / "giant", 4 * MiB)
    make_tree(rig.folder / "tree", 50)
    async with rig.engine() as engine:
        gate = Gate(rig, "write_multipart")
        giant = await engine.upload_file(rig.folder / "giant", rig.at("giant"))
        await gate.reached.wait()
        small = await engine.upload([rig.folder / "tree"], rig.at(""))
        assert (await engine.wait(small))[0].state is JobState.DONE
        gate.open.set()
        assert (await engine.wait([giant]))[0].state is JobState.DONE


async def test_no_more_parts_at_once_than_allowed(rig: Rig) -> None:
    for number in range(4):
        make_file(rig.folder / f"f{number}", 2 * MiB)
    running = peak = 0

    async def enter(name: str, _path: str, _args: Any) -> None:
        nonlocal running, peak
        if name == "write_multipart":
            running += 1
            peak = max(peak, running)
            for _ in range(20):
                await asyncio.sleep(0)
            running -= 1

    rig.wire.before = enter
    async with rig.engine(parts_total=5, parts_per_file=3) as engine:
        ids = await engine.upload([rig.folder / f"f{n}" for n in range(4)], rig.at(""))
        views = await engine.wait(ids)
    assert {view.state for view in views} == {JobState.DONE}
    assert 3 <= peak <= 5


async def test_events_tell_of_every_state_and_of_removal(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await engine.wait([number])
        await engine.clear_completed()
        assert engine.jobs() == []
        assert await engine.history() == []
    views = [v for e in rig.events if isinstance(e, JobsChanged) for v in e.views]
    assert views[-1].state is JobState.DONE
    assert {v.id for v in views} == {number}
    assert rig.events[-1] == JobsRemoved((number,))


async def test_second_engine_is_told_who_holds_the_journal(rig: Rig) -> None:
    async with rig.engine(who="the window"):
        with pytest.raises(JournalHeld, match="the window"):
            async with rig.engine():
                pass


async def test_odd_keys_are_exact(rig: Rig) -> None:
    make_file(rig.folder / "a", 10)
    for key in ("/lead", "a//b", "a/../b", " sp ", "%2F"):
        view = await rig.upload(rig.folder / "a", key)
        assert view.state is JobState.DONE, view.error
    keys = sorted(e.path for e in await rig.op.list("", recursive=True) if e.metadata.is_file)
    assert keys == sorted(["/lead", "a//b", "a/../b", " sp ", "%2F"])
