"""Behaviours of multipart uploads."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ByteRange, ErrorKind, Operator, Part, StorageError
from tests.behaviour.probes import needs
from tests.behaviour.subject import KiB, MiB

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

PART = 5 * MiB


@needs("multipart")
async def test_multipart_out_of_order(subject: Subject) -> None:
    """Parts written in any order; the object is unreadable until complete."""
    blocks = {1: subject.random(PART), 2: subject.random(PART), 3: subject.random(100)}
    upload = await subject.op.create_multipart(subject.key())
    parts = [await upload.write(number, blocks[number]) for number in (3, 1, 2)]
    assert not await subject.op.exists(subject.key())
    said = await upload.complete(parts)
    data = await subject.op.read(subject.key())
    assert hashlib.sha256(data).digest() == hashlib.sha256(b"".join(blocks.values())).digest()
    assert said.etag == (await subject.op.stat(subject.key())).etag


@needs("multipart")
async def test_multipart_concurrent(subject: Subject) -> None:
    blocks = [subject.random(PART), subject.random(PART), subject.random(PART), b"end"]
    upload = await subject.op.create_multipart(subject.key())
    parts = await asyncio.gather(*(upload.write(n, b) for n, b in enumerate(blocks, 1)))
    await upload.complete(parts)
    assert await subject.op.read(subject.key()) == b"".join(blocks)


@needs("multipart", "multipart_list_parts")
async def test_multipart_into_multipart(subject: Subject) -> None:
    """By its id, as from a fresh process: what was sent is there, the rest is added."""
    blocks = [subject.random(PART), subject.random(77)]
    upload = await subject.op.create_multipart(subject.key())
    await upload.write(1, blocks[0])
    async with Operator(subject.service.scheme, **subject.service.config) as fresh:
        again = fresh.into_multipart(subject.key(), upload.upload_id)
        held = await again.list_parts()
        assert [(p.number, p.size) for p in held] == [(1, PART)]
        await again.complete([*held, await again.write(2, blocks[1])])
    assert await subject.op.read(subject.key()) == b"".join(blocks)


@needs("multipart", "multipart_list_parts")
async def test_multipart_list_parts(subject: Subject) -> None:
    """Sizes and ETags, over more parts than one page holds."""
    upload = await subject.op.create_multipart(subject.key())
    count = 1_050 if subject.service.name in {"memory", "fs", "s3-ceph", "s3-given"} else 30
    numbers = list(range(1, count + 1))
    sent: dict[int, Part] = {}

    async def work() -> None:
        while numbers:
            number = numbers.pop()
            sent[number] = await upload.write(number, b"%d" % number)

    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(work())
    held = await upload.list_parts()
    assert [p.number for p in held] == list(range(1, count + 1))
    assert all((p.size, p.etag) == (sent[p.number].size, sent[p.number].etag) for p in held)
    assert held[1].etag.strip('"') == hashlib.md5(b"2").hexdigest()
    await upload.abort()


@needs("multipart", "multipart_list_uploads")
async def test_multipart_list_uploads(subject: Subject) -> None:
    """By path or by folder; ``a.bin`` does not match ``a.bin.bak``."""
    names = ("a.bin", "a.bin.bak", "d/x", "b")
    uploads = [await subject.op.create_multipart(subject.key(n)) for n in names]

    async def found(path: str) -> list[tuple[str, str]]:
        listed = [u async for u in subject.op.list_multiparts(path)]
        assert all(
            u.initiated is None or abs(u.initiated - datetime.now(UTC)) < timedelta(minutes=5)
            for u in listed
        )
        return sorted((u.path, u.upload_id) for u in listed)

    def ids(*wanted: int) -> list[tuple[str, str]]:
        return sorted((uploads[n].path, uploads[n].upload_id) for n in wanted)

    assert await found(subject.key("a.bin")) == ids(0)
    assert await found(subject.base) == ids(0, 1, 2, 3)
    assert await found(subject.key("d/")) == ids(2)
    assert set(ids(0, 1, 2, 3)) <= set(await found(""))
    await uploads[0].abort()
    assert await found(subject.base) == ids(1, 2, 3)
    for upload in uploads:
        await upload.abort()
    assert await found(subject.base) == []


@needs("multipart", "multipart_list_parts")
async def test_multipart_abort(subject: Subject) -> None:
    upload = await subject.op.create_multipart(subject.key())
    await upload.write(1, b"x")
    await upload.abort()
    await upload.abort()
    await subject.fails(ErrorKind.NOT_FOUND, upload.list_parts())
    await subject.fails(ErrorKind.NOT_FOUND, upload.write(2, b"y"))
    assert not await subject.op.exists(subject.key())


@needs("multipart")
async def test_multipart_complete_after_abort(subject: Subject) -> None:
    upload = await subject.op.create_multipart(subject.key())
    part = await upload.write(1, b"x")
    await upload.abort()
    await subject.fails(ErrorKind.NOT_FOUND, upload.complete([part]))
    assert not await subject.op.exists(subject.key())


@needs("multipart")
async def test_multipart_complete_with_a_wrong_etag(subject: Subject) -> None:
    """It fails, and the upload is still usable."""
    upload = await subject.op.create_multipart(subject.key())
    part = await upload.write(1, b"right")
    wrong = replace(part, etag='"00000000000000000000000000000000"')
    with pytest.raises(StorageError):
        await upload.complete([wrong])
    assert not await subject.op.exists(subject.key())
    await upload.complete([part])
    assert await subject.op.read(subject.key()) == b"right"


@needs("multipart", "multipart_list_parts")
async def test_multipart_part_sent_again_replaces(subject: Subject) -> None:
    upload = await subject.op.create_multipart(subject.key())
    await upload.write(1, b"first")
    part = await upload.write(1, b"second")
    assert [(p.number, p.etag) for p in await upload.list_parts()] == [(1, part.etag)]
    await upload.complete([part])
    assert await subject.op.read(subject.key()) == b"second"


@needs("multipart")
async def test_multipart_part_below_the_minimum(subject: Subject) -> None:
    least = subject.cap.write_multi_min_size
    upload = await subject.op.create_multipart(subject.key())
    parts = [await upload.write(n, b"tiny") for n in (1, 2)]
    if least is None:
        await upload.complete(parts)
        assert await subject.op.read(subject.key()) == b"tinytiny"
        return
    error = await subject.fails_unsent(ErrorKind.INVALID_INPUT, upload.complete(parts))
    assert str(least) in error.message
    await upload.abort()


@needs("multipart")
async def test_multipart_part_numbers(subject: Subject) -> None:
    upload = await subject.op.create_multipart(subject.key())
    for number in (0, -1, 10_001):
        call = upload.write(number, b"x")
        await subject.fails_unsent(ErrorKind.INVALID_INPUT, call)
    part = await upload.write(10_000, b"last")
    await upload.complete([part])
    assert await subject.op.read(subject.key()) == b"last"


@needs("multipart")
async def test_multipart_without_parts(subject: Subject) -> None:
    upload = await subject.op.create_multipart(subject.key())
    await subject.fails_unsent(ErrorKind.INVALID_INPUT, upload.complete([]))
    part = await upload.write(1, b"x")
    await subject.fails_unsent(ErrorKind.INVALID_INPUT, upload.complete([part, part]))
    await upload.abort()


@needs("multipart", "multipart_list_parts")
async def test_multipart_writer_with_declared_size(subject: Subject) -> None:
    """A part of less or more than its declared size is refused and not held."""
    upload = await subject.op.create_multipart(subject.key())
    for data, kind in (
        (b"x" * 9, ErrorKind.CONTENT_INCOMPLETE),
        (b"x" * 11, ErrorKind.CONTENT_TRUNCATED),
    ):
        await subject.fails(kind, _write_part(upload.writer(1, size=10), data))
    assert await upload.list_parts() == []
    async with upload.writer(1, size=10) as writer:
        for _ in range(5):
            await writer.write(b"ab")
    part = await writer.close()
    assert (part.number, part.size) == (1, 10)
    await upload.complete([part])
    assert await subject.op.read(subject.key()) == b"ab" * 5


async def _write_part(writer: Any, data: bytes) -> None:
    async with writer:
        await writer.write(data)


@needs("multipart")
async def test_multipart_with_md5(subject: Subject) -> None:
    upload = await subject.op.create_multipart(subject.key())
    with pytest.raises(StorageError):
        await upload.write(1, b"content", md5=hashlib.md5(b"other").digest())
    part = await upload.write(1, b"content", md5=hashlib.md5(b"content").digest())
    await upload.complete([part])
    assert await subject.op.read(subject.key()) == b"content"


@needs("multipart", "multipart_copy")
async def test_multipart_copy_part(subject: Subject) -> None:
    data = await subject.put("source", PART + 300)
    upload = await subject.op.create_multipart(subject.key())
    source = subject.key("source")
    parts = [
        await upload.copy_part(1, source, ByteRange(300, PART + 300)),
        await upload.copy_part(2, source, ByteRange(0, 300)),
    ]
    await upload.complete(parts)
    assert await subject.op.read(subject.key()) == data[300:] + data[:300]


@needs("multipart", "write_with_content_type", "write_with_user_metadata")
async def test_multipart_keeps_metadata(subject: Subject) -> None:
    upload = await subject.op.create_multipart(
        subject.key(), content_type="text/x-test", user_metadata={"k": "v"}
    )
    await upload.complete([await upload.write(1, b"x")])
    found = await subject.op.stat(subject.key())
    assert found.content_type == "text/x-test"
    assert found.user_metadata["k"] == "v"


@needs("multipart")
async def test_multipart_overwrites_only_at_the_end(subject: Subject) -> None:
    await subject.put(data=b"old")
    upload = await subject.op.create_multipart(subject.key())
    part = await upload.write(1, b"new" * KiB)
    assert await subject.op.read(subject.key()) == b"old"
    await upload.complete([part])
    assert await subject.op.read(subject.key()) == b"new" * KiB


@needs("multipart")
async def test_multipart_with_dir_path(subject: Subject) -> None:
    call = subject.op.create_multipart(subject.key("dir/"))
    await subject.fails_unsent(ErrorKind.IS_A_DIRECTORY, call)
