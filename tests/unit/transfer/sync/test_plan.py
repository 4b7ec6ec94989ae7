"""A plan follows from two listings as it would from two sets."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.transfer.disk.localnames import local_path
from dalbrowser.transfer.sync.clashes import Clashes
from dalbrowser.transfer.sync.digests import same_contents
from dalbrowser.transfer.sync.items import Item, UnorderedError
from dalbrowser.transfer.sync.localtree import local_items
from dalbrowser.transfer.sync.merge import merge
from dalbrowser.transfer.sync.rules import By, Rules, is_newer
from dalbrowser.transfer.sync.steps import Counts, Do, Step, Steps

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

_SEGMENT = st.text(st.sampled_from("ab!/0\x7fé\U0001f600"), min_size=1, max_size=4)
_FACTS = st.tuples(st.integers(0, 2), st.sampled_from([1.0, 1.5, 2.0, 3.25, None]))
_LISTING = st.dictionaries(_SEGMENT, _FACTS, max_size=12)


async def pages_of(items: Iterable[Item], size: int = 2) -> AsyncGenerator[list[Item], None]:
    some = list(items)
    for at in range(0, len(some), size):
        yield some[at : at + size]
    if not some:
        yield []


def items_of(listing: dict[str, tuple[int, float | None]]) -> list[Item]:
    return [
        Item(key=key, size=listing[key][0], modified=listing[key][1]) for key in sorted(listing)
    ]


async def unknown(_source: Item, _target: Item) -> bool | None:
    return None


async def plan(
    source: Iterable[Item], target: Iterable[Item], rules: Rules, *, delete: bool = True
) -> tuple[list[Step], Counts]:
    steps = Steps(rules, delete=delete, digests=unknown)
    found = [step async for step in steps.of(merge(pages_of(source), pages_of(target)))]
    return found, steps.counts


@settings(max_examples=150, deadline=None)
@given(_LISTING, _LISTING, st.sampled_from([By.TIME, By.SIZE]), st.booleans())
async def test_a_plan_is_what_the_sets_say(
    source: dict[str, tuple[int, float | None]],
    target: dict[str, tuple[int, float | None]],
    by: By,
    delete: bool,
) -> None:
    rules = Rules(by, exclude=("a!*",))
    steps, counts = await plan(items_of(source), items_of(target), rules, delete=delete)
    here = {key: facts for key, facts in source.items() if not key.startswith("a!")}
    there = {key: facts for key, facts in target.items() if not key.startswith("a!")}

    def differs(key: str) -> bool:
        (size, when), (other, then) = here[key], there[key]
        if size != other or by is By.SIZE:
            return size != other
        if when is None or then is None:
            return True
        return when > then

    expected = {(Do.COPY, key) for key in here.keys() - there.keys()}
    expected |= {(Do.UPDATE, key) for key in here.keys() & there.keys() if differs(key)}
    if delete:
        expected |= {(Do.DELETE, key) for key in there.keys() - here.keys()}
    assert {(step.do, step.key) for step in steps} == expected
    assert [step.key for step in steps] == sorted(step.key for step in steps)
    assert counts.files == len(here)
    assert counts.same == len(here) - counts.work
    assert counts.extra == len(there.keys() - here.keys())
    assert counts.bytes == sum(here[step.key][0] for step in steps if step.do is not Do.DELETE)


async def test_a_listing_that_is_not_in_order_is_noticed() -> None:
    with pytest.raises(UnorderedError):
        await plan([Item(key="b", size=1), Item(key="a", size=1)], [], Rules())


async def test_what_an_obstacle_hides_is_neither_deleted_nor_written() -> None:
    hidden = Item(key="d/", obstacle="it cannot be read", failed=True, below=True)
    rows = [Item(key="d/x", size=1), Item(key="d0", size=1)]
    steps, counts = await plan([hidden], rows, Rules())
    assert [(step.do, step.key) for step in steps] == [(Do.FAIL, "d/"), (Do.DELETE, "d0")]
    assert counts.failed == 1
    steps, counts = await plan(rows, [hidden], Rules())
    assert [(step.do, step.key) for step in steps] == [
        (Do.FAIL, "d/"),
        (Do.FAIL, "d/x"),
        (Do.COPY, "d0"),
    ]
    assert counts.files == 2


@pytest.mark.parametrize(
    ("same", "fails", "updates"),
    [(True, False, 0), (False, False, 1), (None, False, 1), (None, True, 1)],
)
async def test_an_older_file_here_is_read_before_it_is_fetched_again(
    same: bool | None, fails: bool, updates: int
) -> None:
    read: list[str] = []

    async def digests(source: Item, target: Item) -> bool | None:
        read.append(target.path or source.path)
        if fails:
            raise PermissionError(13, "Permission denied")
        return same

    remote = Item(key="f", size=1, modified=20.0, etag='"e"')
    local = Item(key="f", size=1, modified=10.0, mtime_ns=10, path="/down/f")

    async def planned(source: Item, target: Item) -> Counts:
        steps = Steps(Rules(), delete=True, digests=digests)
        async for step in steps.of(merge(pages_of([source]), pages_of([target]))):
            assert (step.do, step.why) == (Do.UPDATE, "the source is newer")
        return steps.counts

    counts = await planned(remote, local)
    assert (counts.updates, counts.same, counts.failed) == (updates, 1 - updates, 0)
    assert read == ["/down/f"]
    # Upward the newer file is sent: the object has no time but that of its arrival.
    up = Item(key="f", size=1, modified=30.0, mtime_ns=30, path="/src/f")
    assert (await planned(up, remote)).updates == 1
    assert read == ["/down/f"]


async def test_a_filter_does_not_make_what_is_hidden_missing() -> None:
    rows = [Item(key="d/x.txt", size=1), Item(key="e.txt", size=1)]
    for hidden, said in (
        (Item(key="d/", obstacle="it cannot be read", failed=True, below=True), Do.FAIL),
        (Item(key="d/", obstacle="it is a link", below=True), Do.LEAVE),
    ):
        steps, _ = await plan([hidden], rows, Rules(include=("*.txt",)))
        assert [(step.do, step.key) for step in steps] == [(said, "d/"), (Do.DELETE, "e.txt")]
        # Who leaves out the folder by its name hears nothing of it, and loses nothing either.
        steps, counts = await plan([hidden], rows, Rules(exclude=("d/",)))
        assert [(step.do, step.key) for step in steps] == [(Do.DELETE, "e.txt")]
        assert counts.failed == counts.left == 0
        steps, _ = await plan(rows, [hidden], Rules(include=("*.txt",)))
        assert [(step.do, step.key) for step in steps] == [
            (said, "d/"),
            (Do.FAIL, "d/x.txt"),
            (Do.COPY, "e.txt"),
        ]


@pytest.mark.parametrize(
    ("source", "target", "newer"),
    [
        (10.0, 10.0, False),
        (10.4, 10.9, False),
        (10.9, 10.4, True),
        (10.9, 10.0, None),  # whole seconds at the target: it cannot be told
        (11.0, 10.9, True),
        (9.0, 10.0, False),
        (10.4005, 10.4, False),
        (None, 10.0, None),
    ],
)
def test_newer(source: float | None, target: float | None, newer: bool | None) -> None:
    assert is_newer(Item(key="", modified=source), Item(key="", modified=target)) is newer


def test_globs() -> None:
    rules = Rules(include=("*.txt", "keep/*"), exclude=("tmp/*",))
    assert [rules.takes(key) for key in ("a.txt", "d/e.txt", "keep/x", "tmp/a.txt", "b")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@given(st.lists(_SEGMENT, unique=True, max_size=12))
def test_a_file_where_a_folder_is_needed_is_told(keys: list[str]) -> None:
    keys.sort()
    clashes = Clashes(folded=False)
    kept: list[str] = []
    for key in keys:
        clash = any(key.startswith(f"{file}/") for file in kept)
        assert bool(clashes.of(key)) is clash
        if not clash:
            kept.append(key)


def test_names_that_differ_in_case_alone_are_told() -> None:
    clashes = Clashes(folded=True)
    found = [bool(clashes.of(key)) for key in ("A", "B/x", "B/y", "a", "b/z", "é", "e\u0301")]
    assert found == [False, False, False, True, True, False, True]


# Local folders.

_KEY = st.lists(
    st.text(st.sampled_from("aB .%\x01!0é"), max_size=5)
    | st.sampled_from(["..", "%41", "%_", "x" * 250, "x" * 238 + "%_", "x" * 238 + "a"]),
    min_size=1,
    max_size=3,
).map("/".join)


def could_write(path: Path) -> bool:
    """Whether no file stands where this needs a folder, nor the other way round."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    except OSError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.sets(_KEY, max_size=8))
async def test_downloaded_names_are_walked_in_the_order_of_their_keys(keys: set[str]) -> None:
    with tempfile.TemporaryDirectory() as root:
        written = {key for key in sorted(keys) if could_write(Path(local_path(root, key)))}
        found = [item async for page in local_items(root, target=True) for item in page]
        assert [item.key for item in found] == sorted(written)
        assert not any(item.foreign or item.obstacle for item in found)


async def test_names_that_no_key_has_are_foreign(tmp_path: Path) -> None:
    for name in ("x%2E", "xA", "%/y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    found = [item async for page in local_items(str(tmp_path), target=True) for item in page]
    assert [(item.key, item.foreign) for item in found] == [
        ("/y", False),
        ("x%2E", True),
        ("xA", False),
    ]
    steps, _ = await plan([Item(key="x%2E", size=1), Item(key="xA", size=1)], found, Rules(By.SIZE))
    assert [(step.do, step.key, step.foreign) for step in steps] == [
        (Do.DELETE, "/y", False),
        (Do.DELETE, "x%2E", True),
        (Do.COPY, "x%2E", False),
    ]


async def test_a_source_folder_is_walked_in_the_order_of_its_keys(tmp_path: Path) -> None:
    names = ["a/b", "a!", "a0", "a b/c", "é/x", "%41", "Z", "d/e/f"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "file").symlink_to(tmp_path / "Z")
    (tmp_path / "gone").symlink_to(tmp_path / "none")
    (tmp_path / ".Z.dalpart").write_bytes(b"half")
    closed = tmp_path / "closed"
    closed.mkdir()
    found = {
        item.key: item async for page in local_items(str(tmp_path), target=False) for item in page
    }
    assert list(found) == sorted(found)
    assert {key for key, item in found.items() if not item.obstacle} == {*names, "file"}
    assert found["loop/"].below
    assert not found["loop/"].failed
    assert found["gone"].failed
    assert "has not ended" in found[".Z.dalpart"].obstacle


async def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    real = os.scandir

    def refuse(path: str) -> object:
        if os.fspath(path).endswith("in"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (item,) = [item async for page in local_items(str(tmp_path), target=False) for item in page]
    assert (item.key, item.failed, item.below) == ("in/", True, True)
    assert "Permission denied" in item.obstacle


async def test_contents_are_compared_without_remote_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    local = Item(key="f", size=5, path=str(tmp_path / "f"), mtime_ns=1)
    md5 = "5d41402abc4b2a76b9719d911017c592"
    equal, other = Item(key="f", etag=f'"{md5}"'), Item(key="f", etag=f'"{"0" * 32}"')
    parts = Item(key="f", etag=f'"{"0" * 32}-1"')
    assert await same_contents(local, equal) is True
    assert await same_contents(equal, local) is True
    assert await same_contents(local, other) is False
    assert await same_contents(local, parts) is False
    assert await same_contents(parts, local) is None
    assert await same_contents(local, Item(key="f", etag='"opaque"')) is None
    assert await same_contents(equal, Item(key="f", etag=f'"{md5}"')) is True
    assert await same_contents(equal, other) is False
    assert await same_contents(parts, equal) is None
    assert await same_contents(parts, parts) is True
