"""Downloads: the proof is made while the bytes come, and *done* means on the disk."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import JobState
from dalbrowser.transfer.disk import durable, localfile
from dalbrowser.transfer.downloading import receive
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

SIZE = 2 * MiB + 5


def unread(*_args: object) -> None:
    message = "The file was read once more."
    raise AssertionError(message)


async def test_the_whole_digest_is_made_on_the_way(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dalbrowser.transfer.downloading.proof.verify_file", unread)
    sha = make_file(rig.folder / "source", SIZE)
    await rig.op.write("big", (rig.folder / "source").read_bytes())
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("big"), rig.folder / "big")
        view = (await engine.wait([number]))[0]
    assert view.words == "done (verified (md5))", view.error
    assert sha_of(rig.folder / "big") == sha


async def put_in_parts(rig: Rig, key: str, data: bytes, part: int) -> None:
    upload = await rig.op.create_multipart(key)
    parts = []
    for number, at in enumerate(range(0, len(data), part), 1):
        parts.append(await upload.write(number, data[at : at + part]))
    await upload.complete(parts)


@pytest.mark.parametrize("part", [5 * MiB, 8 * MiB])
async def test_the_digest_of_parts_is_made_on_the_way(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr("dalbrowser.transfer.downloading.proof.verify_file", unread)
    sha = make_file(rig.folder / "source", 20 * MiB + 5)
    await put_in_parts(rig, "big", (rig.folder / "source").read_bytes(), part)
    assert ((await rig.op.stat("big")).etag or "").strip('"')[-2] == "-"
    async with rig.engine(range_size=3 * MiB) as engine:
        number = await engine.download_file(rig.at("big"), rig.folder / "big")
        view = (await engine.wait([number]))[0]
    assert view.words == "done (verified (md5))", view.error
    assert sha_of(rig.folder / "big") == sha


async def test_a_byte_that_was_damaged_on_the_disk_is_seen(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = make_file(rig.folder / "source", SIZE)
    await rig.op.write("big", (rig.folder / "source").read_bytes())
    real: Callable[..., None] = localfile.PartFile.write
    damaged = 0

    def damage(file: localfile.PartFile, offset: int, blocks: list[bytes]) -> None:
        nonlocal damaged
        real(file, offset, blocks)
        if offset == MiB and not damaged:
            damaged += 1
            real(file, offset + 7, [b"\0"])

    monkeypatch.setattr(localfile.PartFile, "write", damage)
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("big"), rig.folder / "big")
        view = (await engine.wait([number]))[0]
    assert (view.words, damaged) == ("done (verified (md5))", 1)
    assert "fetched once more" in view.note
    assert sha_of(rig.folder / "big") == sha


@pytest.mark.parametrize("count", [3, 100])
async def test_done_is_written_down_after_the_files_are_on_the_disk(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    for number in range(count):
        await rig.op.write(f"d/{number}", b"x")
    real: Callable[[list[str]], None] = durable.flush_files
    flushed: set[str] = set()

    def flush(paths: list[str]) -> None:
        real(paths)
        done = {row[0] for row in rig.on_disk("SELECT local_path FROM job WHERE state = 'done'")}
        assert not done.intersection(paths)
        flushed.update(paths)

    monkeypatch.setattr(durable, "flush_files", flush)
    async with rig.engine() as engine:
        items = [(rig.at(f"d/{number}"), None) for number in range(count)]
        views = await engine.wait(await engine.download(items, rig.folder))
        assert {view.state for view in views} == {JobState.DONE}
    assert len(flushed) == count
    assert rig.on_disk("SELECT count(*) FROM job WHERE state = 'done'") == [(count,)]


async def test_a_stopped_job_has_no_thread_that_still_writes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file(rig.folder / "source", SIZE)
    await rig.op.write("big", (rig.folder / "source").read_bytes())
    real: Callable[..., None] = localfile.PartFile.write
    loop, writing = asyncio.get_running_loop(), asyncio.Event()
    go_on, within = threading.Event(), 0

    def slow(file: localfile.PartFile, offset: int, blocks: list[bytes]) -> None:
        nonlocal within
        within += 1
        loop.call_soon_threadsafe(writing.set)
        go_on.wait(20)
        real(file, offset, blocks)
        within -= 1

    monkeypatch.setattr(localfile.PartFile, "write", slow)
    async with rig.engine(parts_per_file=1) as engine:
        number = await engine.download_file(rig.at("big"), rig.folder / "big")
        await writing.wait()
        pausing = asyncio.ensure_future(engine.pause([number]))
        await asyncio.wait([pausing], timeout=0.05)
        assert not pausing.done()
        go_on.set()
        await pausing
        assert within == 0
        assert engine.jobs()[0].state is JobState.PAUSED


def test_blocks_are_written_as_they_follow_each_other(tmp_path: Path) -> None:
    file = localfile.PartFile(str(tmp_path / "f"))
    blocks = [bytes([number % 251]) * (number % 7) for number in range(2000)]
    file.write(3, blocks)
    whole = b"".join(blocks)
    assert file.read(3, len(whole)) == whole
    file.close()
    assert (tmp_path / "f").read_bytes() == b"\0\0\0" + whole


async def test_a_slow_stream_shows_its_progress(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of a slow link are counted long before they are a block for the disk."""
    data = b"x" * 700
    await rig.op.write("slow", data)
    pieces = [data[at : at + 100] for at in range(0, len(data), 100)]
    counted: list[int] = []

    class Blocks:
        metadata = None

        async def __aenter__(self) -> Blocks:
            return self

        async def __aexit__(self, *_: object) -> None:
            return

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
                counted.append(span.at)

    monkeypatch.setattr(receive, "_LATE", 0)
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("slow"), rig.folder / "before")
        await engine.wait([number])
        monkeypatch.setattr(type(rig.op), "reader", lambda *_args, **_more: Blocks())
        source = receive.Receiver(engine._ctx, engine._live[number], rig.op)
        file, span = localfile.PartFile(str(tmp_path / "f")), receive.Span(0, len(data))
        await source.stream(file, span)
        file.close()
    # One write may still be under way while the next block comes.
    assert counted[-1] >= len(data) - 200
    assert counted == sorted(counted)
    assert (tmp_path / "f").read_bytes() == data
