"""The order that a person gives to waiting jobs is kept by the process after this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from dalbrowser.transfer import TransferEngine
    from tests.faults.rig import Rig

COUNT = 6


async def started(rig: Rig, engine: TransferEngine, ids: list[int]) -> list[int]:
    """Run all jobs one by one and return their numbers (from 0) in the order of starting."""
    order: list[str] = []

    async def note(name: str, path: str, _args: Any) -> None:
        if name == "write":
            order.append(path)

    rig.wire.before = note
    await engine.resume(ids)
    await engine.wait(ids)
    return [int(path.rpartition("f")[2]) for path in order]


async def queued(rig: Rig, engine: TransferEngine) -> list[int]:
    """Queue jobs behind one that is held up before it writes."""
    gate = Gate(rig, "write")
    for number in range(COUNT):
        (rig.folder / f"f{number}").write_bytes(b"x")
    ids = await engine.upload([rig.folder / f"f{number}" for number in range(COUNT)], rig.at("x/"))
    await gate.reached.wait()
    return ids


@pytest.mark.parametrize(
    ("moves", "order"),
    [
        ([], [0, 1, 2, 3, 4, 5]),
        (["up 4", "up 4", "up 5"], [0, 1, 4, 2, 5, 3]),
        (["down 1", "down 1", "down 1", "down 1"], [0, 2, 3, 4, 5, 1]),
        (["up 3", "down 3", "up 5", "down 1"], [0, 2, 1, 3, 5, 4]),
        (["now 5", "now 4", "up 3"], [4, 5, 0, 1, 3, 2]),
    ],
)
async def test_the_order_is_kept_over_a_restart(
    rig: Rig, moves: list[str], order: list[int]
) -> None:
    async with rig.engine(small_files=1) as engine:
        ids = await queued(rig, engine)
        for move in moves:
            word, number = move.split()
            act = {"up": engine.move_up, "down": engine.move_down, "now": engine.run_now}[word]
            await act([ids[int(number)]])
    async with rig.engine(small_files=1) as engine:
        assert await started(rig, engine, ids) == order


async def test_who_comes_back_takes_its_place_again(rig: Rig) -> None:
    async with rig.engine(small_files=1) as engine:
        ids = await queued(rig, engine)
        await engine.move_up([ids[4]])
        await engine.pause([ids[0], ids[4]])
        await engine.pause(ids)
        assert await started(rig, engine, [*ids[3:], *ids[:3]]) == [0, 1, 2, 4, 3, 5]
    rows = rig.on_disk("SELECT priority, state FROM job ORDER BY id")
    assert rows == [(0, "done")] * 3 + [(ids[4], "done"), (ids[3], "done"), (0, "done")]
