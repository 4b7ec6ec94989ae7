"""Behaviours of ``copy``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import ByteRange, ErrorKind
from tests.behaviour.faulty import faulty
from tests.behaviour.probes import needs
from tests.behaviour.subject import KiB, MiB

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject


@pytest.mark.parametrize("name", ["plain.txt", "日本語 😀 ü.txt", "a+b %2F c&d"])
@needs("copy")
async def test_copy_file(subject: Subject, name: str) -> None:
    data = await subject.put(f"from {name}", 10 * KiB)
    await subject.op.copy(subject.key(f"from {name}"), subject.key(f"to {name}"))
    assert await subject.op.read(subject.key(f"to {name}")) == data
    assert await subject.op.read(subject.key(f"from {name}")) == data


@needs("copy")
async def test_copy_returns_the_new_objects_metadata(subject: Subject) -> None:
    await subject.put("source", 10 * KiB)
    said = await subject.op.copy(subject.key("source"), subject.key())
    found = await subject.op.stat(subject.key())
    assert said.etag == found.etag
    assert said.etag is not None


@needs("copy", "write_with_content_type", "write_with_user_metadata")
async def test_copy_keeps_metadata(subject: Subject) -> None:
    await subject.put("source", content_type="text/x-test", user_metadata={"k": "v"})
    await subject.op.copy(subject.key("source"), subject.key())
    found = await subject.op.stat(subject.key())
    assert found.content_type == "text/x-test"
    assert found.user_metadata["k"] == "v"


@needs("copy")
async def test_copy_missing_source(subject: Subject) -> None:
    call = subject.op.copy(subject.key("none"), subject.key())
    await subject.fails(ErrorKind.NOT_FOUND, call)
    assert not await subject.op.exists(subject.key())


@needs("copy")
async def test_copy_dirs(subject: Subject) -> None:
    await subject.put()
    for source, target in (("dir/", "file"), ("file", "dir/")):
        call = subject.op.copy(subject.key(source), subject.key(target))
        await subject.fails_unsent(ErrorKind.IS_A_DIRECTORY, call)


@needs("copy")
async def test_copy_self(subject: Subject) -> None:
    await subject.put()
    call = subject.op.copy(subject.key(), subject.key())
    await subject.fails_unsent(ErrorKind.IS_SAME_FILE, call)


@needs("copy")
async def test_copy_nested(subject: Subject) -> None:
    data = await subject.put("a/b")
    await subject.op.copy(subject.key("a/b"), subject.key("x/y/z"))
    assert await subject.op.read(subject.key("x/y/z")) == data


@needs("copy")
async def test_copy_overwrite(subject: Subject) -> None:
    data = await subject.put("source", 500)
    await subject.put("target", 999)
    await subject.op.copy(subject.key("source"), subject.key("target"))
    assert await subject.op.read(subject.key("target")) == data


@needs("copy_with_if_not_exists")
async def test_copy_with_if_not_exists(subject: Subject) -> None:
    data = await subject.put("source")
    await subject.op.copy(subject.key("source"), subject.key("new"), if_not_exists=True)
    assert await subject.op.read(subject.key("new")) == data
    await subject.put("target", b"intact")
    call = subject.op.copy(subject.key("source"), subject.key("target"), if_not_exists=True)
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert await subject.op.read(subject.key("target")) == b"intact"


@needs("copy_with_if_match")
async def test_copy_with_if_match(subject: Subject) -> None:
    etag = (await subject.put_meta("source", b"content")).etag
    await subject.op.copy(subject.key("source"), subject.key("good"), if_match=etag)
    assert await subject.op.read(subject.key("good")) == b"content"
    call = subject.op.copy(subject.key("source"), subject.key("bad"), if_match='"other"')
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, call)
    assert not await subject.op.exists(subject.key("bad"))


@needs("copy_with_source_version")
async def test_copy_with_source_version(subject: Subject) -> None:
    """To another key, and onto itself: a restore."""
    old = (await subject.put_meta("file", b"old")).version
    await subject.put(data=b"new")
    await subject.op.copy(subject.key(), subject.key("restored"), source_version=old)
    assert await subject.op.read(subject.key("restored")) == b"old"
    await subject.op.copy(subject.key(), subject.key(), source_version=old)
    assert await subject.op.read(subject.key()) == b"old"


@pytest.mark.parametrize("concurrent", [1, 3])
@needs("copy", "multipart_copy")
async def test_copy_in_chunks(subject: Subject, concurrent: int) -> None:
    """Part by part, as above the limit of one copy request."""
    data = await subject.put("source", 11 * MiB + 5)
    op = faulty(subject, copy_max_size=6 * MiB)
    await op.copy(subject.key("source"), subject.key(), chunk=5 * MiB, concurrent=concurrent)
    await op.aclose()
    copied = await subject.op.read(subject.key())
    assert hashlib.sha256(copied).digest() == hashlib.sha256(data).digest()
    tail = await subject.op.read(subject.key(), range=ByteRange.suffix(7))
    assert tail == data[-7:]
