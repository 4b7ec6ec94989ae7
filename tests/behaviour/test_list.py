"""Behaviours of ``list`` and ``lister``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import EntryMode, ErrorKind, Metakey
from tests.behaviour.probes import needs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.behaviour.subject import Subject


async def put_all(subject: Subject, names: Iterable[str], data: bytes = b"x") -> list[str]:
    """Write many small objects, several at a time; return the names, sorted."""
    queue = list(names)
    wanted = sorted(queue)

    async def work() -> None:
        while queue:
            await subject.op.write(subject.key(queue.pop()), data)

    # The first alone: rclone answers 500 to some of many first writes into one new folder.
    await subject.op.write(subject.key(queue.pop()), data)
    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(work())
    return wanted


async def test_check(subject: Subject) -> None:
    await subject.op.check()


async def test_list_dir(subject: Subject) -> None:
    await subject.put(data=123)
    entries = [e for e in await subject.op.list(subject.base) if e.path == subject.key()]
    assert len(entries) == 1
    assert entries[0].metadata.mode is EntryMode.FILE
    assert entries[0].metadata.content_length == 123
    assert entries[0].metadata.last_modified is not None
    assert entries[0].name == "file"


async def test_list_prefix(subject: Subject) -> None:
    await subject.put("report-1")
    await subject.put("other")
    assert [e.path for e in await subject.op.list(subject.key("report"))] == [
        subject.key("report-1")
    ]


async def test_list_rich_dir(subject: Subject) -> None:
    """Eleven files and a folder by pages of five: all appear, none twice, in order."""
    names = [*(f"file-{n}" for n in range(11)), "folder/x"]
    await put_all(subject, names)
    found = await subject.keys(limit=5)
    assert found == sorted([*(f"file-{n}" for n in range(11)), "folder/"])
    pages = []
    async with subject.op.lister(subject.base, limit=5) as lister:
        pages = [len(page) async for page in lister.pages()]
    assert max(pages) <= 5
    assert sum(pages) >= 12


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("slash", ["/", ""])
async def test_list_empty_dir(subject: Subject, slash: str, recursive: bool) -> None:
    await subject.op.create_dir(subject.key("empty/"))
    entries = await subject.op.list(subject.key("empty") + slash, recursive=recursive)
    assert [e.path for e in entries] == [subject.key("empty/")]
    assert entries[0].metadata.mode is EntryMode.DIR


async def test_list_non_existing_dir(subject: Subject) -> None:
    assert await subject.op.list(subject.key("none/")) == []
    assert await subject.op.list(subject.key("none/"), recursive=True) == []


async def test_list_sub_dir(subject: Subject) -> None:
    await subject.op.create_dir(subject.key("sub/"))
    await subject.put("sub2/file")
    entries = {e.path: e for e in await subject.op.list(subject.base)}
    for name in ("sub/", "sub2/"):
        entry = entries[subject.key(name)]
        assert entry.metadata.mode is EntryMode.DIR
        assert entry.name == name


async def test_list_nested_one_level(subject: Subject) -> None:
    await put_all(subject, ["a/b/c/d", "a/b/e", "a/f"])
    assert await subject.keys() == ["a/"]
    assert await subject.keys("a/") == ["a/b/", "a/f"]
    assert await subject.keys("a/b/") == ["a/b/c/", "a/b/e"]


async def test_list_file_path(subject: Subject) -> None:
    await subject.put(data=7)
    entries = await subject.op.list(subject.key())
    assert [(e.path, e.metadata.content_length) for e in entries] == [(subject.key(), 7)]


@needs("list_with_start_after")
async def test_list_with_start_after(subject: Subject) -> None:
    names = await put_all(subject, [f"file-{n:02}" for n in range(12)])
    after = subject.key("file-04")
    assert await subject.files(start_after=after) == names[5:]
    assert await subject.files(start_after=after, limit=3) == names[5:]
    assert await subject.files(start_after=after, recursive=True) == names[5:]
    assert await subject.files(start_after=subject.key("file-04!")) == names[5:]
    assert await subject.files(start_after=subject.key("zzz")) == []


@needs("list_with_recursive")
async def test_list_recursive(subject: Subject) -> None:
    names = await put_all(subject, ["x/y", "x/x/x/y", "x/x/y", "x-z", "w/z"])
    assert await subject.files(recursive=True) == names
    assert await subject.files("x/", recursive=True) == ["x/x/x/y", "x/x/y", "x/y"]
    assert await subject.files("x", recursive=True) == ["x-z", "x/x/x/y", "x/x/y", "x/y"]
    assert await subject.files("x/x", recursive=True, limit=1) == ["x/x/x/y", "x/x/y"]


@needs("list_with_recursive")
async def test_list_prefix_recursive(subject: Subject) -> None:
    await put_all(subject, ["x", "y", "yy", "yz/a", "z"])
    assert await subject.files("y", recursive=True) == ["y", "yy", "yz/a"]


@needs("list_with_recursive")
async def test_list_root_recursive(subject: Subject) -> None:
    names = await put_all(subject, ["a", "b/c"])
    for root in ("", "/"):
        entries = await subject.op.list(root, recursive=True)
        mine = [e.path for e in entries if e.path.startswith(subject.base)]
        assert [p for p in mine if not p.endswith("/")] == [subject.key(n) for n in names]


@needs("list_with_versions")
async def test_list_with_versions(subject: Subject) -> None:
    old = await subject.put_meta("file", b"old")
    new = await subject.put_meta("file", b"new!")
    await subject.put("file-2")
    entries = await subject.op.list(subject.key("file"), versions=True)
    mine = [e for e in entries if e.path == subject.key()]
    assert {e.metadata.version for e in mine} == {old.version, new.version}
    current = [e for e in mine if e.metadata.is_current]
    assert [(e.metadata.version, e.metadata.content_length) for e in current] == [(new.version, 4)]
    assert len(await subject.op.list(subject.key("file"))) == 2


@needs("list_with_versions", "list_with_limit")
async def test_list_with_versions_and_limit(subject: Subject) -> None:
    wrote = {(await subject.put_meta("file", b"%d" % n)).version for n in range(22)}
    entries = await subject.op.list(subject.base, versions=True, limit=5)
    found = [e.metadata.version for e in entries if e.path == subject.key()]
    assert len(found) == 22
    assert set(found) == wrote


@needs("list_with_versions", "list_with_start_after")
async def test_list_with_versions_and_start_after(subject: Subject) -> None:
    for name in ("a", "b", "c"):
        await subject.put(name)
        await subject.put(name)
    entries = await subject.op.list(subject.base, versions=True, start_after=subject.key("a"))
    assert [e.path for e in entries] == [subject.key(n) for n in ("b", "b", "c", "c")]


@needs("list_with_deleted")
async def test_list_with_deleted(subject: Subject) -> None:
    await subject.put()
    await subject.op.delete(subject.key())
    assert await subject.op.list(subject.base) == []
    entries = await subject.op.list(subject.base, deleted=True)
    assert [(e.path, e.metadata.is_deleted) for e in entries] == [(subject.key(), True)]


@pytest.mark.parametrize(
    "metakey",
    [
        Metakey.CONTENT_LENGTH | Metakey.ETAG | Metakey.LAST_MODIFIED,
        Metakey.CONTENT_TYPE | Metakey.USER_METADATA,
        Metakey.CACHE_CONTROL | Metakey.CONTENT_DISPOSITION | Metakey.CONTENT_ENCODING,
        Metakey.COMPLETE,
    ],
    ids=["free", "type", "headers", "complete"],
)
async def test_list_with_metakey(subject: Subject, metakey: Metakey) -> None:
    """Every field asked for is known and is what a stat says; what is free costs no request."""
    names = await put_all(subject, [f"file-{n}" for n in range(9)])
    plain = subject.requests()
    await subject.op.list(subject.base)
    plain = subject.requests() - plain
    before = subject.requests()
    async with subject.op.lister(subject.base, metakey=metakey, concurrent=3) as lister:
        entries = [e async for e in lister if not e.path.endswith("/")]
    made = subject.requests() - before
    assert [e.path for e in entries] == [subject.key(n) for n in names]
    assert all(e.metadata.knows(metakey) for e in entries)
    if subject.service.scheme == "s3":
        assert made == plain + (len(names) if lister.cost else 0)
    assert bool(lister.cost) is (made > plain)
    stat = await subject.op.stat(entries[0].path)
    listed = entries[0].metadata
    assert (listed.content_length, listed.etag) == (stat.content_length, stat.etag)
    if Metakey.CONTENT_TYPE in metakey or Metakey.COMPLETE in metakey:
        assert listed.content_type == stat.content_type


async def test_list_many(subject: Subject) -> None:
    """Thousands of keys over many pages: none twice, none missing, in order."""
    count = 10_000 if subject.service.name in {"memory", "fs", "s3-ceph", "s3-given"} else 1_100
    if subject.is_file_system:
        count = 3_000
    names = await put_all(subject, [f"k{n * 7919 % 100_000:05}" for n in range(count)])
    assert await subject.files(limit=97) == names
    assert await subject.files(recursive=True) == names
    assert await subject.op.remove_all(subject.base) >= count
    assert await subject.files() == []


async def test_list_twins(subject: Subject) -> None:
    """Keys that differ only by case or by normal form are listed apart."""
    names = await put_all(subject, ["Key", "key", "KEY", "caf\u00e9", "cafe\u0301"])
    assert await subject.files() == names


async def test_list_twins_by_slash(subject: Subject) -> None:
    if subject.is_file_system:
        await subject.op.create_dir(subject.key("a/"))
        call = subject.op.write(subject.key("a"), b"file")
        await subject.fails(ErrorKind.IS_A_DIRECTORY, call)
        subject.note("deviation", "a name is a folder or a file, never both; it is refused")
        return
    await put_all(subject, ["a", "a/b"])
    await subject.op.create_dir(subject.key("a/"))
    assert await subject.keys() == ["a", "a/"]
    assert [e.path for e in await subject.op.list(subject.base, recursive=True)] == [
        subject.key(n) for n in ("a", "a/", "a/b")
    ]


async def test_list_stops_when_closed(subject: Subject) -> None:
    await put_all(subject, [f"file-{n}" for n in range(12)])
    lister = subject.op.lister(subject.base, limit=3)
    assert len(await lister.next_page() or []) == 3
    before = subject.requests()
    await lister.aclose()
    assert await lister.next_page() is None
    assert subject.requests() == before


async def test_list_with_bad_limit(subject: Subject) -> None:
    call = subject.op.list(subject.base, limit=0)
    await subject.fails_unsent(ErrorKind.INVALID_INPUT, call)
