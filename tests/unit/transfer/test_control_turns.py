"""What a person says twice, or just as a job ends by itself: one run of a job at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.transfer import JobState
from dalbrowser.transfer.journal.store import Journal
from dalbrowser.transfer.runner import run_job
from tests.faults.rig import make_file
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal.rows import JobRow
    from tests.faults.rig import Rig


async def test_a_pause_right_behind_a_resume_gives_the_place_back(rig: Rig) -> None:
    make_file(path := rig.folder / "a", 1000)
    async with rig.engine(small_files=1) as engine:
        gate = Gate(rig, "write")
        ids = await engine.upload([path], rig.at(""))
        await gate.reached.wait()
        await engine.pause(ids)
        # The task that the one starts is cancelled by the other before its first step.
        await asyncio.gather(engine.resume(ids), engine.pause(ids))
        assert [job.state for job in engine.jobs()] == [JobState.PAUSED]
        gate.open.set()
        await engine.resume(ids)
        assert (await asyncio.wait_for(engine.wait(ids), 10))[0].state is JobState.DONE


@pytest.mark.parametrize("how", ["resume", "run_now"])
async def test_what_goes_on_while_its_failure_is_written_down_runs_once_at_a_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    make_file(path := rig.folder / "a", 1000)
    running, most, refused = 0, 0, True

    async def refuse(name: str, _path: str, _args: Any) -> None:
        nonlocal running, most
        if name == "write" and refused:
            raise StorageError(ErrorKind.PERMISSION_DENIED, "no")

    async def counted(ctx: RunContext, job: LiveJob) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await run_job(ctx, job)
        finally:
            running -= 1

    written, go = asyncio.Event(), asyncio.Event()
    save = Journal.save

    async def slowly(journal: Journal, row: JobRow) -> None:
        await save(journal, row)
        if row.state is JobState.FAILED:
            written.set()
            await go.wait()

    rig.wire.before = refuse
    monkeypatch.setattr("dalbrowser.transfer.engine.run_job", counted)
    monkeypatch.setattr(Journal, "save", slowly)
    async with rig.engine(small_files=4) as engine:
        ids = await engine.upload([path], rig.at(""))
        await written.wait()
        refused = False
        again = asyncio.ensure_future(getattr(engine, how)(ids))
        for _ in range(10):
            await asyncio.sleep(0)
        go.set()
        await again
        assert (await asyncio.wait_for(engine.wait(ids), 10))[0].state is JobState.DONE
    assert most == 1
