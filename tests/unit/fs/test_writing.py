"""Writes are whole or not at all, reads are of one state, deletes are exact."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import itertools
import os
import random
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layers.retry import RetryLayer
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCopy,
    OpCreateDir,
    OpCreateMultipart,
    OpList,
    OpRead,
    OpRename,
    OpWrite,
    OpWriteMultipart,
)
from dalbrowser.storage.services.fs import atomic
from dalbrowser.storage.services.fs.pool import THREADS
from dalbrowser.storage.services.fs.root import Place
from dalbrowser.storage.types import ByteRange

if TYPE_CHECKING:
    from dalbrowser.storage.types import Metadata
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


async def test_a_full_disk_leaves_the_old_file(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    await disk.put("a", b"old")

    def full(fd: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        await disk.put("a", b"x" * 1_000_000)
    with pytest.raises(StorageError, match="disk is full"):
        await disk.put("new/b", b"x" * 1_000_000)
    monkeypatch.undo()
    assert disk.files() == ["a"]
    assert await disk.get("a") == b"old"


@pytest.mark.parametrize("block", [1_000, 100_000, 1_000_000])
async def test_a_disk_that_fills_up_gets_its_room_back(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Whatever the blocks that it was written in; a file of gigabytes kept the disk full."""
    real, left = os.write, 1_500_000

    def filling(fd: int, data: memoryview) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left -= len(data)
        return real(fd, data)

    monkeypatch.setattr(os, "write", filling)
    op = Operator.from_accessor(disk.fs).layer(RetryLayer(base=0.0))

    async def written() -> None:
        async with op.writer("new/deep/a") as writer:
            for _ in range(3_000_000 // block):
                await writer.write(bytes(block))

    with pytest.raises(StorageError, match="disk is full") as caught:
        await written()
    assert getattr(caught.value, "__notes__", []) == []
    assert disk.files() == []
    assert disk.open_files() == []


async def test_an_upload_that_cannot_begin_leaves_nothing(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        await disk.fs.create_multipart("a", OpCreateMultipart())
    assert disk.files() == []


BREAKING = [("fsync", 0), ("fsync", 1), ("fsync", 2), ("ftruncate", 0), ("fstat", 1)]


@pytest.mark.parametrize(("call", "sound"), BREAKING)
async def test_a_disk_that_breaks_leaves_nothing_behind_and_is_named(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, call: str, sound: int
) -> None:
    """The call works ``sound`` times, and then the device reports an error."""
    await disk.put("source", b"one")
    real, left = getattr(os, call), sound

    def breaking(*given: Any) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*given)

    async def act() -> None:
        if call == "fsync":
            await disk.fs.create_multipart("a", OpCreateMultipart())
        else:
            await disk.fs.copy("source", "new/a", OpCopy())

    monkeypatch.setattr(os, call, breaking)
    with pytest.raises(StorageError, match="device reported"):
        await act()
    monkeypatch.undo()
    assert disk.files() == ["source"]


@pytest.mark.parametrize("size", [1_000, 1_000_000])
@pytest.mark.parametrize("in_parts", [False, True])
async def test_a_write_that_is_repeated_leaves_no_byte_twice(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, *, size: int, in_parts: bool
) -> None:
    """What a failed write left behind the bytes taken is written over, and its data kept."""
    real, calls = os.write, itertools.count(1)

    def half(fd: int, data: memoryview) -> int:
        if next(calls) == 2:
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(fd, data[: max(1, len(data) // 2)])

    data = random.Random(size).randbytes(size)
    op = Operator("fs", root=str(disk.root)).layer(RetryLayer(base=0.0))
    if in_parts:
        upload = await op.create_multipart("a")
        monkeypatch.setattr(os, "write", half)
        await upload.complete([await upload.write(1, data)])
    else:
        monkeypatch.setattr(os, "write", half)
        async with op.writer("a") as writer:
            await writer.write(data[: size // 3])
            await writer.write(data[size // 3 :])
    monkeypatch.undo()
    await op.aclose()
    assert (disk.root / "a").read_bytes() == data
    assert next(calls) > 3


async def test_bytes_of_a_write_that_failed_for_good_are_not_kept(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def full(fd: int, data: memoryview) -> int:
        if len(data) < 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:500_000])

    writer = await disk.fs.write("a", OpWrite())
    await writer.write(b"1" * 300_000)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        await writer.write(b"2" * 1_000_000)
    monkeypatch.undo()
    await writer.write(b"3" * 300_000)
    await writer.close()
    assert await disk.get("a") == b"1" * 300_000 + b"3" * 300_000


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


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP])
async def test_exclusive_writes_need_no_hard_links(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Mounts by FUSE have often neither: rclone's, those of phones and of clouds."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic, "_renameat2", lambda: None)
    monkeypatch.setattr(os, "link", refused)
    await disk.put("a", b"one", if_not_exists=True)
    with pytest.raises(StorageError) as caught:
        await disk.put("a", b"two", if_not_exists=True)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    await disk.fs.rename("a", "b", OpRename(if_not_exists=True))
    assert await disk.get("b") == b"one"
    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(StorageError):
        await disk.put("c", b"three", if_not_exists=True)
    assert disk.files() == ["b"]


async def test_a_folder_that_can_be_written_and_not_read(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drop box (mode 0333): what lies in it cannot be waited for, and is there all the same."""
    real = os.open

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "." and not flags & os.O_PATH:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    await disk.put("box/a", b"one")
    await disk.fs.rename("box/a", "box/b", OpRename())
    assert await disk.get("box/b") == b"one"
    await disk.delete("box/b")
    assert disk.files() == ["box"]


async def test_who_completes_the_same_upload_at_that_very_moment_is_not_cut(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other gives its file its name after this one has opened it, before it is locked."""
    upload_id = await disk.fs.create_multipart("a", OpCreateMultipart())
    part = await disk.fs.write_multipart(
        "a", OpWriteMultipart(upload_id=upload_id, number=1, size=3)
    )
    await part.write(b"new")
    parts = [await part.close()]
    real = fcntl.flock
    others: list[Path] = []

    def flock(fd: int, how: int) -> None:
        if not others:
            others.append(disk.root / "published")
            os.write(fd, b"what the other has joined")
            os.rename(Path(f"/proc/self/fd/{fd}").readlink(), others[0])  # noqa: PTH104
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    await disk.fs.complete_multipart("a", parts, OpCompleteMultipart(upload_id=upload_id))
    assert others[0].read_bytes() == b"what the other has joined"
    assert await disk.get("a") == b"new"
    assert disk.files() == ["a", "published"]


async def test_a_file_cleared_away_before_it_was_locked_is_begun_again(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever deletes the folder at that moment takes it for what a crash left."""
    (disk.root / "d").mkdir()
    real = fcntl.flock
    cleared: list[int] = []

    def flock(fd: int, how: int) -> None:
        if not cleared:
            cleared.append(fd)
            Path(f"/proc/self/fd/{fd}").readlink().unlink()
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    await disk.put("d/a", b"one")
    assert await disk.get("d/a") == b"one"


@pytest.fixture
def mounted(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder ``usb`` behaves as another file system, which keeps no attributes."""
    (disk.root / "usb").mkdir()
    usb = (disk.root / "usb").stat()
    rename, setxattr = os.rename, os.setxattr

    def across(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        sides = [os.path.samestat(os.fstat(fd), usb) for fd in (src_dir_fd, dst_dir_fd)]
        if sides[0] != sides[1]:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def refused(fd: int, name: str, value: bytes) -> None:
        if "/usb/" in str(Path(f"/proc/self/fd/{fd}").readlink()):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        setxattr(fd, name, value)

    monkeypatch.setattr(os, "rename", across)
    monkeypatch.setattr(os, "setxattr", refused)


@pytest.mark.usefixtures("mounted")
async def test_a_file_system_mounted_below_takes_files_without_metadata(disk: Disk) -> None:
    await disk.put("usb/a.txt", b"one", content_type="text/plain")
    assert await disk.get("usb/a.txt") == b"one"
    with pytest.raises(StorageError, match="no metadata") as caught:
        await disk.put("usb/b.txt", b"two", user_metadata={"of": "me"})
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert disk.files() == ["usb", "usb/a.txt"]


@pytest.mark.usefixtures("mounted")
async def test_a_rename_to_another_file_system_is_a_copy_and_a_delete(disk: Disk) -> None:
    await disk.put("a.txt", b"one", content_type="text/plain")
    await disk.put("b.txt", b"two")
    (disk.root / "link").symlink_to("b.txt")
    await disk.fs.rename("a.txt", "usb/new/a.txt", OpRename())
    await disk.fs.rename("usb/new/a.txt", "usb/a.txt", OpRename())
    with pytest.raises(StorageError) as caught:
        await disk.fs.rename("b.txt", "usb/a.txt", OpRename(if_not_exists=True))
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    with pytest.raises(StorageError) as caught:
        await disk.fs.rename("link", "usb/link", OpRename())
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert disk.files() == ["b.txt", "link", "usb", "usb/a.txt", "usb/new"]
    assert await disk.get("usb/a.txt") == b"one"


@pytest.mark.usefixtures("mounted")
async def test_a_source_written_while_it_moves_to_another_file_system_stays(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await disk.put("a", b"one")
    copy = disk.fs.copy

    async def written_meanwhile(source: str, target: str, args: OpCopy) -> Metadata:
        done = await copy(source, target, args)
        await disk.put("a", b"newer")
        return done

    monkeypatch.setattr(disk.fs, "copy", written_meanwhile)
    with pytest.raises(StorageError):
        await disk.fs.rename("a", "usb/a", OpRename())
    assert await disk.get("a") == b"newer"


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


async def test_what_is_cancelled_while_it_ends_leaves_nothing_open(disk: Disk) -> None:
    """All threads are busy, so what is to close a file waits for one: it is closed all the same."""
    await disk.put("a", b"a" * 1000)
    writer = await disk.fs.write("b", OpWrite())
    reader = (await disk.fs.read("a", OpRead())).body
    upload = OpWriteMultipart(
        upload_id=await disk.fs.create_multipart("c", OpCreateMultipart()), number=1, size=1
    )
    part = await disk.fs.write_multipart("c", upload)
    lister = await disk.fs.list("", OpList(recursive=True, limit=1))
    await lister.next_page()
    opened = disk.open_files()
    busy = threading.Event()
    holds = [asyncio.create_task(disk.fs._pool.run(busy.wait)) for _ in range(THREADS)]
    ends = [writer.abort(), reader.aclose(), part.abort(), lister.aclose()]
    begins = [disk.fs.create_multipart("d", OpCreateMultipart())]
    tasks = [asyncio.create_task(call) for call in (*ends, *begins)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    busy.set()
    await asyncio.gather(*holds)
    assert all(
        isinstance(each, asyncio.CancelledError)
        for each in await asyncio.gather(*tasks, return_exceptions=True)
    )
    await disk.settled()
    assert len(opened) > 4
    assert disk.open_files() == []
    await disk.fs.abort_multipart("c", OpAbortMultipart(upload_id=upload.upload_id))
    assert disk.files() == ["a"]


async def test_a_copy_cancelled_at_any_moment_leaves_nothing_open(disk: Disk) -> None:
    await disk.put("a", b"a" * 100_000)
    chance = random.Random(5)
    for _ in range(60):
        task = asyncio.create_task(disk.fs.copy("a", "new/b", OpCopy()))
        for _turn in range(chance.randrange(12)):
            await asyncio.sleep(0.0002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await disk.settled()
    assert disk.open_files() == []
    assert disk.files() in (["a"], ["a", "new", "new/b"])


@pytest.mark.parametrize("slow", ["00001", "upload.json"])
async def test_a_completion_cancelled_while_it_opens_a_file_leaves_none_open(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """What is deleted and open still takes its room, a part of gigabytes too."""
    upload_id = await disk.fs.create_multipart("a", OpCreateMultipart())
    part = await disk.fs.write_multipart(
        "a", OpWriteMultipart(upload_id=upload_id, number=1, size=3)
    )
    await part.write(b"new")
    parts = [await part.close()]
    begun, go_on, real = threading.Event(), threading.Event(), os.open

    def opening(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        fd = real(path, flags, mode, dir_fd=dir_fd)
        if path.startswith(slow):
            begun.set()
            go_on.wait(10)
        return fd

    monkeypatch.setattr(os, "open", opening)
    done = OpCompleteMultipart(upload_id=upload_id)
    task = asyncio.create_task(disk.fs.complete_multipart("a", parts, done))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    go_on.set()
    await asyncio.gather(task, return_exceptions=True)
    await disk.settled()
    assert disk.open_files() == []
