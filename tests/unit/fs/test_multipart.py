"""Simulated multipart: what S3 promises, and a kill at every step."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCopyMultipart,
    OpCreateMultipart,
    OpListParts,
    OpWriteMultipart,
)
from dalbrowser.storage.services.fs.root import MULTIPART_FOLDER
from dalbrowser.storage.types import ByteRange, Part

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.fs.conftest import Disk


async def send(disk: Disk, upload_id: str, number: int, data: bytes, **more: bytes) -> Part:
    args = OpWriteMultipart(upload_id=upload_id, number=number, size=len(data), md5=more.get("md5"))
    writer = await disk.fs.write_multipart("k", args)
    try:
        await writer.write(data)
        return await writer.close()
    except BaseException:
        await writer.abort()
        raise


async def test_etag_is_the_md5_and_metadata_arrives(disk: Disk) -> None:
    args = OpCreateMultipart(content_type="text/x", user_metadata={"k": "v"})
    upload_id = await disk.fs.create_multipart("k", args)
    part = await send(disk, upload_id, 7, b"abc")
    assert part.etag == f'"{hashlib.md5(b"abc").hexdigest()}"'
    done = await disk.fs.complete_multipart("k", [part], OpCompleteMultipart(upload_id=upload_id))
    assert (done.content_type, done.user_metadata) == ("text/x", {"k": "v"})
    assert await disk.stat("k") == done
    assert disk.files() == ["k"]


async def test_a_beginning_that_a_crash_left_goes_with_the_next_upload(disk: Disk) -> None:
    base = disk.root / MULTIPART_FOLDER
    for letter in "ab":
        (base / f".new-{letter * 32}").mkdir(parents=True)
        (base / f".new-{letter * 32}" / ".upload.json").write_bytes(b"{")
    held = os.open(base / f".new-{'b' * 32}", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    await begin_and_abort(disk)
    assert [path.name for path in base.iterdir()] == [f".new-{'b' * 32}"]
    os.close(held)
    await begin_and_abort(disk)
    assert not base.exists()


async def begin_and_abort(disk: Disk) -> None:
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    await disk.fs.abort_multipart("k", OpAbortMultipart(upload_id=upload_id))


async def test_an_upload_begins_while_another_clears_away(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir
    cleared: list[str] = []

    def swept(path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        real(path, mode, dir_fd=dir_fd)
        if path.startswith(".new-") and not cleared:
            os.rmdir(path, dir_fd=dir_fd)
            (disk.root / MULTIPART_FOLDER).rmdir()
            cleared.append(path)

    monkeypatch.setattr(os, "mkdir", swept)
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    assert cleared
    assert (await send(disk, upload_id, 1, b"abc")).size == 3


async def test_a_part_with_a_wrong_digest_is_not_kept(disk: Disk) -> None:
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    with pytest.raises(StorageError, match="MD5"):
        await send(disk, upload_id, 1, b"abc", md5=hashlib.md5(b"xyz").digest())
    lister = await disk.fs.list_parts("k", OpListParts(upload_id=upload_id))
    assert await lister.next_page() is None


async def test_exclusive_completion_leaves_object_and_upload(disk: Disk) -> None:
    await disk.put("k", b"mine")
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    part = await send(disk, upload_id, 1, b"abc")
    exclusive = OpCompleteMultipart(upload_id=upload_id, if_not_exists=True)
    with pytest.raises(StorageError) as caught:
        await disk.fs.complete_multipart("k", [part], exclusive)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await disk.get("k") == b"mine"
    await disk.delete("k")
    await disk.fs.complete_multipart("k", [part], exclusive)
    assert await disk.get("k") == b"abc"


async def test_parts_must_ascend(disk: Disk) -> None:
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    one, two = [await send(disk, upload_id, n, b"x") for n in (1, 2)]
    for parts in ([], [two, one], [one, one]):
        with pytest.raises(StorageError, match="ascending"):
            await disk.fs.complete_multipart("k", parts, OpCompleteMultipart(upload_id=upload_id))


async def test_an_upload_belongs_to_its_key(disk: Disk) -> None:
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    await send(disk, upload_id, 1, b"x")
    for key, wrong in (("other", upload_id), ("k", "0" * 32), ("k", "../../etc")):
        with pytest.raises(StorageError) as caught:
            await disk.fs.list_parts(key, OpListParts(upload_id=wrong))
        assert caught.value.kind is ErrorKind.NOT_FOUND
        await disk.fs.abort_multipart(key, OpAbortMultipart(upload_id=wrong))
    lister = await disk.fs.list_parts("k", OpListParts(upload_id=upload_id))
    assert len(await lister.next_page() or []) == 1


async def test_abort_while_a_part_is_written(disk: Disk) -> None:
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    args = OpWriteMultipart(upload_id=upload_id, number=1, size=3)
    writer = await disk.fs.write_multipart("k", args)
    await writer.write(b"abc")
    await disk.fs.abort_multipart("k", OpAbortMultipart(upload_id=upload_id))
    with pytest.raises(StorageError) as caught:
        await writer.close()
    assert caught.value.kind is ErrorKind.NOT_FOUND
    await writer.abort()
    assert disk.files() == []


async def test_parts_copied_from_a_file(disk: Disk) -> None:
    await disk.put("source", b"0123456789")
    upload_id = await disk.fs.create_multipart("k", OpCreateMultipart())
    parts = [
        await disk.fs.copy_multipart(
            "k",
            OpCopyMultipart(
                upload_id=upload_id, number=n, source="source", range=ByteRange(start, end)
            ),
        )
        for n, start, end in ((1, 4, 10), (2, 0, 4))
    ]
    assert parts[0].etag == f'"{hashlib.md5(b"456789").hexdigest()}"'
    await disk.fs.complete_multipart("k", parts, OpCompleteMultipart(upload_id=upload_id))
    assert await disk.get("k") == b"4567890123"


async def test_a_kill_at_every_step(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.fs.crash_child",
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    runs = [json.loads(line) for line in output.splitlines()]
    assert runs[-1]["code"] == 0
    assert len(runs) > 40
    for run in runs:
        assert run["check"] == 0, run
        assert run["before"] in {"old", "new"}, run
        assert run["after"] == (
            "old" if run["finished"] == "none" and run["before"] == "old" else "new"
        ), run
        assert run["finished"] in {"none", "resumed"}, run
        visible = [name for name in run["left"] if ".dalbrowser-multipart" not in name]
        assert visible == ["d", "d/big"], run
        if run["finished"] == "resumed":
            assert run["left"] == visible, "nothing is left once an upload has ended"
    # Killed between the two: the part that was sent again counts, not the earlier one.
    twice = [run for run in runs if run["firsts"] == 2]
    assert twice
    assert all(run["sizes"][0] == 3000 for run in twice)
    # What was confirmed before a kill is there after it: the parts only ever grow.
    growing = [len(run["parts"]) for run in runs if run["uploads"]]
    assert all(a <= b for a, b in pairwise(growing))
    assert growing[-1] == 2
    assert any(run["before"] == "new" and run["uploads"] for run in runs)
