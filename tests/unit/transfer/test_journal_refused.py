"""A journal that cannot be opened now is not one that is damaged: it stays where it is."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import JobState, TransferError
from dalbrowser.transfer.journal import Journal, lock, schema
from tests.unit.transfer.test_journal import job, opened

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
import json, resource, sys
from pathlib import Path
from dalbrowser.transfer.journal import schema
from dalbrowser.transfer.model import TransferError
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
try:
    said = schema.open_journal(Path(sys.argv[1])).note
except TransferError as error:
    said = str(error)
print(json.dumps(said))
"""


async def kept(path: Path) -> list[str]:
    """Write three jobs down; returns the names that are beside the journal."""
    journal = await opened(path)
    await journal.add_jobs([job() for _ in range(3)])
    await journal.close()
    return names(path.parent)


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def opened_on_full(path: Path) -> str:
    """Return what another process says that can write no more."""
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    return str(json.loads(run.stdout))


async def left(path: Path) -> int:
    journal = await opened(path)
    assert journal.note is None
    found = await journal.unfinished()
    await journal.close()
    return len(found)


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of file sizes is POSIX")
async def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    before = await kept(path)
    assert "cannot be opened" in await asyncio.to_thread(opened_on_full, path)
    assert [name for name in names(tmp_path) if "damaged" in name] == []
    assert set(before) <= set(names(tmp_path))
    assert await left(path) == 3


async def test_one_that_somebody_reads_for_himself_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.sqlite"
    await kept(path)
    monkeypatch.setattr(schema, "BUSY", 50)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE job SET attempts = 0")
        journal = Journal(path, "a test")
        with pytest.raises(TransferError, match="locked"):
            await journal.open()
        other.execute("ROLLBACK")
    assert [name for name in names(tmp_path) if "damaged" in name] == []
    assert await left(path) == 3


async def test_one_that_may_not_be_written_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.sqlite"
    await kept(path)
    connect = sqlite3.connect

    def only_to_read(name: Path | str, **options: object) -> sqlite3.Connection:
        # Root may write whatever the rights of a file are.
        return connect(f"file:{path}?mode=ro", **{**options, "uri": True})  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(sqlite3, "connect", only_to_read)
    with pytest.raises(TransferError, match="cannot be opened"):
        await Journal(path, "a test").open()
    monkeypatch.undo()
    assert await left(path) == 3


async def test_a_step_to_a_new_version_that_fails_is_said_and_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.sqlite"
    await kept(path)
    broken = (*schema.MIGRATIONS, "CREATE TABLE more (id); INSERT INTO nowhere VALUES (1);")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", len(broken))
    with pytest.raises(TransferError, match="cannot be opened"):
        await Journal(path, "a test").open()
    monkeypatch.undo()
    assert await left(path) == 3


async def test_a_lock_that_could_not_be_noted_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.sqlite"
    await kept(path)

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TransferError, match="No space left"):
        await Journal(path, "a test").open()
    monkeypatch.undo()
    assert await left(path) == 3


async def test_a_disk_without_locks_is_nobody_elses_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_fd: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock, "_try_lock", none)
    with pytest.raises(TransferError, match="No locks available"):
        await Journal(tmp_path / "j.sqlite", "a test").open()


def rot(path: Path) -> None:
    """Damage a page of rows as a disk does by itself: size and time stay."""
    facts = path.stat()
    with path.open("r+b") as file:
        file.seek(facts.st_size // 8192 * 4096)
        file.write(b"\xff" * 4096)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.DONE])
async def test_a_page_that_rots_is_seen_by_who_reads_it_and_does_not_stop_each_start(
    tmp_path: Path, state: JobState
) -> None:
    path = tmp_path / "j.sqlite"
    journal = await opened(path)
    rows = [job(key="k" * 500, state=state, finished=1.0) for _ in range(2000)]
    await journal.add_jobs(rows)
    await journal.close()
    rot(path)
    journal = await opened(path)
    if state is JobState.DONE:
        # No start reads what is over; whoever looks at it hears of it.
        assert journal.note is None
        assert await journal.unfinished() == []
        with pytest.raises(TransferError, match="damaged"):
            await journal.batch_rows(0)
        await journal.close()
        journal = await opened(path)
    assert journal.note is not None
    assert "set aside" in journal.note
    assert await journal.unfinished() == []
    await journal.close()
