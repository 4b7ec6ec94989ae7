"""What goes wrong under a write: full and breaking disks, races, other mounts, cancellation."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import itertools
import os
import random
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
    OpCreateMultipart,
    OpList,
    OpRead,
    OpRename,
    OpWrite,
    OpWriteMultipart,
)
from dalbrowser.storage.services.fs import atomic
from dalbrowser.storage.services.fs.pool import THREADS

if TYPE_CHECKING:
    from dalbrowser.storage.types import Metadata
    from tests.unit.fs.conftest import Disk


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
