"""Listings: strict order, any key resumes it, hidden files stay hidden."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.options import OpCreateMultipart, OpList, OpWrite
from dalbrowser.storage.types import EntryMode, Metakey

if TYPE_CHECKING:
    from tests.unit.fs.conftest import Disk

NAMES = ("a", "a-b", "a.b", "a0", "b", "B", "ä", "é", "e\u0301", "日本", "😀", " s ", "%2F", "z")


@pytest.fixture
def tree(disk: Disk) -> list[str]:
    """A tree in which plain order by name and order by key differ; all keys, sorted."""
    rng = random.Random(7)
    keys = set()
    for name in NAMES:
        if rng.random() < 0.5:
            (disk.root / name).write_bytes(b"x")
            keys.add(name)
            continue
        keys.add(f"{name}/")
        (disk.root / name).mkdir()
        for inner in rng.sample(NAMES, 5):
            (disk.root / name / inner).write_bytes(b"x")
            keys.add(f"{name}/{inner}")
    return sorted(keys)


async def test_recursive_is_everything_in_order(disk: Disk, tree: list[str]) -> None:
    assert await disk.keys(recursive=True) == tree
    assert await disk.keys(recursive=True, limit=3) == tree


async def test_any_key_resumes_the_listing(disk: Disk, tree: list[str]) -> None:
    flat = [key for key in tree if "/" not in key[:-1]]
    for after in [*tree, "", "a/zzz", "nothing", "\U0010ffff"]:
        expected = [key for key in tree if key > after]
        assert await disk.keys(recursive=True, start_after=after) == expected
        assert await disk.keys(start_after=after) == [key for key in flat if key > after]


async def test_prefix_lists_by_prefix(disk: Disk, tree: list[str]) -> None:
    for prefix in ("a", "a/", "a-", "z", "nope", "b/e"):
        expected = [key for key in tree if key.startswith(prefix)]
        assert await disk.keys(prefix, recursive=True) == expected
    assert await disk.keys("nope/") == []
    assert await disk.keys("nope/deeper/x") == []


async def test_unfinished_writes_do_not_appear(disk: Disk) -> None:
    writer = await disk.fs.write("d/a", OpWrite())
    await disk.fs.create_multipart("d/big", OpCreateMultipart())
    (disk.root / "self").symlink_to(".")
    assert await disk.keys(recursive=True) == ["d/", "self/"]
    assert await disk.keys("self/") == ["self/", "self/d/", "self/self/"]
    assert await disk.keys(".dal") == []
    await writer.abort()


async def test_what_an_entry_knows(disk: Disk) -> None:
    await disk.put("a", b"12345", content_type="text/x")
    lister = await disk.fs.list("", OpList())
    page = await lister.next_page()
    await lister.aclose()
    assert page is not None
    listed = page.entries[0].metadata
    stat = await disk.stat("a")
    assert (listed.content_length, listed.etag, listed.last_modified) == (
        5,
        stat.etag,
        stat.last_modified,
    )
    assert listed.knows(Metakey.CONTENT_LENGTH | Metakey.ETAG | Metakey.LAST_MODIFIED)
    assert not listed.knows(Metakey.CONTENT_TYPE)
    lister = await disk.fs.list("", OpList(metakey=Metakey.CONTENT_TYPE))
    page = await lister.next_page()
    await lister.aclose()
    assert page is not None
    assert page.entries[0].metadata == stat


async def test_odd_entries_are_shown(disk: Disk) -> None:
    (disk.root / "dangling").symlink_to("nowhere")
    os.mkfifo(disk.root / "pipe")
    (disk.root / os.fsdecode(b"latin\xe9")).write_bytes(b"1")
    lister = await disk.fs.list("", OpList(metakey=Metakey.COMPLETE))
    page = await lister.next_page()
    await lister.aclose()
    assert page is not None
    modes = {entry.path: entry.metadata.mode for entry in page.entries}
    assert modes == {
        "dangling": EntryMode.UNKNOWN,
        "pipe": EntryMode.UNKNOWN,
        "latin\udce9": EntryMode.FILE,
    }
    assert all(entry.metadata.knows(Metakey.COMPLETE) for entry in page.entries)
    assert await disk.get("latin\udce9") == b"1"
    for path in modes:
        await disk.delete(path)
    assert disk.files() == []


def open_files() -> int:
    """Return how many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_closing_early_closes_the_folders(disk: Disk, tree: list[str]) -> None:
    before = open_files()
    listers = [await disk.fs.list("", OpList(recursive=True, limit=2)) for _ in range(5)]
    for lister in listers:
        await lister.next_page()
        await lister.next_page()
    for lister in listers:
        await lister.aclose()
        assert await lister.next_page() is None
    assert open_files() == before


async def test_an_entry_that_vanishes_is_dropped(disk: Disk) -> None:
    for n in range(6):
        await disk.put(f"{n}")
    lister = await disk.fs.list("", OpList(limit=3))
    await lister.next_page()
    (disk.root / "4").unlink()
    page = await lister.next_page()
    assert page is not None
    assert [entry.path for entry in page.entries] == ["3", "5"]
    await lister.aclose()
