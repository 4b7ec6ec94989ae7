"""Behaviours of ``write`` and ``writer``."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import EntryMode, ErrorKind
from tests.behaviour.probes import needs
from tests.behaviour.subject import KiB, MiB
from tests.behaviour.test_read import SPECIAL

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

PART = 5 * MiB


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def uploads(subject: Subject, path: str) -> list[str]:
    """Return the incomplete uploads of a path; none where there are no uploads."""
    if not subject.cap.multipart_list_uploads:
        return []
    return [upload.upload_id async for upload in subject.op.list_multiparts(path)]


async def test_write_only(subject: Subject) -> None:
    for size in (1, 4 * KiB, 1 * MiB + 1):
        await subject.put(data=size)
        assert (await subject.op.stat(subject.key())).content_length == size


@needs("write_can_empty")
async def test_write_empty(subject: Subject) -> None:
    await subject.put(data=b"")
    metadata = await subject.op.stat(subject.key())
    assert (metadata.mode, metadata.content_length) == (EntryMode.FILE, 0)
    assert await subject.op.read(subject.key()) == b""


@needs("write_can_empty")
async def test_write_nothing_by_writer(subject: Subject) -> None:
    async with subject.op.writer(subject.key()):
        pass
    assert await subject.op.read(subject.key()) == b""


async def test_write_with_dir_path(subject: Subject) -> None:
    call = subject.op.write(subject.key("dir/"), b"x")
    await subject.fails_unsent(ErrorKind.IS_A_DIRECTORY, call)


async def test_write_with_special_chars(subject: Subject) -> None:
    data = await subject.put(f"nested {SPECIAL}/{SPECIAL}.txt")
    assert await subject.op.read(subject.key(f"nested {SPECIAL}/{SPECIAL}.txt")) == data


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("cache_control", "no-cache, no-store, max-age=300"),
        ("content_type", "application/json"),
        ("content_disposition", 'attachment; filename="a b.txt"'),
        ("content_encoding", "gzip"),
        ("user_metadata", {"location": "everywhere", "key-2": "Value 2"}),
    ],
)
async def test_write_with_header(subject: Subject, option: str, value: Any) -> None:
    await needs(f"write_with_{option}")(_write_with_header)(subject, option, value)


async def _write_with_header(subject: Subject, option: str, value: Any) -> None:
    data = await subject.put(data=200, **{option: value})
    assert getattr(await subject.op.stat(subject.key()), option) == value
    # A stored encoding is not undone: the bytes arrive as they were written.
    assert await subject.op.read(subject.key()) == data


@needs("write_with_user_metadata")
async def test_write_with_user_metadata_beyond_ascii(subject: Subject) -> None:
    await subject.put(user_metadata={"note": "Grüße 日本 😀"})
    metadata = await subject.op.stat(subject.key())
    assert metadata.user_metadata == {"note": "Grüße 日本 😀"}


@needs("write_with_if_none_match")
async def test_write_with_if_none_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"mine")).etag
    call = subject.op.write(subject.key(), b"other", if_none_match=etag)
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key()) == b"mine"


@needs("write_with_if_not_exists")
async def test_write_with_if_not_exists(subject: Subject) -> None:
    await subject.op.write(subject.key(), b"first", if_not_exists=True)
    call = subject.op.write(subject.key(), b"second", if_not_exists=True)
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key()) == b"first"


@needs("write_with_if_match")
async def test_write_with_if_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"first")).etag
    call = subject.op.write(subject.key(), b"foreign", if_match='"0123456789abcdef"')
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key()) == b"first"
    await subject.op.write(subject.key(), b"second", if_match=etag)
    assert await subject.op.read(subject.key()) == b"second"


async def test_write_returned_metadata_equals_stat(subject: Subject) -> None:
    said = await subject.op.write(subject.key(), subject.random(321))
    found = await subject.op.stat(subject.key())
    assert said.etag == found.etag
    assert said.etag is not None
    assert said.version == found.version
    assert said.content_length in {321, None}


@needs("write_can_multi")
async def test_writer_two_blocks(subject: Subject) -> None:
    blocks = [subject.random(PART), subject.random(PART)]
    async with subject.op.writer(subject.key()) as writer:
        for block in blocks:
            await writer.write(block)
    assert digest(await subject.op.read(subject.key())) == digest(b"".join(blocks))
    assert writer.metadata is not None
    assert writer.metadata.etag == (await subject.op.stat(subject.key())).etag


@needs("write_can_multi")
async def test_writer_concurrent(subject: Subject) -> None:
    blocks = [subject.random(PART + subject.rng.randrange(MiB)) for _ in range(3)]
    async with subject.op.writer(subject.key(), chunk=PART, concurrent=3) as writer:
        for block in blocks:
            await writer.write(block)
    assert digest(await subject.op.read(subject.key())) == digest(b"".join(blocks))


@needs("write_can_multi")
async def test_writer_overwrite(subject: Subject) -> None:
    await subject.put(data=300 * KiB)
    data = subject.random(200 * KiB)
    async with subject.op.writer(subject.key()) as writer:
        await writer.write(data[: 50 * KiB])
        await writer.write(data[50 * KiB :])
    assert await subject.op.read(subject.key()) == data


@needs("write_can_multi")
async def test_writer_of_unknown_length(subject: Subject) -> None:
    """Many uneven blocks, the caller's buffer reused after each."""
    data = subject.random(6 * MiB + 11)
    async with subject.op.writer(subject.key(), buffer=256 * KiB) as writer:
        offset = 0
        while offset < len(data):
            block = bytearray(data[offset : offset + subject.rng.randrange(1, 300 * KiB)])
            await writer.write(block)
            offset += len(block)
            block[:] = bytes(len(block))
    assert digest(await subject.op.read(subject.key())) == digest(data)


@pytest.mark.parametrize("concurrent", [1, 3])
@needs("write_can_multi", "read_with_range")
async def test_writer_copies_a_reader(subject: Subject, concurrent: int) -> None:
    data = await subject.put("source", 11 * MiB + 5)
    async with (
        subject.op.reader(subject.key("source"), chunk=4 * MiB, concurrent=concurrent) as reader,
        subject.op.writer(subject.key(), chunk=8 * MiB, concurrent=concurrent) as writer,
    ):
        async for block in reader:
            await writer.write(block)
    assert digest(await subject.op.read(subject.key())) == digest(data)


@pytest.mark.parametrize("concurrent", [1, 3])
@needs("write_can_multi")
async def test_writer_abort(subject: Subject, concurrent: int) -> None:
    writer = subject.op.writer(subject.key(), chunk=PART, concurrent=concurrent)
    await writer.write(subject.random(PART))
    await writer.write(subject.random(PART + 1))
    await writer.abort()
    await writer.abort()
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key()))
    assert await uploads(subject, subject.key()) == []


@needs("write_can_multi")
async def test_writer_exception_in_the_context(subject: Subject) -> None:
    await subject.put("kept", b"kept")
    for name in ("file", "kept"):
        with pytest.raises(ZeroDivisionError):
            await _write_and_fail(subject, name)
        assert await uploads(subject, subject.key(name)) == []
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key()))
    assert await subject.op.read(subject.key("kept")) == b"kept"


async def _write_and_fail(subject: Subject, name: str) -> None:
    async with subject.op.writer(subject.key(name), chunk=PART) as writer:
        await writer.write(subject.random(PART))
        await writer.write(subject.random(PART))
        raise ZeroDivisionError


@needs("write_can_multi")
async def test_writer_cancelled(subject: Subject) -> None:
    started = asyncio.Event()

    async def write() -> None:
        async with subject.op.writer(subject.key(), chunk=PART, concurrent=2) as writer:
            await writer.write(subject.random(PART))
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key()))
    assert await uploads(subject, subject.key()) == []


@needs("write_can_multi", "write_with_if_not_exists")
async def test_writer_multipart_with_if_not_exists(subject: Subject) -> None:
    """Preconditions hold on the multipart path too."""
    await subject.put(data=b"mine")
    writer = subject.op.writer(subject.key(), chunk=PART, if_not_exists=True)
    call = _write_close(writer, subject.random(2 * PART))
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key()) == b"mine"
    assert await uploads(subject, subject.key()) == []


async def test_writer_with_declared_size(subject: Subject) -> None:
    more = subject.op.writer(subject.key(), content_length=10)
    await subject.fails(ErrorKind.CONTENT_TRUNCATED, _write_close(more, b"x" * 11))
    less = subject.op.writer(subject.key(), content_length=10)
    await subject.fails(ErrorKind.CONTENT_INCOMPLETE, _write_close(less, b"x" * 9))
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key()))


async def _write_close(writer: Any, data: bytes) -> None:
    async with writer:
        await writer.write(data)


@needs("write_can_append")
async def test_write_append(subject: Subject) -> None:
    await subject.op.write(subject.key(), b"created;", append=True)
    assert await subject.op.read(subject.key()) == b"created;"
    await subject.op.write(subject.key(), b"then more", append=True)
    assert await subject.op.read(subject.key()) == b"created;then more"
    said = await subject.op.write(subject.key(), b"!", append=True)
    found = await subject.op.stat(subject.key())
    assert (said.etag, found.content_length) == (found.etag, 18)


@needs("write_can_append")
async def test_writer_append_large(subject: Subject) -> None:
    first, second = await subject.put(data=1 * MiB), subject.random(10 * MiB + 3)
    async with subject.op.writer(subject.key(), append=True) as writer:
        for offset in range(0, len(second), 3 * MiB):
            await writer.write(second[offset : offset + 3 * MiB])
    assert digest(await subject.op.read(subject.key())) == digest(first + second)


async def test_write_unknown_option(subject: Subject) -> None:
    call = subject.op.write(subject.key(), b"x", colour="red")
    await subject.fails_unsent(ErrorKind.INVALID_INPUT, call)
