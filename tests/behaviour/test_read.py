"""Behaviours of ``read`` and ``reader``."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ByteRange, ErrorKind, RetryLayer
from tests.behaviour.faulty import faulty
from tests.behaviour.probes import needs
from tests.behaviour.subject import KiB, MiB

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

SPECIAL = "!@#$%^&()_+-=;',`"
LATER = datetime.now(UTC) + timedelta(days=1)
EARLIER = datetime.now(UTC) - timedelta(days=1)


async def test_read_full(subject: Subject) -> None:
    for size in (1, 1000, 1 * MiB + 7):
        data = await subject.put(data=size)
        assert await subject.op.read(subject.key()) == data


@needs("read_with_range")
async def test_read_range(subject: Subject) -> None:
    data = await subject.put(data=200 * KiB)
    for _ in range(8):
        start = subject.rng.randrange(len(data))
        end = start + subject.rng.randrange(1, len(data))
        assert await subject.op.read(subject.key(), range=ByteRange(start, end)) == data[start:end]
    assert await subject.op.read(subject.key(), range=ByteRange.from_(5)) == data[5:]
    assert await subject.op.read(subject.key(), range=ByteRange(7, 7)) == b""


@needs("read_with_range")
async def test_read_range_past_the_end(subject: Subject) -> None:
    data = await subject.put(data=1000)
    assert await subject.op.read(subject.key(), range=ByteRange(900, 5000)) == data[900:]
    call = subject.op.read(subject.key(), range=ByteRange(1001, 1100))
    await subject.fails(ErrorKind.RANGE_NOT_SATISFIED, call)


async def test_reader(subject: Subject) -> None:
    data = await subject.put(data=700 * KiB)
    async with subject.op.reader(subject.key()) as reader:
        blocks = []
        while block := await reader.read(100_000):
            blocks.append(block)
        assert b"".join(blocks) == data
        assert all(len(block) == 100_000 for block in blocks[:-1])
    async with subject.op.reader(subject.key()) as reader:
        assert b"".join([block async for block in reader]) == data
    async with subject.op.reader(subject.key()) as reader:
        assert await reader.read() == data


@pytest.mark.parametrize(("chunk", "concurrent", "prefetch"), [(64 * KiB, 1, 0), (50_001, 4, 2)])
@needs("read_with_range")
async def test_reader_in_chunks(
    subject: Subject, chunk: int, concurrent: int, prefetch: int
) -> None:
    data = await subject.put(data=500 * KiB + 3)
    options: Any = {"chunk": chunk, "concurrent": concurrent, "prefetch": prefetch}
    async with subject.op.reader(subject.key(), **options) as reader:
        assert b"".join([block async for block in reader]) == data
    wanted = ByteRange(1000, 400_000)
    async with subject.op.reader(subject.key(), range=wanted, **options) as reader:
        assert await reader.read() == data[1000:400_000]
    assert await subject.op.read(subject.key(), chunk=chunk, concurrent=concurrent) == data


@needs("read_with_range")
async def test_reader_fetch(subject: Subject) -> None:
    data = await subject.put(data=300 * KiB)
    wanted = [ByteRange(5, 10), ByteRange(0, 3), ByteRange(8, 100), ByteRange(200_000, 300_000)]
    async with subject.op.reader(subject.key(), concurrent=3) as reader:
        found = await reader.fetch(wanted, gap=1000)
    assert found == [data[r.start : r.end] for r in wanted]


async def test_read_not_exist(subject: Subject) -> None:
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.read(subject.key("none")))
    reader = subject.op.reader(subject.key("none"))
    await subject.fails(ErrorKind.NOT_FOUND, reader.read(1))


async def test_read_with_dir_path(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("dir/"))
    call = subject.op.read(subject.key("dir/"))
    await subject.fails_unsent(ErrorKind.IS_A_DIRECTORY, call)


async def test_read_with_special_chars(subject: Subject) -> None:
    data = await subject.put(f"{SPECIAL}.txt")
    assert await subject.op.read(subject.key(f"{SPECIAL}.txt")) == data


@pytest.mark.parametrize("concurrent", [1, 3])
@needs("read_with_range")
async def test_read_metadata_is_the_whole_objects(subject: Subject, concurrent: int) -> None:
    await subject.put(data=100 * KiB)
    chunk = None if concurrent == 1 else 10 * KiB
    async with subject.op.reader(
        subject.key(), range=ByteRange(10, 90 * KiB), chunk=chunk, concurrent=concurrent
    ) as reader:
        await reader.read(1)
        metadata = await reader.stat()
        assert reader.metadata == metadata
    whole = await subject.op.stat(subject.key())
    assert metadata.content_length == whole.content_length == 100 * KiB
    assert metadata.etag == whole.etag


async def _check_condition(subject: Subject, good: dict[str, Any], bad: dict[str, Any]) -> None:
    """On ``read``, and on ``reader``, where the error comes at the first read."""
    path, data = subject.key(), await subject.op.read(subject.key())
    assert await subject.op.read(path, **good) == data
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, subject.op.read(path, **bad))
    async with subject.op.reader(path, **good) as reader:
        assert await reader.read() == data
    before = subject.requests()
    async with subject.op.reader(path, **bad) as reader:
        assert subject.requests() == before
        await subject.fails(ErrorKind.CONDITION_NOT_MATCH, reader.read(1))


@needs("read_with_if_match")
async def test_read_with_if_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"x" * 99)).etag
    await _check_condition(subject, {"if_match": etag}, {"if_match": '"other"'})


@needs("read_with_if_none_match")
async def test_read_with_if_none_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"x" * 99)).etag
    await _check_condition(subject, {"if_none_match": '"other"'}, {"if_none_match": etag})


@needs("read_with_if_modified_since")
async def test_read_with_if_modified_since(subject: Subject) -> None:
    await subject.put()
    # A date in the future is ignored by HTTP (RFC 9110, 13.1.3), so "now" is the bad one.
    now = (await subject.op.stat(subject.key())).last_modified
    await _check_condition(subject, {"if_modified_since": EARLIER}, {"if_modified_since": now})


@needs("read_with_if_unmodified_since")
async def test_read_with_if_unmodified_since(subject: Subject) -> None:
    await subject.put()
    await _check_condition(
        subject, {"if_unmodified_since": LATER}, {"if_unmodified_since": EARLIER}
    )


@needs("read_with_version")
async def test_read_with_version(subject: Subject) -> None:
    old = await subject.put_meta("file", b"old")
    await subject.put(data=b"new")
    assert await subject.op.read(subject.key(), version=old.version) == b"old"
    assert await subject.op.read(subject.key()) == b"new"


@needs("read_with_version")
async def test_read_with_version_of_another_object(subject: Subject) -> None:
    foreign = await subject.put_meta("other", b"other")
    await subject.put()
    call = subject.op.read(subject.key(), version=foreign.version)
    await subject.fails(ErrorKind.NOT_FOUND, call)


@needs("read_with_suffix")
async def test_read_suffix(subject: Subject) -> None:
    data = await subject.put(data=1000)
    op, path = subject.op, subject.key()
    assert await op.read(path, range=ByteRange.suffix(10)) == data[-10:]
    assert await op.read(path, range=ByteRange.suffix(5000)) == data
    assert await op.read(path, range=ByteRange.suffix(0)) == b""
    assert await op.read(path, range=ByteRange.suffix(300), chunk=70, concurrent=2) == data[-300:]
    await subject.put("empty", b"")
    assert await op.read(subject.key("empty"), range=ByteRange.suffix(10)) == b""


@needs("read_with_range")
async def test_read_seek(subject: Subject) -> None:
    data = await subject.put(data=100 * KiB)
    view = data[1000:90_000]
    async with subject.op.reader(subject.key(), range=ByteRange(1000, 90_000)) as reader:
        for whence, base in ((os.SEEK_SET, 0), (os.SEEK_END, len(view)), (os.SEEK_CUR, None)):
            for _ in range(5):
                origin = reader.tell() if base is None else base
                target = subject.rng.randrange(len(view))
                assert await reader.seek(target - origin, whence) == target
                assert await reader.read(100) == view[target : target + 100]
                assert reader.tell() == min(target + 100, len(view))


@needs("read_with_range")
async def test_read_seek_outside(subject: Subject) -> None:
    await subject.put(data=1000)
    async with subject.op.reader(subject.key(), range=ByteRange(100, 200)) as reader:
        await subject.fails(ErrorKind.INVALID_INPUT, reader.seek(-1))
        await subject.fails(ErrorKind.INVALID_INPUT, reader.seek(-101, os.SEEK_END))
        assert await reader.seek(5000) == 5000
        assert await reader.read(10) == b""
        assert await reader.seek(99) == 99
        assert len(await reader.read(10)) == 1


@pytest.mark.parametrize("missing", ["", "next", "seek", "next seek"])
@needs("read_with_range")
async def test_read_completion_cases(subject: Subject, missing: str) -> None:
    """Native both, no stream, no seek, neither: they read, stream and seek alike."""
    data = await subject.put(data=50 * KiB)
    op = faulty(subject, without=missing.split())
    async with op.reader(subject.key()) as reader:
        assert await reader.read(10) == data[:10]
        assert await reader.seek(-16, os.SEEK_END) == len(data) - 16
        assert await reader.read() == data[-16:]
        assert await reader.seek(1000) == 1000
        assert b"".join([block async for block in reader]) == data[1000:]
    await op.aclose()


@pytest.mark.parametrize("stream", [True, False])
async def test_read_body_shorter_than_announced(subject: Subject, stream: bool) -> None:
    await subject.put(data=10_000)
    op = faulty(subject, cut_at=9_000)
    error = await subject.fails(ErrorKind.CONTENT_INCOMPLETE, _read(op, subject, stream))
    assert error.is_temporary
    await op.aclose()


@pytest.mark.parametrize("stream", [True, False])
async def test_read_body_longer_than_announced(subject: Subject, stream: bool) -> None:
    await subject.put(data=10_000)
    op = faulty(subject, extra=b"more")
    await subject.fails(ErrorKind.CONTENT_TRUNCATED, _read(op, subject, stream))
    await op.aclose()


async def _read(op: Any, subject: Subject, stream: bool) -> bytes:
    if not stream:
        data: bytes = await op.read(subject.key())
        return data
    async with op.reader(subject.key()) as reader:
        return b"".join([block async for block in reader])


@needs("read_with_range")
async def test_read_cut_stream_resumes(subject: Subject) -> None:
    """It goes on at the byte reached, pinned to the ETag first seen."""
    data = await subject.put(data=100 * KiB)
    etag = (await subject.op.stat(subject.key())).etag
    op = faulty(subject, cut_at=40_000, cuts=2).layer(RetryLayer(base=0.001))
    assert await op.read(subject.key()) == data
    asked = faulty.asked(op)
    assert [args.range.start for args in asked] == [0, 40_000, 80_000]
    if subject.cap.read_with_if_match:
        assert [args.if_match for args in asked] == [None, etag, etag]
    await op.aclose()


@needs("read_with_range")
async def test_read_object_replaced_meanwhile(subject: Subject) -> None:
    """``ConditionNotMatch`` or the old object whole, never a mix."""
    await subject.put(data=b"a" * 100_000)

    async def replace() -> None:
        await subject.put(data=b"b" * 100_000)

    for chunk in (None, 30_000):
        await subject.put(data=b"a" * 100_000)
        op = faulty(subject, cut_at=40_000, cuts=1, meanwhile=replace)
        op = op.layer(RetryLayer(base=0.001))
        await subject.fails(ErrorKind.CONDITION_NOT_MATCH, op.read(subject.key(), chunk=chunk))
        await op.aclose()
