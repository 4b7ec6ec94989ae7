"""Writes are whole or not at all, reads are of one state, deletes are exact."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpCopy,
    OpCreateDir,
    OpRead,
    OpRename,
    OpWrite,
)
from dalbrowser.storage.services.fs import atomic
from dalbrowser.storage.services.fs.root import Place
from dalbrowser.storage.types import ByteRange

if TYPE_CHECKING:
    from tests.unit.fs.conftest import Disk


async def test_an_aborted_write_leaves_nothing_not_even_its_folders(disk: Disk) -> None:
    writer = await disk.fs.write("a/b/c", OpWrite())
    await writer.write(b"x" * 1_000_000)
    assert await disk.keys("a/b/") == ["a/b/"]
    await writer.abort()
    await writer.abort()
    assert disk.files() == []


async def test_readers_see_the_old_file_until_the_new_is_whole(disk: Disk) -> None:
    await disk.put("a", b"old")
    writer = await disk.fs.write("a", OpWrite())
    await writer.write(b"new" * 200_000)
    assert await disk.get("a") == b"old"
    await writer.close()
    assert await disk.get("a") == b"new" * 200_000


async def test_only_one_of_many_exclusive_writers_wins(disk: Disk) -> None:
    writers = [await disk.fs.write("a", OpWrite(if_not_exists=True)) for _ in range(8)]
    for number, writer in enumerate(writers):
        await writer.write(b"%d" % number)
    results = await asyncio.gather(*(w.close() for w in writers), return_exceptions=True)
    won = [number for number, result in enumerate(results) if not isinstance(result, Exception)]
    lost = [result for result in results if isinstance(result, StorageError)]
    assert len(won) == 1
    assert {error.kind for error in lost} == {ErrorKind.CONDITION_NOT_MATCH}
    assert await disk.get("a") == b"%d" % won[0]
    for writer in writers:
        await writer.abort()
    assert disk.files() == ["a"]


async def test_exclusive_rename_works_without_the_kernels_help(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_renameat2", lambda: None)
    await disk.put("a", b"one", if_not_exists=True)
    with pytest.raises(StorageError) as caught:
        await disk.put("a", b"two", if_not_exists=True)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await disk.get("a") == b"one"
    assert disk.files() == ["a"]


async def test_appends_of_many_writers_all_arrive(disk: Disk) -> None:
    await asyncio.gather(*(disk.put("log", b"%03d\n" % n, append=True) for n in range(24)))
    lines = (await disk.get("log")).split()
    assert sorted(lines) == [b"%03d" % n for n in range(24)]
    assert disk.files() == ["log"]


async def test_an_append_that_fails_takes_its_bytes_back(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await disk.put("log", b"first")
    real = atomic.copy_slice

    def cut(source: int, offset: int, target: int, size: int) -> int:
        if offset:
            raise OSError(errno.EIO, "Input/output error")
        return real(source, offset, target, min(size, 10))

    monkeypatch.setattr("dalbrowser.storage.services.fs.temporary.copy_slice", cut)
    with pytest.raises(StorageError):
        await disk.put("log", b"y" * 100, append=True)
    assert await disk.get("log") == b"first"
    assert disk.files() == ["log"]


async def test_a_write_of_the_wrong_length_is_not_kept(disk: Disk) -> None:
    for size, kind in ((3, ErrorKind.CONTENT_TRUNCATED), (9, ErrorKind.CONTENT_INCOMPLETE)):
        with pytest.raises(StorageError) as caught:
            await disk.put("a", b"12345", content_length=size)
        assert caught.value.kind is kind
    assert disk.files() == []


async def test_permissions_of_a_replaced_file_are_kept(disk: Disk) -> None:
    await disk.put("run.sh", b"old")
    (disk.root / "run.sh").chmod(0o750)
    await disk.put("run.sh", b"new")
    assert (disk.root / "run.sh").stat().st_mode & 0o777 == 0o750


async def test_every_write_has_its_own_etag(disk: Disk) -> None:
    seen = {(await disk.put("a", b"same")).etag for _ in range(50)}
    assert len(seen) == 50


async def test_a_cancelled_write_never_reaches_another_file(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread outlives its cancelled caller; its descriptor must not be closed under it."""
    began, go_on = threading.Event(), threading.Event()
    real = os.write

    def slow(fd: int, data: Any) -> int:
        began.set()
        go_on.wait(10)
        return real(fd, data)

    writer = await disk.fs.write("a", OpWrite())
    monkeypatch.setattr(os, "write", slow)
    task = asyncio.create_task(writer.write(b"x" * 1_000_000))
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    abort = asyncio.create_task(writer.abort())
    monkeypatch.setattr(os, "write", real)
    other = await disk.fs.write("b", OpWrite())
    await other.write(b"y" * 500_000)
    go_on.set()
    await abort
    await other.close()
    assert await disk.get("b") == b"y" * 500_000
    assert disk.files() == ["b"]


async def test_a_file_changed_while_it_is_read_is_never_mixed(disk: Disk) -> None:
    await disk.put("a", b"a" * 100)
    reply = await disk.fs.read("a", OpRead())
    assert await reply.body.read(10) == b"a" * 10
    with (disk.root / "a").open("r+b") as file:
        file.write(b"b" * 100)
    with pytest.raises(StorageError) as caught:
        await reply.body.read(10)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    await reply.body.aclose()


async def test_a_replaced_file_is_read_to_its_old_end(disk: Disk) -> None:
    await disk.put("a", b"a" * 100)
    reply = await disk.fs.read("a", OpRead())
    assert await reply.body.read(10) == b"a" * 10
    await disk.put("a", b"b" * 100)
    assert await reply.body.read(1000) == b"a" * 90
    await reply.body.aclose()
    with pytest.raises(StorageError) as caught:
        await disk.get("a", if_match=reply.metadata.etag)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH


@pytest.mark.parametrize("seed", range(4))
async def test_native_seek_against_a_plain_file(disk: Disk, seed: int) -> None:
    rng = random.Random(seed)
    data = rng.randbytes(10_000)
    await disk.put("a", data)
    start = rng.randrange(5000)
    end = start + rng.randrange(1, 6000)
    reply = await disk.fs.read("a", OpRead(range=ByteRange(start, end)))
    body: Any = reply.body
    view = data[start:end]
    assert reply.size == len(view)
    for _ in range(30):
        to = rng.randrange(len(view) + 50)
        assert await body.seek(to - len(view), os.SEEK_END) == to
        assert await body.read(100) == view[to : to + 100]
    with pytest.raises(StorageError):
        await body.seek(-1, os.SEEK_SET)
    await body.aclose()


async def test_a_range_past_the_end(disk: Disk) -> None:
    await disk.put("a", b"12345")
    assert await disk.get("a", range=ByteRange(3, 99)) == b"45"
    assert await disk.get("a", range=ByteRange.suffix(99)) == b"12345"
    assert await disk.get("a", range=ByteRange.suffix(0)) == b""
    with pytest.raises(StorageError) as caught:
        await disk.get("a", range=ByteRange(6))
    assert caught.value.kind is ErrorKind.RANGE_NOT_SATISFIED


async def test_delete_is_exact(disk: Disk) -> None:
    await disk.put("d/a")
    await disk.put("f")
    await disk.delete("f/")
    await disk.delete("d")
    await disk.delete("f/under")
    await disk.delete("none/at/all")
    with pytest.raises(StorageError, match="not empty"):
        await disk.delete("d/")
    with pytest.raises(StorageError):
        await disk.delete("")
    assert disk.files() == ["d", "d/a", "f"]
    await disk.delete("d/a")
    await disk.delete("d/")
    assert disk.files() == ["f"]


async def test_a_folder_with_only_leftovers_of_a_crash_can_be_deleted(disk: Disk) -> None:
    (disk.root / "d").mkdir()
    (disk.root / "d/.dalbrowser-tmp-0000").write_bytes(b"left over")
    await disk.delete("d/")
    assert disk.files() == []


async def test_a_folder_that_is_written_to_is_not_deleted(disk: Disk) -> None:
    await disk.fs.create_dir("d/", OpCreateDir())
    writer = await disk.fs.write("d/a", OpWrite())
    with pytest.raises(StorageError, match="not empty"):
        await disk.delete("d/")
    await writer.close()
    assert await disk.get("d/a") == b""


async def test_rename_of_two_names_of_one_file_leaves_one(disk: Disk) -> None:
    await disk.put("a", b"one")
    (disk.root / "b").hardlink_to(disk.root / "a")
    await disk.fs.rename("a", "b", OpRename())
    assert disk.files() == ["b"]


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("linked", [False, True])
async def test_a_name_changes_its_case_where_case_makes_no_other_name(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, *, exclusive: bool, linked: bool
) -> None:
    """FAT, CIFS, and ext4 where it is asked for: the other name is the same entry already."""
    await disk.put("Read.me", b"one")
    await disk.put("other", b"two")
    if linked:
        (disk.root / "elsewhere").hardlink_to(disk.root / "Read.me")

    def lstat(place: Place) -> os.stat_result:
        for item in Path(f"/proc/self/fd/{place.fd}").iterdir():
            if item.name.casefold() == place.name.casefold():
                return item.lstat()
        raise FileNotFoundError

    monkeypatch.setattr(Place, "lstat", lstat)
    await disk.fs.rename("Read.me", "READ.ME", OpRename(if_not_exists=exclusive))
    assert "READ.ME" in disk.files()
    assert (disk.root / "READ.ME").read_bytes() == b"one"
    if exclusive:
        with pytest.raises(StorageError):
            await disk.fs.rename("READ.ME", "OTHER", OpRename(if_not_exists=True))
    assert (disk.root / "other").read_bytes() == b"two"


async def test_rename_onto_itself_through_a_link_keeps_the_file(disk: Disk) -> None:
    await disk.put("real/a", b"one")
    (disk.root / "real/b").hardlink_to(disk.root / "real/a")
    (disk.root / "link").symlink_to("real")
    with pytest.raises(StorageError) as caught:
        await disk.fs.rename("link/a", "real/a", OpRename())
    assert caught.value.kind is ErrorKind.IS_SAME_FILE
    assert await disk.get("real/a") == b"one"


async def test_metadata_that_does_not_fit_is_refused(disk: Disk) -> None:
    if not disk.fs.info().capability.write_with_user_metadata:
        pytest.fail("the tests' folder keeps no extended attributes; put it on ext4, xfs or btrfs")
    with pytest.raises(StorageError, match="metadata"):
        await disk.put("a", b"x", user_metadata={"k": "v" * 100_000})
    assert disk.files() == []


async def test_copy_keeps_metadata_and_checks_its_source(disk: Disk) -> None:
    first = await disk.put("a", b"one", content_type="text/x", user_metadata={"k": "v"})
    copied = await disk.fs.copy("a", "d/b", OpCopy(if_match=first.etag))
    assert (copied.content_type, copied.user_metadata) == ("text/x", {"k": "v"})
    assert await disk.stat("d/b") == copied
    with pytest.raises(StorageError) as caught:
        await disk.fs.copy("a", "e/c", OpCopy(if_match='"other"'))
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert disk.files() == ["a", "d", "d/b"]


_watching: set[str] = set()
_seen: list[str] = []


def _hook(event: str, args: object) -> None:
    if event in _watching and threading.current_thread() is threading.main_thread():
        _seen.append(event)


async def test_nothing_touches_the_disk_on_the_loop(disk: Disk) -> None:
    sys.addaudithook(_hook)
    _seen.clear()
    _watching.update({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.scandir"})
    try:
        await disk.put("a/b", b"x" * 2_000_000)
        await disk.get("a/b")
        await disk.fs.copy("a/b", "c", OpCopy())
        await disk.fs.rename("c", "d/e", OpRename())
        await disk.keys(recursive=True)
        await disk.delete("a/b")
        await disk.delete("a/")
        assert _seen == []
        with (disk.root / "d/e").open("rb"):
            assert _seen == ["open"]
    finally:
        _watching.clear()
