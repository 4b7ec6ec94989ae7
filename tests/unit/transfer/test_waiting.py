"""Waiting for a service that is out of reach, and what a person puts before the others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import JobState
from dalbrowser.transfer.failures import pause_before
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    import asyncio

    from dalbrowser.transfer import TransferEngine


class Outage:
    """Nothing answers until ``over``; counts what was tried meanwhile."""

    def __init__(self, rig: Rig) -> None:
        self.over = False
        self.tried: list[str] = []
        rig.wire.before = self

    async def __call__(self, name: str, _path: str, _args: Any) -> None:
        if not self.over:
            self.tried.append(name)
            message = "Nothing answers."
            raise StorageError(ErrorKind.UNEXPECTED, message, status=ErrorStatus.TEMPORARY)


async def begun(rig: Rig, engine: TransferEngine, count: int) -> list[int]:
    for number in range(count):
        make_file(rig.folder / f"f{number}", 1000, seed=number)
    return await engine.upload([rig.folder / f"f{n}" for n in range(count)], rig.at(""))


async def all_waiting(rig: Rig, engine: TransferEngine) -> None:
    while {view.state for view in engine.jobs()} != {JobState.WAITING_NETWORK}:
        await rig.next_event()


async def test_one_probe_asks_for_all_and_wakes_all(rig: Rig) -> None:
    outage = Outage(rig)
    async with rig.engine(backoff_base=0.02, backoff_cap=0.02) as engine:
        ids = await begun(rig, engine, 10)
        await all_waiting(rig, engine)
        outage.tried.clear()
        while len(outage.tried) < 6:
            await rig.next_event()
        assert set(outage.tried) == {"stat"}
        assert {view.state for view in engine.jobs()} == {JobState.WAITING_NETWORK}
        outage.over = True
        views = await engine.wait(ids)
    assert {view.state for view in views} == {JobState.DONE}


async def test_a_click_ends_the_wait_of_all(rig: Rig) -> None:
    outage = Outage(rig)
    async with rig.engine(backoff_base=600, backoff_cap=600) as engine:
        ids = await begun(rig, engine, 5)
        await all_waiting(rig, engine)
        # The probe has said when it asks again, a turn of the loop after the last began to wait.
        while any(view.retry_at is None for view in engine.jobs()):
            await rig.next_event()
        outage.over = True
        await engine.resume(ids[:1])
        views = await engine.wait(ids)
    assert {view.state for view in views} == {JobState.DONE}


async def test_the_probe_outlives_the_job_that_began_it(rig: Rig) -> None:
    outage = Outage(rig)
    async with rig.engine(backoff_base=0.02, backoff_cap=0.02) as engine:
        ids = await begun(rig, engine, 3)
        await all_waiting(rig, engine)
        await engine.cancel(ids[:2])
        outage.over = True
        assert (await engine.wait(ids[2:]))[0].state is JobState.DONE


async def test_nobody_waits_longer_than_the_patience(rig: Rig) -> None:
    Outage(rig)
    async with rig.engine(backoff_base=600, backoff_cap=600, patience=0.05) as engine:
        views = await engine.wait(await begun(rig, engine, 2))
    assert {(view.state, view.error) for view in views} == {(JobState.FAILED, "Nothing answers.")}


async def held_up(rig: Rig, engine: TransferEngine) -> tuple[list[int], asyncio.Event]:
    """Begin five uploads of which the first stands still, with place for one at a time."""
    gate = Gate(rig, "write", path="f0")
    ids = await begun(rig, engine, 5)
    await gate.reached.wait()
    return ids, gate.open


def written(rig: Rig) -> list[str]:
    return [path for name, path, _ in rig.wire.calls if name == "write"]


async def test_moved_up_runs_before_its_neighbour(rig: Rig) -> None:
    async with rig.engine(small_files=1) as engine:
        ids, go_on = await held_up(rig, engine)
        await engine.move_up([ids[3], ids[4]])
        await engine.move_up([ids[3]])
        go_on.set()
        await engine.wait(ids)
    assert written(rig) == ["f0", "f3", "f1", "f4", "f2"]


async def test_run_now_needs_no_free_place(rig: Rig) -> None:
    async with rig.engine(small_files=1) as engine:
        ids, go_on = await held_up(rig, engine)
        await engine.pause([ids[4]])
        await engine.run_now([ids[2], ids[4]])
        views = await engine.wait([ids[2], ids[4]])
        assert {view.state for view in views} == {JobState.DONE}
        go_on.set()
        await engine.wait(ids)
    assert sorted(written(rig)[1:3]) == ["f2", "f4"]


@pytest.mark.parametrize("way", ["upload", "download"])
async def test_long_wish_of_a_service_is_shown_and_can_be_ended(rig: Rig, way: str) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    await rig.op.write("there", (rig.folder / "big").read_bytes())
    name = "write_multipart" if way == "upload" else "read"

    async def later(operation: str, _path: str, _args: Any) -> None:
        if operation == name:
            raise StorageError(
                ErrorKind.RATE_LIMITED, "Later.", status=ErrorStatus.TEMPORARY, retry_after=1e9
            )

    rig.wire.before = later
    async with rig.engine() as engine:
        if way == "upload":
            number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        else:
            number = await engine.download_file(rig.at("there"), rig.folder / "new")
        while engine.jobs()[0].state is not JobState.WAITING_LIMIT:
            await rig.next_event()
        again = engine.jobs()[0].retry_at
        assert again is not None
        assert again < time.time() + 2 * 86_400
        rig.wire.before = None
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE, view.error
    assert (await rig.sha("big") if way == "upload" else sha_of(rig.folder / "new")) == sha


def test_pause_without_end_has_one() -> None:
    assert pause_before(1, 0.5, 30.0, float("inf")) == 86_400.0
