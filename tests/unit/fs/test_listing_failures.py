"""A listing that fails for a moment loses no entry, and one that cannot go on never just ends."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layers.retry import RetryLayer
from dalbrowser.storage.options import OpList
from dalbrowser.storage.types import EntryMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dalbrowser.storage.types import Entry
    from tests.unit.fs.conftest import Disk


@pytest.fixture
def keys(disk: Disk) -> list[str]:
    """Folders with files; all keys in order."""
    found = []
    for folder in "abcd":
        (disk.root / folder).mkdir()
        found.append(f"{folder}/")
        for name in "123":
            (disk.root / folder / name).write_bytes(b"x")
            found.append(f"{folder}/{name}")
    return found


async def test_too_many_open_files_for_a_moment(disk: Disk, keys: list[str]) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    waits = []

    async def files_are_closed_meanwhile(seconds: float, /) -> None:
        waits.append(seconds)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    op = Operator.from_accessor(disk.fs).layer(RetryLayer(sleep=files_are_closed_meanwhile))
    lister = op.lister("", recursive=True, limit=6)
    found = [entry.path for entry in await lister.next_page() or ()]
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        while page := await lister.next_page():
            found += [entry.path for entry in page]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert waits
    assert found == keys


async def test_a_failure_that_stays_is_raised_each_time(
    disk: Disk, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "c":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    lister = await disk.fs.list("", OpList(recursive=True))
    page = await lister.next_page()
    assert page is not None
    assert [entry.path for entry in page.entries] == [key for key in keys if key <= "c/"]
    for _ in range(2):
        with pytest.raises(StorageError, match="'c/'") as caught:
            await lister.next_page()
        assert caught.value.kind is ErrorKind.PERMISSION_DENIED
    await lister.aclose()


async def test_a_page_that_nobody_waited_for_any_more_comes_next(
    disk: Disk, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lister = await disk.fs.list("", OpList(recursive=True, limit=3))
    first = await lister.next_page()
    assert first is not None
    begun, slow, take = threading.Event(), threading.Event(), lister._take

    def taking() -> list[Entry]:
        begun.set()
        slow.wait(10)
        return take()

    monkeypatch.setattr(lister, "_take", taking)
    waiting = asyncio.create_task(lister.next_page())
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    await asyncio.wait([waiting])
    slow.set()
    await disk.settled()
    found = [entry.path for entry in first.entries]
    while page := await lister.next_page():
        found += [entry.path for entry in page.entries]
    assert found == keys


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder on a file system that keeps any time (ext4 does not)."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


async def test_a_time_beyond_the_calendar_hides_nothing(in_memory: Path) -> None:
    (in_memory / "odd").write_bytes(b"abc")
    (in_memory / "plain").write_bytes(b"abc")
    os.utime(in_memory / "odd", (0, 400_000_000_000))  # the year 14,645
    async with Operator("fs", root=str(in_memory)) as op:
        found = {entry.path: entry.metadata for entry in await op.list("")}
        assert set(found) == {"odd", "plain"}
        assert found["odd"].last_modified is None
        assert found["odd"].content_length == 3
        assert await op.read("odd") == b"abc"


@pytest.mark.parametrize("code", [errno.ENOTCONN, errno.EIO, errno.EACCES])
async def test_one_that_cannot_be_looked_at_hides_no_other(
    disk: Disk, keys: list[str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A mount whose server died answers so (ENOTCONN), and stands in many a home folder."""
    real = os.stat

    def refusing(path: str | int, **how: object) -> os.stat_result:
        if path == "b":
            raise OSError(code, os.strerror(code))
        return real(path, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refusing)
    lister = await disk.fs.list("", OpList())
    page = await lister.next_page()
    assert page is not None
    assert [entry.path for entry in page.entries] == ["a/", "b/", "c/", "d/"]
    assert page.entries[1].metadata.mode is EntryMode.DIR
    assert page.entries[1].metadata.last_modified is None
    await lister.aclose()
