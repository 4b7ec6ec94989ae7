"""Between comparing and writing the target may change: then it is left as it is."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import CapabilityOverrideLayer, LayeredAccessor
from dalbrowser.storage.types import Page
from dalbrowser.transfer import JobState
from dalbrowser.transfer.sync.deleting import delete_extra
from dalbrowser.transfer.sync.ends import End, LocalEnd, RemoteEnd
from dalbrowser.transfer.sync.planning import Planned, plan_sync
from dalbrowser.transfer.sync.rules import By, Rules
from tests.faults.rig import MiB, make_file

if TYPE_CHECKING:
    from dalbrowser.storage import Accessor, AccessorInfo, Metadata
    from dalbrowser.storage.options import OpList, OpStat
    from dalbrowser.storage.types import RawLister
    from dalbrowser.transfer import JobView
    from dalbrowser.transfer.sync.deleting import Deleted
    from tests.faults.rig import Rig


@dataclass
class Pair:
    """A local folder and a place of the service, either of them the source."""

    rig: Rig
    local: LocalEnd
    remote: RemoteEnd

    async def plan(self, source: End, target: End, **options: Any) -> Planned:
        rules = Rules(options.pop("by", By.TIME))
        folder = self.rig.folder / "plans"
        return await plan_sync(source, target, rules, delete=True, folder=folder)

    async def run(self, planned: Planned, source: End, target: End) -> JobView:
        async with self.rig.engine() as engine:
            number = await engine.sync(planned.path, source.place, target.place)
            return (await engine.wait([number]))[0]

    def errors(self) -> list[str]:
        rows = self.rig.on_disk("SELECT error FROM job WHERE parent IS NOT NULL AND error <> ''")
        return [str(row[0]) for row in rows]


@pytest.fixture
def pair(rig: Rig) -> Pair:
    (rig.folder / "here").mkdir()
    place = rig.at("there/")
    remote = RemoteEnd(place, rig.profile, rig.op, "place:there/")
    return Pair(rig, LocalEnd(str(rig.folder / "here"), "here"), remote)


def file(pair: Pair, name: str, body: bytes, *, when: float | None = None) -> Path:
    path = Path(pair.local.path) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    if when is not None:
        os.utime(path, (when, when))
    return path


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("size", [10, 1 * MiB])
@pytest.mark.parametrize("before", [None, b"old"])
async def test_an_upload_leaves_a_target_that_changed(
    pair: Pair, heeds: bool, size: int, before: bytes | None
) -> None:
    rig = pair.rig
    if not heeds:
        rig.op = rig.op.layer(
            CapabilityOverrideLayer(write_with_if_match=False, write_with_if_not_exists=False)
        )
        pair.remote = RemoteEnd(pair.remote.location, rig.profile, rig.op, "place:there/")
    make_file(Path(pair.local.path) / "f", size)
    if before is not None:
        await rig.op.write("there/f", before)
    planned = await pair.plan(pair.local, pair.remote)
    await rig.op.write("there/f", b"somebody else's")
    view = await pair.run(planned, pair.local, pair.remote)
    assert view.state is JobState.FAILED
    assert "changed at the target since it was compared" in pair.errors()[0]
    assert await rig.op.read("there/f") == b"somebody else's"
    assert await rig.uploads_left() == []


@pytest.mark.parametrize("size", [10, 1 * MiB])
async def test_an_upload_leaves_what_came_while_it_was_sent(pair: Pair, size: int) -> None:
    rig = pair.rig
    make_file(Path(pair.local.path) / "f", size)
    planned = await pair.plan(pair.local, pair.remote)

    async def race(name: str, path: str, _args: Any) -> None:
        if name in {"write", "complete_multipart"} and path == "there/f":
            rig.wire.before = None
            await rig.op.write("there/f", b"first")

    rig.wire.before = race
    view = await pair.run(planned, pair.local, pair.remote)
    assert view.state is JobState.FAILED
    assert await rig.op.read("there/f") == b"first"
    assert await rig.uploads_left() == []


async def test_new_files_cost_a_request_each(pair: Pair) -> None:
    for number in range(20):
        file(pair, f"d{number % 3}/f{number}", b"new")
    planned = await pair.plan(pair.local, pair.remote)
    pair.rig.wire.calls.clear()
    assert (await pair.run(planned, pair.local, pair.remote)).state is JobState.DONE
    assert [name for name, _, _ in pair.rig.wire.calls] == ["write"] * 20


async def test_an_upload_writes_over_what_was_compared(pair: Pair) -> None:
    await pair.rig.op.write("there/f", b"old")
    file(pair, "f", b"newer")
    planned = await pair.plan(pair.local, pair.remote)
    assert (planned.counts.copies, planned.counts.updates) == (0, 1)
    view = await pair.run(planned, pair.local, pair.remote)
    assert view.state is JobState.DONE, pair.errors()
    assert await pair.rig.op.read("there/f") == b"newer"


@pytest.mark.parametrize("size", [10, 1 * MiB])
@pytest.mark.parametrize("before", [None, b"old"])
async def test_a_download_leaves_a_file_that_changed(
    pair: Pair, size: int, before: bytes | None
) -> None:
    rig = pair.rig
    make_file(rig.folder / "body", size)
    await rig.op.write("there/f", (rig.folder / "body").read_bytes())
    if before is not None:
        file(pair, "f", before)
    planned = await pair.plan(pair.remote, pair.local)

    async def race(name: str, path: str, _args: Any) -> None:
        if name == "read" and path == "there/f":
            file(pair, "f", b"mine")

    rig.wire.before = race
    view = await pair.run(planned, pair.remote, pair.local)
    assert view.state is JobState.FAILED
    assert "changed at the target" in pair.errors()[0]
    assert (Path(pair.local.path) / "f").read_bytes() == b"mine"


async def test_a_download_takes_the_time_of_the_listing(pair: Pair) -> None:
    await pair.rig.op.write("there/f", b"body", user_metadata={"mtime": "1000.5"})
    planned = await pair.plan(pair.remote, pair.local)
    assert (await pair.run(planned, pair.remote, pair.local)).state is JobState.DONE
    again = await pair.plan(pair.remote, pair.local)
    assert (again.counts.work, again.counts.same) == (0, 1)


class WholeSeconds(LayeredAccessor):
    """A service with checksums that tells less of a time when one object is looked at."""

    def info(self) -> AccessorInfo:
        told = super().info()
        return replace(told, capability=replace(told.capability, write_with_checksum=True))

    async def stat(self, path: str, args: OpStat) -> Metadata:
        found = await super().stat(path, args)
        when = found.last_modified
        return replace(found, last_modified=when.replace(microsecond=0) if when else None)


class Rounding:
    def layer(self, inner: Accessor) -> Accessor:
        return WholeSeconds(inner)


async def test_a_large_download_takes_the_time_of_the_listing_too(pair: Pair) -> None:
    rig = pair.rig
    make_file(rig.folder / "body", 2 * MiB)
    await rig.op.write("there/f", (rig.folder / "body").read_bytes())
    # Then it is looked at before it is fetched, for its checksum.
    rig.op = rig.op.layer(Rounding())
    (listed,) = await rig.op.list("there/f")
    planned = await pair.plan(pair.remote, pair.local)
    assert (await pair.run(planned, pair.remote, pair.local)).state is JobState.DONE
    assert listed.metadata.last_modified is not None
    here = (Path(pair.local.path) / "f").stat()
    assert here.st_mtime == pytest.approx(listed.metadata.last_modified.timestamp(), abs=1e-6)


async def test_a_copy_leaves_a_target_that_changed(pair: Pair) -> None:
    rig = pair.rig
    other = RemoteEnd(rig.at("other/"), rig.profile, rig.op, "place:other/")
    await rig.op.write("there/f", b"source")
    await rig.op.write("there/g", b"source")
    await rig.op.write("other/g", b"old")
    planned = await pair.plan(pair.remote, other)
    await rig.op.write("other/f", b"theirs")
    await rig.op.write("other/g", b"theirs")
    view = await pair.run(planned, pair.remote, other)
    assert view.state is JobState.FAILED
    assert [await rig.op.read(key) for key in ("other/f", "other/g")] == [b"theirs", b"theirs"]


async def delete(pair: Pair, planned: Planned, source: End, target: End) -> Deleted:
    del pair
    return await delete_extra(planned.path, source, target)


@pytest.mark.parametrize("heeds", [True, False])
async def test_only_what_was_compared_is_deleted(pair: Pair, heeds: bool) -> None:
    rig = pair.rig
    op = rig.op.layer(CapabilityOverrideLayer(delete_with_if_match=False)) if not heeds else rig.op
    remote = RemoteEnd(pair.remote.location, rig.profile, op, "place:there/")
    file(pair, "keep", b"k")
    for name in ("gone", "changed", "back"):
        await rig.op.write(f"there/{name}", b"extra")
    planned = await pair.plan(pair.local, remote)
    await rig.op.write("there/changed", b"other")
    file(pair, "back", b"b")
    await rig.op.write("there/new", b"not in the plan")
    report = await delete(pair, planned, pair.local, remote)
    assert report.gone == 1
    assert {key for key, _ in report.kept} == {"changed", "back"}
    left = sorted(entry.path for entry in await rig.op.list("there/") if not entry.metadata.is_dir)
    assert left == ["there/back", "there/changed", "there/new"]


async def test_what_the_source_cannot_show_any_more_is_not_deleted(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(pair, "keep", b"k")
    long = "n" * 300
    for name in ("closed/x", long, "gone"):
        await pair.rig.op.write(f"there/{name}", b"extra")
    planned = await pair.plan(pair.local, pair.remote)
    real = os.lstat

    def refuse(path: str, **options: Any) -> os.stat_result:
        if "closed" in os.fspath(path):
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    report = await delete(pair, planned, pair.local, pair.remote)
    # No local file has so long a name, so that one is known to be lacking.
    assert report.gone == 2
    assert report.kept == [("closed/x", "the source could not be asked (Permission denied)")]
    assert await pair.rig.op.exists("there/closed/x")


async def test_only_files_that_were_compared_are_deleted(pair: Pair) -> None:
    await pair.rig.op.write("there/keep", b"k")
    for name in ("d/gone", "changed", "back", "linked/x"):
        file(pair, name, b"extra", when=1000.0)
    outside = pair.rig.folder / "outside"
    outside.mkdir()
    planned = await pair.plan(pair.remote, pair.local)
    file(pair, "changed", b"other")
    await pair.rig.op.write("there/back", b"b")
    here = Path(pair.local.path)
    (here / "linked").rename(outside / "linked")
    (here / "linked").symlink_to(outside / "linked")
    report = await delete(pair, planned, pair.remote, pair.local)
    assert report.gone == 1
    assert {key for key, _ in report.kept} == {"changed", "back", "linked/x"}
    assert not (here / "d").exists()
    assert (outside / "linked/x").read_bytes() == b"extra"
    assert (here / "changed").read_bytes() == b"other"


class Backwards(LayeredAccessor):
    """A service that lists from the last key to the first."""

    async def list(self, path: str, args: OpList) -> RawLister:
        return _Reversed(await super().list(path, args))


class _Reversed:
    def __init__(self, inner: RawLister) -> None:
        self._inner = inner
        self.aclose = inner.aclose

    async def next_page(self) -> Page | None:
        page = await self._inner.next_page()
        return None if page is None else Page(page.entries[::-1])


class Turning:
    def layer(self, inner: Accessor) -> Accessor:
        return Backwards(inner)


async def test_a_service_that_does_not_list_in_order_is_sorted(pair: Pair) -> None:
    rig = pair.rig
    for name in ("a", "b/c", "d", "extra"):
        await rig.op.write(f"there/{name}", name.encode())
    for name in ("a", "b/c", "new"):
        file(pair, name, name.encode(), when=1000.0)
    op = rig.op.layer(Turning())
    remote = RemoteEnd(pair.remote.location, rig.profile, op, "place:there/")
    up = (await pair.plan(pair.local, remote)).counts
    assert (up.copies, up.updates, up.same, up.extra) == (1, 0, 2, 2)
    down = (await pair.plan(remote, pair.local)).counts
    assert (down.files, down.copies, down.same, down.extra) == (4, 2, 2, 1)
