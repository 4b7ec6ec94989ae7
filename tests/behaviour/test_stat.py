"""Behaviours of ``stat``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import EntryMode, ErrorKind, Metakey
from tests.behaviour.probes import needs
from tests.behaviour.test_read import SPECIAL

if TYPE_CHECKING:
    from tests.behaviour.subject import Subject

LATER = datetime.now(UTC) + timedelta(days=1)
EARLIER = datetime.now(UTC) - timedelta(days=1)


async def test_stat_file(subject: Subject) -> None:
    await subject.put(data=1234)
    metadata = await subject.op.stat(subject.key())
    assert metadata.mode is EntryMode.FILE
    assert metadata.content_length == 1234
    assert abs(metadata.last_modified - datetime.now(UTC)) < timedelta(minutes=5)  # type: ignore[operator]
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key("file/")))


async def test_stat_dir(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("dir/"))
    assert (await subject.op.stat(subject.key("dir/"))).mode is EntryMode.DIR
    if subject.is_file_system:
        assert (await subject.op.stat(subject.key("dir"))).mode is EntryMode.DIR
    else:
        await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key("dir")))


async def test_stat_nested_parent_dir(subject: Subject) -> None:
    await subject.put("parent/child/file")
    assert (await subject.op.stat(subject.key("parent/"))).mode is EntryMode.DIR
    assert (await subject.op.stat(subject.key("parent/child/"))).mode is EntryMode.DIR


async def test_stat_with_special_chars(subject: Subject) -> None:
    await subject.put(f"{SPECIAL}.txt", 77)
    assert (await subject.op.stat(subject.key(f"{SPECIAL}.txt"))).content_length == 77


async def test_stat_not_exist(subject: Subject) -> None:
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key("none")))
    await subject.fails(ErrorKind.NOT_FOUND, subject.op.stat(subject.key("none/")))
    assert not await subject.op.exists(subject.key("none"))
    assert not await subject.op.exists(subject.key("none/"))


async def test_stat_root(subject: Subject) -> None:
    assert (await subject.op.stat("")).mode is EntryMode.DIR
    assert (await subject.op.stat("/")).mode is EntryMode.DIR


async def test_stat_leading_slash(subject: Subject) -> None:
    await subject.put(data=55)
    assert (await subject.op.stat("/" + subject.key())).content_length == 55


async def _check(subject: Subject, good: dict[str, Any], bad: dict[str, Any]) -> None:
    metadata = await subject.op.stat(subject.key(), **good)
    assert metadata.content_length == 100
    await subject.fails(ErrorKind.CONDITION_NOT_MATCH, subject.op.stat(subject.key(), **bad))


@needs("stat_with_if_match")
async def test_stat_with_if_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"x" * 100)).etag
    await _check(subject, {"if_match": etag}, {"if_match": '"other"'})


@needs("stat_with_if_none_match")
async def test_stat_with_if_none_match(subject: Subject) -> None:
    etag = (await subject.put_meta("file", b"x" * 100)).etag
    await _check(subject, {"if_none_match": '"other"'}, {"if_none_match": etag})


@needs("stat_with_if_modified_since")
async def test_stat_with_if_modified_since(subject: Subject) -> None:
    modified = (await subject.put_meta("file", b"x" * 100)).last_modified
    await _check(subject, {"if_modified_since": EARLIER}, {"if_modified_since": modified})


@needs("stat_with_if_unmodified_since")
async def test_stat_with_if_unmodified_since(subject: Subject) -> None:
    await subject.put()
    await _check(subject, {"if_unmodified_since": LATER}, {"if_unmodified_since": EARLIER})


@needs("stat_with_version")
async def test_stat_with_version(subject: Subject) -> None:
    old = await subject.put_meta("file", b"old content")
    new = await subject.put_meta("file", b"new")
    assert old.version != new.version
    found = await subject.op.stat(subject.key(), version=old.version)
    assert (found.content_length, found.etag, found.version) == (11, old.etag, old.version)


@needs("stat_with_version")
async def test_stat_with_version_of_another_object(subject: Subject) -> None:
    foreign = await subject.put_meta("other", b"other")
    await subject.put()
    call = subject.op.stat(subject.key(), version=foreign.version)
    await subject.fails(ErrorKind.NOT_FOUND, call)


@needs("stat_with_tags", "write_with_tags")
async def test_stat_with_tags(subject: Subject) -> None:
    tags = {"a&b": "v=2 ü+", "empty": ""}
    await subject.put("plain")
    await subject.op.write(subject.key("tagged"), b"x", tags=tags)
    assert (await subject.op.stat(subject.key("tagged"), tags=True)).tags == tags
    assert (await subject.op.stat(subject.key("plain"), tags=True)).tags == {}
    assert (await subject.op.stat(subject.key("tagged"))).tags is None


async def test_stat_is_complete(subject: Subject) -> None:
    await subject.put()
    assert (await subject.op.stat(subject.key())).knows(Metakey.COMPLETE)


@pytest.mark.parametrize("data", [b"", b"x"])
async def test_stat_tiny(subject: Subject, data: bytes) -> None:
    await subject.put(data=data)
    assert (await subject.op.stat(subject.key())).content_length == len(data)
