"""Small files go to the disk together: each call once, each outcome to its own caller."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer.disk.visits import DiskVisits
from dalbrowser.transfer.model import SourceChangedError, SourceUnreadableError
from dalbrowser.transfer.partplan import PartSpan
from dalbrowser.transfer.uploading.tinysource import TINY, TinySource, read_tiny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Counting(ThreadPoolExecutor):
    """Counts the visits."""

    visits = 0

    def submit(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        self.visits += 1
        return super().submit(*args, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def disk() -> Iterator[Counting]:
    with Counting(4) as pool:
        yield pool


async def test_what_is_asked_in_one_turn_goes_in_one_visit(disk: Counting) -> None:
    visits = DiskVisits(disk)
    found = await asyncio.gather(*(visits.run(pow, n, 2) for n in range(16)))
    assert found == [n * n for n in range(16)]
    assert disk.visits == 1


async def test_a_failure_reaches_its_own_caller(disk: Counting) -> None:
    visits = DiskVisits(disk)
    good, bad = await asyncio.gather(
        visits.run(int, "7"), visits.run(int, "x"), return_exceptions=True
    )
    assert good == 7
    assert isinstance(bad, ValueError)


async def test_who_left_is_not_missed_and_to_the_end_stays(disk: Counting) -> None:
    visits, go, ran = DiskVisits(disk), threading.Event(), list[str]()

    def work(name: str) -> None:
        go.wait(10)
        ran.append(name)

    gone = asyncio.ensure_future(visits.run(work, "gone"))
    stays = asyncio.ensure_future(visits.to_the_end(work, "stays"))
    await asyncio.sleep(0.01)
    gone.cancel()
    stays.cancel()
    await asyncio.sleep(0.01)
    assert gone.done()
    assert not stays.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await stays
    assert sorted(ran) == ["gone", "stays"]
    assert await visits.run(int, "1") == 1


class Inline(ThreadPoolExecutor):
    """Runs what it is given before it returns."""

    def submit(self, work: object, *args: object) -> None:  # type: ignore[override]
        work(*args)  # type: ignore[operator]


async def test_who_is_cancelled_as_the_call_ends_does_not_wait_for_it_any_more() -> None:
    with Inline(1) as pool:
        visits, ran = DiskVisits(pool), list[int]()
        task = asyncio.ensure_future(visits.to_the_end(ran.append, 1))
        await asyncio.sleep(0)
        # After the visit, and before what came of it is heard of.
        asyncio.get_running_loop().call_soon(task.cancel)
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert ran == [1]


async def test_a_slow_disk_is_waited_for_by_several_threads(disk: Counting) -> None:
    visits = DiskVisits(disk)
    together = threading.Barrier(2)

    def slow() -> None:
        threading.Event().wait(0.03)

    await visits.run(slow)
    async with asyncio.timeout(10):
        await asyncio.gather(visits.run(together.wait, 5), visits.run(together.wait, 5))


async def test_a_disk_that_is_felt_gets_a_second_visit(disk: Counting) -> None:
    visits = DiskVisits(disk)
    together = threading.Barrier(2)
    for _ in range(4):
        await visits.run(threading.Event().wait, 0.002)
    before = disk.visits
    async with asyncio.timeout(10):
        await asyncio.gather(
            visits.run(together.wait, 5),
            *(visits.run(int, "1") for _ in range(15)),
            visits.run(together.wait, 5),
        )
    assert disk.visits - before == 2


def test_a_tiny_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    found = read_tiny(str(file))
    assert found is not None
    assert (found[0].size, found[1]) == (3, b"abc")
    file.write_bytes(bytes(TINY + 1))
    assert read_tiny(str(file)) is None
    with pytest.raises(SourceUnreadableError):
        read_tiny(str(tmp_path / "none"))


async def test_a_held_file_gives_its_parts_and_knows_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abcdef")
    found = read_tiny(str(file))
    assert found is not None
    source = TinySource(asyncio.to_thread, str(file), *found)
    assert (await source.read(PartSpan(1, 0, 6)))[0] == b"abcdef"
    assert (await source.read(PartSpan(2, 4, 2)))[0] == b"ef"
    assert await source.digest(PartSpan(1, 0, 6)) == await source.whole_digest()
    await source.check()
    file.write_bytes(b"abcdeg!")
    with pytest.raises(SourceChangedError):
        await source.check()
