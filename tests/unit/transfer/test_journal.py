"""The journal: what survives, what is set aside, who owns it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dalbrowser.profiles import Profile
from dalbrowser.transfer import (
    ConflictPolicy,
    Direction,
    JobState,
    JournalHeld,
    TransferError,
)
from dalbrowser.transfer.journal import (
    DownloadRow,
    JobRow,
    Journal,
    PartRow,
    PlanRow,
    UploadRow,
    schema,
)
from dalbrowser.transfer.journal.rows import JOB_COLUMNS, job_values
from tests.faults.rig import Rig, make_file

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = Profile("p", "name", "memory").to_json()


def job(**different: object) -> JobRow:
    row = JobRow(direction=Direction.UPLOAD, profile=PROFILE, bucket="b", key="k", created=1.0)
    for name, value in different.items():
        setattr(row, name, value)
    return row


async def opened(path: Path) -> Journal:
    journal = Journal(path, "a test")
    await journal.open()
    return journal


def contents(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob(pattern))]


async def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "state" / "j.sqlite"
    journal = await opened(path)
    row = job(
        key="odd\x01\udcff/ü", local_path="/a/\udcfe", policy=ConflictPolicy.KEEP_BOTH, begun=True
    )
    plan = PlanRow(job=0, source="/s\udc80", target="t/", cursor="c")
    await journal.add_jobs([row], [plan])
    upload = UploadRow(
        job=row.id, state="begun", upload_id="u", part_size=5, size=9,
        mtime_ns=2**62, dev=2**64 - 1, inode=2**63 + 5, options={"a": ["ü"]}, intended=1.5,
    )  # fmt: skip
    await journal.save_upload(upload)
    part = PartRow(1, 5, '"e"', "00", True)
    journal.note_part_begun(row.id, 1, 5)
    await journal.part_done(row.id, part)
    journal.note_part_begun(row.id, 2, 4)
    download = DownloadRow(job=row.id, temp="/t/\udcff", etag="e", version="v", size=3, mtime=0.5)
    await journal.save_download(download)
    await journal.intervals_done(row.id, [(0, 3)])
    await journal.close()

    journal = await opened(path)
    assert await journal.unfinished() == [row]
    assert await journal.upload(row.id) == upload
    assert await journal.parts(row.id) == [part, PartRow(2, 4, "", "", False)]
    assert await journal.download(row.id) == download
    assert await journal.intervals(row.id) == [(0, 3)]
    assert [(p.source, p.cursor) for p in await journal.plans(row.id)] == [("/s\udc80", "c")]
    row.state = JobState.DONE
    row.finished = 2.0
    await journal.finish(row)
    assert await journal.upload(row.id) is None
    assert await journal.parts(row.id) == []
    assert [found.id for found in await journal.history(10)] == [row.id]
    await journal.close()


async def test_it_is_private_and_synced(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "state" / "j.sqlite")
    settings = await journal._thread.run(
        lambda db: [
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    )
    assert settings == ["wal", 2]
    assert (tmp_path / "state").stat().st_mode & 0o77 == 0
    await journal.close()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "page"])
async def test_damaged_journal_is_set_aside_not_deleted(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "j.sqlite"
    journal = await opened(path)
    await journal.add_jobs([job() for _ in range(2000)])
    await journal.close()
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        data[:] = b"this is no database " * 500
    elif damage == "truncated":
        del data[len(data) // 2 :]
    else:
        for at in range(4096, len(data) - 4096, 8192):
            data[at : at + 2000] = b"\xff" * 2000
    path.write_bytes(data)

    journal = await opened(path)

    assert journal.note is not None
    assert "set aside" in journal.note
    assert contents(tmp_path, "*.damaged-*") == [bytes(data)]
    assert await journal.unfinished() == []
    await journal.add_jobs([job()])
    await journal.close()


@pytest.mark.parametrize("since", ["nothing", "written", "replaced", "killed"])
async def test_only_what_was_touched_is_looked_through(tmp_path: Path, since: str) -> None:
    path = tmp_path / "j.sqlite"
    journal = await opened(path)
    over = [job(key="k" * 500, state=JobState.DONE, finished=1.0) for _ in range(2000)]
    await journal.add_jobs(over)
    await journal.close()
    facts = path.stat()
    with path.open("r+b") as file:
        # A page of rows only, far from those that every start reads.
        file.seek(facts.st_size // 8192 * 4096)
        file.write(b"\xff" * 4096)
    if since == "replaced":
        copy = tmp_path / "copy"
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
    if since != "written":
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    if since == "killed":
        path.with_name("j.sqlite-wal").write_bytes(b"a log of what was not brought in")

    journal = await opened(path)

    assert (journal.note is None) == (since == "nothing")
    await journal.close()


async def test_journal_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE future (x)")
        db.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    db.close()
    before = path.read_bytes()
    journal = await opened(path)
    assert journal.note is not None
    assert "newer program" in journal.note
    await journal.add_jobs([job()])
    await journal.close()
    assert path.read_bytes() == before
    # Its own list is found again by the next start.
    journal = await opened(path)
    assert len(await journal.unfinished()) == 1
    await journal.close()


async def test_a_journal_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    old = job(id=3, key="old", begun=True)
    names = [name for name in JOB_COLUMNS if name not in ("sent", "made", "compared", "trouble")]
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{schema.MIGRATIONS[0]}PRAGMA user_version = 1;")
        db.execute("INSERT INTO connection VALUES (1, ?)", (PROFILE,))
        values = job_values(old, {PROFILE: 1})
        marks = ", ".join(f":{name}" for name in names)
        db.execute(f"INSERT INTO job ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608
        db.commit()

    journal = await opened(path)
    try:
        assert await journal.unfinished() == [old]
    finally:
        await journal.close()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        ("The folder is gone.", "The folder is gone."),
        ("1 of 2 files did not arrive; their rows say why.", ""),
        ("1 of 2 files did not arrive; their rows say why. Gone: /ü.", "Gone: /ü."),
        ("1 of 2 files did not arrive; their rows say why. Gone: /\udcfe.", "Gone: /\udcfe."),
        (
            "1 of 2 files did not arrive; their rows say why. No more of them were looked for"
            " meanwhile.",
            "",
        ),
    ],
)
async def test_the_trouble_of_a_folder_of_an_older_version_is_kept(
    tmp_path: Path, error: str, trouble: str
) -> None:
    path = tmp_path / "j.sqlite"
    old = job(id=3, is_folder=True, state=JobState.FAILED, error=error)
    names = [name for name in JOB_COLUMNS if name != "trouble"]
    with closing(sqlite3.connect(path)) as db:
        db.executescript("".join(schema.MIGRATIONS[:6]) + "PRAGMA user_version = 6;")
        db.execute("INSERT INTO connection VALUES (1, ?)", (PROFILE,))
        marks = ", ".join(f":{name}" for name in names)
        values = job_values(old, {PROFILE: 1})
        db.execute(f"INSERT INTO job ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608
        db.commit()
    journal = await opened(path)
    (found,) = await journal.unfinished()
    assert (found.error, found.trouble) == (error, trouble)
    await journal.close()


async def test_parts_of_an_older_version_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("".join(schema.MIGRATIONS[:4]) + "PRAGMA user_version = 4;")
        db.execute("INSERT INTO part VALUES (7, 1, 5, 'e', 'm', 1)")
        db.commit()
    journal = await opened(path)
    new = PartRow(2, 6, "f", "n", True, "crc64nvme:AAAAAAAAAAA=")
    await journal.part_done(7, new)
    assert await journal.parts(7) == [PartRow(1, 5, "e", "m", True, ""), new]
    await journal.close()


async def test_older_journal_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j.sqlite"
    journal = await opened(path)
    row = job()
    await journal.add_jobs([row])
    await journal.close()
    later = (*schema.MIGRATIONS, "ALTER TABLE job ADD COLUMN extra TEXT NOT NULL DEFAULT 'x';")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", len(later))
    journal = await opened(path)
    assert journal.note is None
    assert [found.id for found in await journal.unfinished()] == [row.id]
    found = await journal._thread.run(lambda db: db.execute("SELECT extra FROM job").fetchone()[0])
    assert found == "x"
    await journal.close()


HOLD = """
import asyncio, sys
from pathlib import Path
from dalbrowser.transfer.journal import Journal
async def main():
    journal = Journal(Path(sys.argv[1]), "the other one")
    await journal.open()
    print("held", flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def test_one_process_owns_it(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    process = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == b"held\n"
    with pytest.raises(JournalHeld) as caught:
        await opened(path)
    assert (caught.value.pid, caught.value.who) == (process.pid, "the other one")
    assert abs(caught.value.since - time.time()) < 60
    assert f"process {process.pid}" in str(caught.value)
    process.kill()
    await asyncio.to_thread(process.communicate)
    # A killed owner leaves no stale lock.
    journal = await opened(path)
    await journal.close()


async def test_many_small_writes_share_commits(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "j.sqlite")
    rows = [job() for _ in range(500)]
    await journal.add_jobs(rows)
    before = journal.commits
    for row in rows:
        row.state = JobState.DONE
        journal.note_job(row)
    await journal.unfinished()
    assert journal.commits - before <= 3
    before = journal.commits
    await asyncio.gather(
        *(journal.part_done(rows[0].id, PartRow(n, 1, "e", "m", True)) for n in range(200))
    )
    assert journal.commits - before <= 20
    await journal.close()


async def test_what_was_submitted_is_written_though_its_task_was_cancelled(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "j.sqlite")
    row = job()
    await journal.add_jobs([row])
    upload = UploadRow(job=row.id, state="begun", upload_id="precious")
    task = asyncio.ensure_future(journal.save_upload(upload))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await journal.upload(row.id) == upload
    await journal.close()


async def test_failed_statement_harms_no_other(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "j.sqlite")
    row = job()
    await journal.add_jobs([row])
    bad = journal._thread.run(lambda db: db.execute("INSERT INTO nowhere VALUES (1)"))
    good = journal.part_done(row.id, PartRow(1, 1, "e", "m", True))
    results = await asyncio.gather(bad, good, return_exceptions=True)
    assert "could not be written" in str(results[0])
    assert len(await journal.parts(row.id)) == 1
    await journal.close()


async def test_full_history_does_not_slow_the_start(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal = await opened(path)
    rows = [job(state=JobState.DONE, finished=float(n)) for n in range(20_000)]
    await journal.add_jobs(rows)
    await journal.add_jobs([job()])
    await journal.close()
    begun = time.perf_counter()
    journal = await opened(path)
    assert len(await journal.unfinished()) == 1
    assert time.perf_counter() - begun < 2.0
    assert [row.finished for row in await journal.history(2)] == [19_999.0, 19_998.0]
    journal.note_prune(100)
    assert len(await journal.history(1000)) <= 101
    await journal.close()


async def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.config["secret_access_key"] = "TOPSECRETVALUE"
    make_file(tmp_path / "a", 10)
    await rig.upload(tmp_path / "a", "a")
    written = contents(tmp_path, "journal.sqlite*")
    assert any(b"place" in data for data in written)
    assert not any(b"TOPSECRET" in data for data in written)
    await rig.op.aclose()


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
async def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TransferError, match="cannot be opened"):
        await opened(tmp_path / "file" / "j.sqlite")
