"""Behaviours of ``copy_from``: from another bucket of the same server, by the server itself."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import ByteRange, ErrorKind, Operator
from dalbrowser.storage.paths import spell
from tests.behaviour.probes import needs
from tests.behaviour.subject import MiB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.behaviour.subject import Subject

NAMES = ["plain.txt", "日本語 😀 ü.txt", "a+b %2F c&d?x=1#y", "q'(1)!*~ =;,@$"]


@asynccontextmanager
async def neighbour(subject: Subject) -> AsyncIterator[Operator]:
    """Open another bucket of the same server."""
    assert subject.service.neighbour is not None
    with subject.service.neighbour() as config:
        async with Operator(subject.service.scheme, **config) as op:
            yield op


@pytest.mark.parametrize("name", NAMES)
@needs("copy_with_source_bucket")
async def test_copy_from(subject: Subject, name: str) -> None:
    data, sent = subject.random(70_000), len(subject.service.exchanges)
    async with neighbour(subject) as origin:
        await origin.write(f"from/{name}", data)
        assert subject.op.copies_from(origin)
        said = await subject.op.copy_from(origin, f"from/{name}", subject.key(name))
        moved = subject.service.exchanges[sent:]
        assert sum(item.sent + item.received for item in moved) < 5000
        found = await subject.op.stat(subject.key(name))
        assert said.etag == found.etag
        assert await subject.op.read(subject.key(name)) == data
        assert await origin.read(f"from/{name}") == data


@needs("copy_with_source_bucket", "write_with_content_type", "write_with_user_metadata")
async def test_copy_from_keeps_metadata(subject: Subject) -> None:
    async with neighbour(subject) as origin:
        await origin.write("f", b"x", content_type="text/x-test", user_metadata={"k": "v"})
        await subject.op.copy_from(origin, "f", subject.key())
    found = await subject.op.stat(subject.key())
    assert found.content_type == "text/x-test"
    assert {name.lower(): value for name, value in found.user_metadata.items()}["k"] == "v"


@needs("copy_with_source_bucket")
async def test_copy_from_the_same_name(subject: Subject) -> None:
    """The bucket tells source and target apart, also where their keys are equal."""
    await subject.put("same", b"here")
    async with neighbour(subject) as origin:
        key = spell(subject.key("same"))
        await origin.write(key, b"there")
        await subject.op.copy_from(origin, key, key)
        assert await subject.op.read(key) == b"there"
        assert await origin.read(key) == b"there"
    await subject.fails(ErrorKind.IS_SAME_FILE, subject.op.copy_from(subject.op, key, key))


@needs("copy_with_source_bucket")
async def test_copy_from_a_missing_source(subject: Subject) -> None:
    """What is in this bucket under that name is never taken for it."""
    await subject.put("there", b"mine")
    async with neighbour(subject) as origin:
        call = subject.op.copy_from(origin, subject.key("there"), subject.key())
        await subject.fails(ErrorKind.NOT_FOUND, call)
    assert not await subject.op.exists(subject.key())


@needs("copy_with_source_bucket", "multipart_copy")
async def test_copy_part_from(subject: Subject) -> None:
    data = subject.random(5 * MiB + 1000)
    async with neighbour(subject) as origin:
        await origin.write("big", data)
        upload = await subject.op.create_multipart(subject.key())
        bucket, parts = origin.info().name, []
        for number, (start, end) in enumerate(((0, 5 * MiB), (5 * MiB, len(data))), 1):
            part = ByteRange(start, end)
            parts.append(await upload.copy_part(number, "big", part, source_bucket=bucket))
        await upload.complete(parts)
    assert await subject.op.read(subject.key()) == data


@needs("copy_with_source_bucket", "copy_with_if_match")
async def test_copy_from_under_a_condition(subject: Subject) -> None:
    async with neighbour(subject) as origin:
        await origin.write("f", b"x")
        call = subject.op.copy_from(origin, "f", subject.key(), if_match='"other"')
        await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert not await subject.op.exists(subject.key())


async def test_copy_from_elsewhere(subject: Subject) -> None:
    """Another server, or none: refused before any request, as the name there is another's."""
    async with Operator("memory") as origin:
        await origin.write("f", b"x")
        assert not subject.op.copies_from(origin)
        call = subject.op.copy_from(origin, "f", subject.key())
        await subject.fails_unsent(ErrorKind.UNSUPPORTED, call)
