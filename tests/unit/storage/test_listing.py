"""Listings: native and simulated give the same, in key order, each entry once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.storage import (
    Entry,
    ErrorKind,
    Metadata,
    Metakey,
    Operator,
    RetryLayer,
    StorageError,
)
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.oio import GivenPages
from dalbrowser.storage.types import Page
from tests.unit.storage.reduced import Reduced, memory, operator_over, temporary

if TYPE_CHECKING:
    from dalbrowser.storage.context import AccessorInfo
    from dalbrowser.storage.options import OpList, OpStat
    from dalbrowser.storage.types import RawLister

NOTHING = {
    "list_with_recursive": False,
    "list_with_limit": False,
    "list_with_start_after": False,
    "list_with_prefix": False,
}

segments = st.text(alphabet="ab.0é\U0001f600", min_size=1, max_size=3)
keys = st.lists(segments, min_size=1, max_size=4).map("/".join)


def folded(names: set[str], prefix: str, *, recursive: bool, after: str | None) -> list[str]:
    """Return what a listing of ``names`` must be."""
    found = set()
    for name in names:
        if name.startswith(prefix):
            slash = name.find("/", len(prefix))
            found.add(name if recursive or slash < 0 else name[: slash + 1])
    return sorted(each for each in found if after is None or each > after)


@settings(max_examples=250, deadline=None)
@given(
    names=st.sets(keys, max_size=15),
    path=st.one_of(st.just(""), keys, keys.map(lambda key: key + "/")),
    after=st.none() | keys,
    limit=st.none() | st.integers(1, 4),
    recursive=st.booleans(),
)
def test_native_and_simulated_listings_equal_the_model(
    names: set[str], path: str, after: str | None, limit: int | None, recursive: bool
) -> None:
    async def scenario() -> None:
        expected = folded(names, path, recursive=recursive, after=after)
        for flags in ({}, NOTHING):
            service = Reduced(memory(), **flags)
            op = operator_over(service)
            for name in names:
                await op.write(name, b"")
            lister = op.lister(path, recursive=recursive, limit=limit, start_after=after)
            pages = [page async for page in lister.pages()]
            listed = [entry.path for page in pages for entry in page]
            if flags and recursive:
                # A walk gives the folders that it goes through as well.
                listed = [each for each in listed if not each.endswith("/")]
            if flags and after is None:
                listed.sort()
            assert listed == expected
            if limit is not None:
                assert all(len(page) <= limit for page in pages)

    asyncio.run(scenario())


async def test_a_simulated_walk_is_in_key_order_when_it_starts_after_a_key() -> None:
    op = operator_over(Reduced(memory(), **NOTHING))
    for name in ("a.b", "a/x", "a/y/z", "a0", "b/c"):
        await op.write(name, b"")
    listed = [entry.path for entry in await op.list("", recursive=True, start_after="a.b")]
    assert listed == ["a/", "a/x", "a/y/", "a/y/z", "a0", "b/", "b/c"]
    listed = [entry.path for entry in await op.list("", recursive=True, start_after="a/y/a")]
    assert listed == ["a/y/z", "a0", "b/", "b/c"]


class Backwards(Reduced):
    """Lists each folder from its end, in one page, as a file system may."""

    async def list(self, path: str, args: OpList) -> RawLister:
        lister = await super().list(path, args)
        entries: list[Entry] = []
        while (page := await lister.next_page()) is not None:
            entries += page.entries
        return GivenPages([Page(entries[::-1])])


@pytest.mark.parametrize("recursive", [False, True])
async def test_after_a_key_the_order_is_the_keys_whatever_the_services_is(
    recursive: bool,
) -> None:
    op = operator_over(Backwards(memory(), **NOTHING))
    names = ["a", "b.c", "b/x", "b/y", "b0", "c/d/e", "f"]
    for name in names:
        await op.write(name, b"")
    listed = [entry.path for entry in await op.list("", recursive=recursive, start_after="a")]
    assert listed == sorted(listed)
    assert listed[0] == "b.c"
    everything = [entry.path for entry in await op.list("", recursive=True)]
    assert sorted(path for path in everything if not path.endswith("/")) == names


async def test_a_folder_that_is_only_itself() -> None:
    for flags in ({}, NOTHING):
        op = operator_over(Reduced(memory(), **flags))
        await op.create_dir("d/")
        for path in ("d", "d/"):
            for recursive in (False, True):
                listed = [entry.path for entry in await op.list(path, recursive=recursive)]
                assert listed == ["d/"], (flags, path, recursive)
        assert await op.list("none/") == []


class FlakyLists(LayeredAccessor):
    """Every second call that a listing makes fails for the moment."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.calls = 0

    async def list(self, path: str, args: OpList) -> RawLister:
        self.fail()
        return FlakyPages(self, await self.inner.list(path, args))

    def fail(self) -> None:
        """Fail, every second time."""
        self.calls += 1
        if self.calls % 2:
            raise temporary()


class FlakyPages:
    """Pages that fail every second time."""

    def __init__(self, owner: FlakyLists, inner: RawLister) -> None:
        self._owner = owner
        self._inner = inner

    async def next_page(self) -> Page | None:
        """Return the page, or fail before it was taken."""
        self._owner.fail()
        return await self._inner.next_page()

    async def aclose(self) -> None:
        """Stop."""
        await self._inner.aclose()


async def _no_wait(_: float, /) -> None:
    return None


@pytest.mark.parametrize("after", [None, "a"])
async def test_a_listing_that_fails_in_the_middle_loses_and_repeats_nothing(
    after: str | None,
) -> None:
    names = [f"{a}/{b}/{c}" for a in "abc" for b in "xy" for c in range(5)]
    service = FlakyLists(Reduced(memory(), **NOTHING))
    op = operator_over(service).layer(RetryLayer(sleep=_no_wait))
    for name in names:
        await op.write(name, b"")
    listed = [entry.path for entry in await op.list("", recursive=True, start_after=after)]
    files = [path for path in listed if not path.endswith("/")]
    assert sorted(files) == names
    assert len(set(listed)) == len(listed)


class Sparse(LayeredAccessor):
    """Lists only mode and length, and counts the stats that fill in the rest."""

    def __init__(self) -> None:
        super().__init__(memory())
        self.stats: list[str] = []
        self.under_way = self.most = 0
        self.vanished: set[str] = set()
        self.denied: set[str] = set()

    def info(self) -> AccessorInfo:
        return replace(self.inner.info(), listed=Metakey.MODE | Metakey.CONTENT_LENGTH)

    async def list(self, path: str, args: OpList) -> RawLister:
        return SparsePages(await self.inner.list(path, args))

    async def stat(self, path: str, args: OpStat) -> Metadata:
        self.stats.append(path)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if path in self.vanished:
            raise StorageError(ErrorKind.NOT_FOUND, "gone")
        if path in self.denied:
            raise StorageError(ErrorKind.PERMISSION_DENIED, "no")
        return await self.inner.stat(path, args)


class SparsePages:
    """Pages that know little."""

    def __init__(self, inner: RawLister) -> None:
        self._inner = inner

    async def next_page(self) -> Page | None:
        """Forget most of the metadata."""
        page = await self._inner.next_page()
        if page is not None:
            known = Metakey.MODE | Metakey.CONTENT_LENGTH
            page.entries = [
                Entry(
                    e.path,
                    Metadata(
                        mode=e.metadata.mode, content_length=e.metadata.content_length, known=known
                    ),
                )
                for e in page.entries
            ]
        return page

    async def aclose(self) -> None:
        """Stop."""
        await self._inner.aclose()


async def sparse() -> tuple[Sparse, Operator]:
    """Return a sparse service with 40 files and a folder."""
    service = Sparse()
    op = operator_over(service)
    for n in range(40):
        await op.write(f"{n:02}", b"x", content_type="text/plain")
    await op.write("folder/x", b"")
    return service, op


async def test_what_the_listing_brings_costs_nothing() -> None:
    service, op = await sparse()
    lister = op.lister("", metakey=Metakey.MODE | Metakey.CONTENT_LENGTH)
    assert lister.cost == Metakey.NONE
    assert len([entry async for entry in lister]) == 41
    assert service.stats == []


async def test_what_it_does_not_bring_is_filled_in_bounded_and_in_order() -> None:
    service, op = await sparse()
    lister = op.lister("", metakey=Metakey.CONTENT_LENGTH | Metakey.CONTENT_TYPE, concurrent=3)
    assert lister.cost == Metakey.CONTENT_TYPE
    entries = [entry async for entry in lister]
    assert [entry.path for entry in entries] == [f"{n:02}" for n in range(40)] + ["folder/"]
    assert all(entry.metadata.content_type == "text/plain" for entry in entries[:-1])
    assert all(entry.metadata.knows(Metakey.COMPLETE) for entry in entries[:-1])
    assert len(service.stats) == 40
    assert service.most == 3


async def test_a_vanished_entry_is_dropped_and_a_failed_one_says_so() -> None:
    service, op = await sparse()
    service.vanished, service.denied = {"03"}, {"05"}
    entries = await op.list("", metakey=Metakey.COMPLETE)
    assert "03" not in [entry.path for entry in entries]
    failed = [entry for entry in entries if entry.error is not None]
    assert [entry.path for entry in failed] == ["05"]
    assert failed[0].error is not None
    assert failed[0].error.kind is ErrorKind.PERMISSION_DENIED
    assert failed[0].metadata.content_length == 1
    assert len(entries) == 40


async def test_pages_pass_through_without_new_objects() -> None:
    service = memory()
    op = operator_over(service)
    for n in range(10):
        await op.write(str(n), b"")
    async for page in op.lister("").pages():
        stored = service._store.objects  # type: ignore[attr-defined]
        assert all(entry.metadata is stored[entry.path][-1].metadata for entry in page)


async def test_a_lister_that_is_left_is_closed() -> None:
    _, op = await sparse()
    lister = op.lister("", limit=2)
    async with lister:
        async for _ in lister:
            break
    assert await lister.next_page() is None


async def test_versions_and_delete_markers() -> None:
    op = Operator("memory", versioning=True)
    first = await op.write("a", b"1")
    second = await op.write("a", b"22")
    assert first.version != second.version
    await op.delete("a")
    assert await op.list("") == []
    versions = await op.list("", versions=True)
    assert [entry.metadata.version for entry in versions] == [second.version, first.version]
    everything = await op.list("", versions=True, deleted=True)
    assert [entry.metadata.is_deleted for entry in everything] == [True, False, False]
    assert [entry.metadata.is_current for entry in everything] == [True, False, False]
    assert await op.read("a", version=first.version) == b"1"
    await op.copy("a", "a", source_version=first.version)
    assert await op.read("a") == b"1"
    await op.delete("a", version=first.version)
    with pytest.raises(StorageError) as caught:
        await op.read("a", version=first.version)
    assert caught.value.kind is ErrorKind.NOT_FOUND
    for n in range(22):
        await op.write("b", str(n).encode())
    assert len(await op.list("b", versions=True, limit=5)) == 22
    assert await op.list("b", versions=True, start_after="b") == []


async def test_deleted_lists_the_markers_in_force_as_s3_does() -> None:
    op = Operator("memory", versioning=True)
    for path in ("back", "gone"):
        await op.write(path, b"x")
        await op.delete(path)
    await op.write("back", b"y")
    await op.delete("never")
    found = [(entry.path, entry.metadata.is_deleted) for entry in await op.list("", deleted=True)]
    assert found == [("back", False), ("gone", True), ("never", True)]
    assert [entry.path for entry in await op.list("")] == ["back"]
    for entry in await op.list("", versions=True, deleted=True):
        await op.delete(entry.path, version=entry.metadata.version)
    assert await op.list("", versions=True, deleted=True) == []
