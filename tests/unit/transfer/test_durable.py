"""Small files come to the disk together, and nobody waits for company who is waited for."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer.disk import durable
from dalbrowser.transfer.disk.durable import DurableEnds, flush_files
from dalbrowser.transfer.journal import JobRow
from dalbrowser.transfer.model import Direction, JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.rig import Rig


def row(path: Path, number: int) -> JobRow:
    path.write_bytes(b"x")
    return JobRow(
        id=number,
        direction=Direction.DOWNLOAD,
        profile="{}",
        bucket="b",
        key="k",
        local_path=str(path),
    )


def never(_row: JobRow, error: OSError) -> None:
    raise error


async def test_who_is_waited_for_does_not_wait_for_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_LAG", 60.0)
    recorded: list[int] = []
    with ThreadPoolExecutor(1) as disk:
        ends = DurableEnds(disk, lambda done: recorded.append(done.id), never)
        for turn in (1, 2):
            ends.add(row(tmp_path / f"{turn}", turn))
            await asyncio.sleep(0)
            assert len(recorded) == turn - 1
            async with asyncio.timeout(20):
                await ends.drain()
            assert len(recorded) == turn
    assert recorded == [1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems flush each file")
@pytest.mark.parametrize(("count", "one_by_one"), [(8, 8 + 1), (9, 0)])
def test_many_files_are_one_flush_of_their_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, one_by_one: int
) -> None:
    single: list[str] = []
    monkeypatch.setattr(durable, "_flush_one", single.append)
    flush_files([str(tmp_path / str(number)) for number in range(count)])
    assert len(single) == one_by_one


@pytest.mark.skipif(sys.platform != "linux", reason="other systems flush each file")
def test_a_file_system_that_refuses_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_folder: str) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(durable, "_flush_system", refused)
    with pytest.raises(OSError, match="Input/output"):
        flush_files([str(tmp_path / str(number)) for number in range(50)])


async def test_a_file_that_the_disk_does_not_keep_is_not_called_done(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_paths: list[str]) -> None:
        raise OSError(5, "Input/output error")

    await rig.op.write("a", b"x" * 1000)
    monkeypatch.setattr(durable, "flush_files", refused)
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("a"), rig.folder / "a")
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert "Input/output error" in view.error
        monkeypatch.undo()
        await engine.retry([number])
        assert (await engine.wait([number]))[0].state is JobState.DONE
    assert rig.on_disk("SELECT state FROM job") == [("done",)]
    assert (rig.folder / "a").read_bytes() == b"x" * 1000
