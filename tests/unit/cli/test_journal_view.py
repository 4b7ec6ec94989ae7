"""Looking at a journal that others write, or that was left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dalbrowser.cli.journal_view import read_jobs
from dalbrowser.cli.wording import CommandError
from dalbrowser.profiles import Profile
from dalbrowser.transfer import Direction, JobState
from dalbrowser.transfer.journal import JobRow, Journal, JournalLock, PartRow, PlanRow
from dalbrowser.transfer.journal.holder import holder

if TYPE_CHECKING:
    from pathlib import Path

WORK = Profile("w", "work", "s3").to_json()
ADHOC = Profile("adhoc-1", "s3", "s3", {"credentials": "environment"}).to_json()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def row(**fields: object) -> JobRow:
    values: dict[str, object] = {
        "direction": Direction.UPLOAD, "profile": WORK, "bucket": "b", "key": "k", "total": 100,
        "created": 1.0,
    }  # fmt: skip
    return JobRow(**{**values, **fields})  # type: ignore[arg-type]


async def test_jobs_while_held_and_after(path: Path) -> None:
    journal = Journal(path, "the test")
    await journal.open()
    rows = [
        row(state=JobState.RUNNING, done=3),
        row(state=JobState.DONE, profile=ADHOC, key="a\nb c"),
        row(state=JobState.PAUSED, bucket="", key="dir/x", total=None),
        row(state=JobState.FAILED, key="/k\udcff", error="no"),
    ]
    ids = await journal.add_jobs(rows)
    await journal.part_done(ids[0], PartRow(1, 30, "e", "m", True))
    await journal.part_done(ids[0], PartRow(2, 40, "e", "m", True))
    journal.note_part_begun(ids[0], 3, 30)
    held = holder(path)
    assert held is not None
    assert (held.pid, held.who) == (os.getpid(), "the test")
    assert time.time() - held.since < 60
    running, paused, failed = read_jobs(path, finished=False, files=False)
    assert (running.id, running.state, running.done, running.total) == (
        ids[0],
        JobState.RUNNING,
        70,
        100,
    )
    assert running.place == "work:b/k"
    assert (paused.place, paused.total) == ("work:dir/x", None)
    assert (failed.place, failed.error) == ("work:b//k\udcff", "no")
    await journal.close()
    assert holder(path) is None
    everything = list(read_jobs(path, finished=True, files=False))
    assert [job.state for job in everything] == [
        JobState.INTERRUPTED, JobState.DONE, JobState.PAUSED, JobState.FAILED,
    ]  # fmt: skip
    assert everything[1].place == "s3://b/a\nb c"
    assert everything[1].done == 100


async def test_a_folder_sums_over_its_files(path: Path) -> None:
    journal = Journal(path, "the test")
    await journal.open()
    (folder,) = await journal.add_jobs([row(is_folder=True, key="t/", total=None)])
    plan = PlanRow(job=folder, source="/t", target="t/")
    files = [row(parent=folder, key=f"t/{n}", total=10, done=n) for n in (4, 6)]
    await journal.advance_plan(plan, files, [], finished=True)
    await journal.close()
    (shown,) = read_jobs(path, finished=False, files=False)
    assert (shown.done, shown.total) == (10, 20)
    assert [job.place for job in read_jobs(path, finished=False, files=True)] == [
        "work:b/t/", "work:b/t/4", "work:b/t/6",
    ]  # fmt: skip


def test_no_journal_is_no_jobs(path: Path) -> None:
    assert list(read_jobs(path, finished=True, files=True)) == []
    assert holder(path) is None
    assert not path.exists()


def test_a_file_that_is_no_journal_is_said_and_not_touched(path: Path) -> None:
    path.write_bytes(b"not a database, not at all" * 100)
    before = path.read_bytes()
    with pytest.raises(CommandError, match="cannot be read"):
        list(read_jobs(path, finished=False, files=False))
    assert path.read_bytes() == before


def test_what_a_killed_process_left_in_the_lock_is_not_a_holder(path: Path) -> None:
    lock = path.with_name("journal.sqlite.lock")
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, check=True)  # fmt: skip
    for pid in (int(child.stdout), os.getpid()):
        lock.write_text(json.dumps({"pid": pid, "since": 1.0, "who": "gone"}))
        assert holder(path) is None
    lock.write_text("garbage")
    assert holder(path) is None


def test_looking_does_not_keep_another_from_the_lock(path: Path) -> None:
    lock = path.with_name("journal.sqlite.lock")
    lock.write_text(json.dumps({"pid": os.getpid(), "since": 1.0, "who": "gone"}))
    assert holder(path) is None
    mine = JournalLock(lock)
    mine.acquire("me")
    found = holder(path)
    assert found is not None
    assert found.who == "me"
    mine.release()
