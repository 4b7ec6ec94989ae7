"""The log of a job, the history page by page, and one snapshot of everything."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import JobState, Snapshot
from dalbrowser.transfer.journal.past import LINES_KEPT
from tests.faults.rig import MiB, make_file

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from dalbrowser.transfer import JobView, TransferEngine
    from tests.faults.rig import Rig


async def snapshot(rig: Rig, engine: TransferEngine, limit: int = 200) -> Snapshot:
    await engine.tell_all(limit)
    return next(event for event in reversed(rig.events) if isinstance(event, Snapshot))


def small_files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}").write_bytes(b"x" * number)
    return folder


async def test_a_failure_and_its_retries_are_in_the_log(rig: Rig) -> None:
    make_file(rig.folder / "big", MiB)

    async def busy(operation: str, _path: str, args: Any) -> None:
        if operation == "create_multipart" and rig.wire.count(operation) < 3:
            raise StorageError(
                ErrorKind.RATE_LIMITED,
                "The server is busy.",
                status=ErrorStatus.PERSISTENT,
                context={"status": "503"},
            )

    rig.wire.before = busy
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        (view,) = await engine.wait([number])
        live = await engine.log(number)
    assert view.state is JobState.DONE
    states = [line.state for line in live]
    assert states[0] is JobState.QUEUED
    assert states[-1] is JobState.DONE
    waited = [line for line in live if line.state is JobState.WAITING_LIMIT]
    assert waited, live
    assert all("busy" in line.text and line.again for line in waited)
    assert "verified" in live[-1].text
    assert [line.at for line in live] == sorted(line.at for line in live)
    async with rig.engine() as engine:
        assert await engine.log(number) == live, "it outlives the process"
        await engine.clear_completed()
        assert await engine.log(number) == []
    assert rig.on_disk("SELECT count(*) FROM event") == [(0,)], "and goes with its job"


async def test_small_files_without_trouble_write_no_lines(rig: Rig) -> None:
    folder = small_files(rig.folder / "many", 30)
    async with rig.engine() as engine:
        (number,) = await engine.upload([folder], rig.at("x/"))
        await engine.wait([number])
        files, complete = await engine.files(number)
        lines = await engine.log(files[0].id)
    assert complete
    assert [line.state for line in lines] == [JobState.QUEUED, JobState.DONE]
    assert lines[1].text
    assert rig.on_disk("SELECT DISTINCT job FROM event") == [(number,)]


async def test_the_log_of_a_job_is_bounded(rig: Rig) -> None:
    make_file(rig.folder / "a", 10)
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "a", rig.at("a"))
        await engine.wait([number])
        job = engine._live[number]
        for _ in range(LINES_KEPT + 50):
            job.row.state = JobState.FAILED
            engine._log.entered(job)
        assert len(await engine.log(number)) == LINES_KEPT


async def test_an_upload_that_was_killed_says_so(rig: Rig) -> None:
    make_file(rig.folder / "a", 10)
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "a", rig.at("a"))
        await engine.wait([number])
    with closing(sqlite3.connect(rig.journal)) as db:
        db.execute("UPDATE job SET state = 'running', finished = NULL")
        db.commit()
    async with rig.engine() as engine:
        assert (await engine.log(number))[-1].state is JobState.INTERRUPTED


async def test_history_comes_batch_by_batch_and_file_by_file(rig: Rig) -> None:
    folder = small_files(rig.folder / "many", 25)
    for name in "ab":
        make_file(rig.folder / name, 10)
    async with rig.engine() as engine:
        (first,) = await engine.upload([folder], rig.at("x/"))
        pair = await engine.upload([rig.folder / "a", rig.folder / "b"], rig.at("y/"))
        await engine.wait([first, *pair])
    async with rig.engine() as engine:
        told = await snapshot(rig, engine)
        assert told.views == ()
        two, one = told.batches
        assert dict(two.counts) == {JobState.DONE: 2}
        assert (two.bytes_total, two.bytes_done) == (20, 20)
        assert two.first is not None
        assert two.first.name == "a"
        assert one.first is not None
        assert one.first.is_folder
        assert (one.first.files_done, one.first.files_total) == (25, 25)
        assert told.older is None
        short = await snapshot(rig, engine, 1)
        assert [batch.id for batch in short.batches] == [two.id]
        assert short.older == two.id
        assert await engine.batches(two.id, 5) == ((one,), None)
        found: list[JobView] = []
        complete = False
        while not complete:
            page, complete = await engine.files(first, found[-1].id if found else 0, 10)
            found += page
        assert [view.name for view in found] == [f"{number:04}" for number in range(25)]
        jobs, complete = await engine.files(-two.id)
        assert ([view.name for view in jobs], complete) == (["a", "b"], True)


async def test_a_snapshot_counts_every_job_once(rig: Rig) -> None:
    """While jobs end and leave the live list, whatever the moment."""
    paths = [rig.folder / f"{number:03}" for number in range(120)]
    for path in paths:
        path.write_bytes(b"x" * 100)
    async with rig.engine(live_finished_cap=10) as engine:
        ids = await engine.upload(paths, rig.at("x/"))
        waiting = asyncio.ensure_future(engine.wait(ids))
        seen = 0
        while not waiting.done():
            told = await snapshot(rig, engine)
            past = sum(count for batch in told.batches for _, count in batch.counts)
            assert past + len(told.views) == 120
            seen += 1
        assert seen > 2
        await waiting


async def test_a_hundred_thousand_rows_do_not_slow_the_start(rig: Rig) -> None:
    make_file(rig.folder / "a", 10)
    async with rig.engine() as engine:
        await engine.wait([await engine.upload_file(rig.folder / "a", rig.at("a"))])

    async def start() -> float:
        # Of this process alone: what else the machine does is no matter here.
        begun = time.process_time()
        async with rig.engine() as engine:
            took = time.process_time() - begun
            await engine.tell_all()
        return took

    empty = min([await start() for _ in range(3)])
    fill(rig.journal, 100_000)
    full = min([await start() for _ in range(3)])
    told = next(event for event in reversed(rig.events) if isinstance(event, Snapshot))
    assert len(told.batches) == 200
    assert rig.on_disk("SELECT count(*) FROM job") > [(99_000,)]
    assert full < empty + 0.25, f"{empty:.3f} s without, {full:.3f} s with history"


def fill(journal: Path, count: int) -> None:
    """Multiply the one finished job of a journal."""
    with closing(sqlite3.connect(journal)) as db:
        names = [row[1] for row in db.execute("PRAGMA table_info(job)")]
        others = ", ".join(name for name in names if name not in ("id", "batch", "finished"))
        db.execute(
            f"INSERT INTO job (batch, finished, {others})"  # noqa: S608
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            f" SELECT 1000 + i / 100, finished + i, {others} FROM n, job WHERE job.id ="
            " (SELECT min(id) FROM job)",
            (count,),
        )
        db.commit()
