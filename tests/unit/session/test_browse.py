"""Changing what is in a bucket: exact keys only, and never a source gone before its copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.profiles import Location
from dalbrowser.session import browse
from dalbrowser.storage import (
    CapabilityOverrideLayer,
    ErrorKind,
    Operator,
    StorageError,
)
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.paths import spell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpCopy
    from dalbrowser.storage.types import Metadata


@pytest.fixture
async def op() -> AsyncIterator[Operator]:
    async with Operator("memory") as operator:
        yield operator


async def _keys(op: Operator) -> set[str]:
    return {entry.path for entry in await op.list("", recursive=True) if entry.metadata.is_file}


_NO_RENAME = CapabilityOverrideLayer(rename=False, rename_with_if_not_exists=False)


async def test_a_new_folder_needs_a_name_that_is_one_segment(op: Operator) -> None:
    assert await browse.create_folder(op, "a/", "b") == "a/b/"
    assert [entry.path for entry in await op.list("a/") if entry.path != "a/"] == ["a/b/"]
    for name in ("", "x/y"):
        with pytest.raises(StorageError, match="choose another") as refused:
            await browse.create_folder(op, "a/", name)
        assert refused.value.kind is ErrorKind.INVALID_INPUT


@pytest.mark.parametrize("native", [True, False])
async def test_rename_moves_the_bytes_and_never_replaces(op: Operator, *, native: bool) -> None:
    if not native:
        op = op.layer(_NO_RENAME)
    await op.write("d/one", b"1")
    await op.write("d/two", b"2")
    with pytest.raises(StorageError) as refused:
        await browse.rename_file(op, "d/one", "two")
    assert refused.value.kind in {ErrorKind.ALREADY_EXISTS, ErrorKind.CONDITION_NOT_MATCH}
    assert await op.read("d/two") == b"2"
    assert await browse.rename_file(op, "d/one", "three") == "d/three"
    assert await _keys(op) == {"d/two", "d/three"}
    assert await op.read("d/three") == b"1"
    assert await browse.rename_file(op, "d/three", "three") == "d/three"


async def test_rename_of_a_key_with_a_leading_slash_leaves_its_twin_alone(op: Operator) -> None:
    await op.write(spell("/a"), b"slash")
    await op.write("a", b"plain")
    assert await browse.rename_file(op, "/a", "b") == "/b"
    assert await _keys(op) == {"a", "/b"}
    assert await op.read("a") == b"plain"


class _ChangedMeanwhile:
    """Overwrites the source while it is copied, as another writer may."""

    def layer(self, inner: Accessor) -> Accessor:
        class Changing(LayeredAccessor):
            async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
                copied = await super().copy(source, target, args)
                await Operator.from_accessor(inner).write(source, b"newer and longer")
                return copied

        return Changing(inner)


async def test_a_source_that_changed_during_a_rename_is_kept(op: Operator) -> None:
    await op.write("one", b"1")
    racing = op.layer(_NO_RENAME).layer(_ChangedMeanwhile())
    with pytest.raises(StorageError, match="changed while it was renamed"):
        await browse.rename_file(racing, "one", "two")
    assert await op.read("one") == b"newer and longer"
    assert await op.read("two") == b"1"


async def test_delete_takes_exactly_what_was_named(op: Operator) -> None:
    for key in ("a", "/a", "ab", "d/x", "d/y/z", "d2/x"):
        await op.write(spell(key), b"x")
    done: list[int] = []
    report = await browse.delete(
        op, [Location("m", "", "/a"), Location("m", "", "d/")], done.append
    )
    assert report.failed == []
    assert report.deleted == 2
    assert done[-1] == 2
    assert await _keys(op) == {"a", "ab", "d2/x"}


async def test_measure_counts_what_lies_below_and_says_when_it_gave_up(op: Operator) -> None:
    for number in range(10):
        await op.write(f"d/{number}", b"xyz")
    await op.write("e", b"12")
    whole = await browse.measure(op, [Location("m", "", "d/"), Location("m", "", "e")], 1000)
    assert (whole.objects, whole.bytes, whole.complete) == (11, 32, True)
    part = await browse.measure(op, [Location("m", "", "d/")], 5)
    assert part.objects >= 5
    assert not part.complete
