"""The journal is damaged, held, locked, from a newer program, or full: nothing is lost of it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import JobState, JournalHeld
from dalbrowser.transfer.journal import JobRow, Journal
from dalbrowser.transfer.journal.rows import JOB_COLUMNS
from dalbrowser.transfer.model import ConflictPolicy, Direction
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Saw

PART = 5 * MiB
SIZE = 2 * PART + 77
ROWS = 100_000
HOLD = """
import asyncio, sys
from pathlib import Path
from dalbrowser.transfer.journal import Journal
async def main():
    await Journal(Path(sys.argv[1]), "the other one").open()
    print("held", flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def interrupted(rig: Rig) -> str:
    """Leave an upload in the middle; returns the digest of its file."""
    rig.options |= {"part_floor": PART, "multipart_above": PART, "parts_per_file": 1}
    sha = make_file(rig.folder / "big", SIZE)
    reached = asyncio.Event()

    async def act() -> None:
        reached.set()
        await asyncio.Event().wait()

    rig.meanwhile("write_multipart", 2, act)
    async with rig.engine() as engine:
        await engine.upload_file(rig.folder / "big", rig.at("big"))
        await reached.wait()
    rig.wire.before = None
    return sha


@pytest.mark.fault("the journal is damaged")
async def test_damaged(service: Rig, saw: Saw) -> None:
    sha = await interrupted(service)
    data = bytearray(service.journal.read_bytes())
    data[:4096] = bytes(4096)
    service.journal.write_bytes(data)
    async with service.engine() as engine:
        note = service.report.note
        assert note is not None
        aside = [path for path in service.folder.glob("journal*") if "damaged" in path.name]
        assert any(path.read_bytes() == data for path in aside), list(service.folder.iterdir())
        saw("set aside and said")
        # What it knew is on the server still, and is proven from there.
        found = [item async for item in service.op.list_multiparts("")]
        assert [item.path for item in found] == ["big"]
        number = await engine.adopt(service.folder / "big", service.at("big"), found[0].upload_id)
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE, view.error
    assert await service.sha("big") == sha
    assert await service.uploads_left() == []
    saw(f"its upload taken up: {view.words}")


@pytest.mark.fault("another process has the journal, and is killed", on="fs")
async def test_held(tmp_path: Path, saw: Saw) -> None:
    rig = Rig(tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(rig.journal),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(JournalHeld, match=f"process {process.pid}"):
        async with rig.engine():
            pass
    saw("said who has it")
    process.kill()
    await process.communicate()
    async with rig.engine():
        saw("taken over after its end")
    await rig.op.aclose()


@pytest.mark.fault("the journal is from a newer version", on="fs")
async def test_newer(tmp_path: Path, saw: Saw) -> None:
    rig = Rig(tmp_path)
    await interrupted(rig)
    with closing(sqlite3.connect(rig.journal)) as db:
        db.execute("PRAGMA user_version = 9999")
    before = sha_of(rig.journal)
    make_file(tmp_path / "small", 1000)
    async with rig.engine() as engine:
        assert rig.report.note is not None
        assert "newer program" in rig.report.note
        assert engine.jobs() == []
        view = (await engine.wait([await engine.upload_file(tmp_path / "small", rig.at("s"))]))[0]
    assert view.state is JobState.DONE
    assert sha_of(rig.journal) == before
    saw("left alone and said")
    saw(f"a list of its own: {view.words}")
    await rig.op.aclose()


@pytest.mark.fault("100,000 rows of history", on="fs")
async def test_a_long_history_does_not_slow_the_start(tmp_path: Path, saw: Saw) -> None:
    rig = Rig(tmp_path)
    (tmp_path / "empty").mkdir()
    other = Rig(tmp_path / "empty")
    await fill(rig)
    seconds: dict[str, float] = {}
    for _ in range(3):
        for name, one in (("long", rig), ("none", other)):
            begun = time.perf_counter()
            async with one.engine() as engine:
                took = time.perf_counter() - begun
                seconds[name] = min(seconds.get(name, took), took)
                assert engine.jobs() == []
                shown = await engine.history(200)
                assert len(shown) == (200 if name == "long" else 0)
    assert seconds["long"] < seconds["none"] + 0.5, seconds
    saw("the start is as fast as without")
    await rig.op.aclose()
    await other.op.aclose()


async def fill(rig: Rig) -> None:
    """Write a history of finished downloads: one by the journal, the others after its image."""
    journal = Journal(rig.journal, "the test")
    await journal.open()
    row = JobRow(
        batch=await journal.add_batch(),
        direction=Direction.DOWNLOAD,
        state=JobState.DONE,
        policy=ConflictPolicy.ASK,
        profile=rig.profile.to_json(),
        bucket="",
        key="k",
        local_path="/nowhere/k",
        finished=0.5,
    )
    await journal.add_jobs([row])
    await journal.close()
    names = ", ".join(name for name in JOB_COLUMNS if name not in ("id", "finished"))
    with closing(sqlite3.connect(rig.journal)) as db:
        numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        copies = f"SELECT {names}, n.i FROM job, n"  # noqa: S608 -- own names only
        db.execute(f"{numbers} INSERT INTO job ({names}, finished) {copies}", (ROWS - 1,))
        db.commit()
        assert db.execute("SELECT count(*) FROM job").fetchone()[0] == ROWS
