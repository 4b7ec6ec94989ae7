"""Copies, moves, and uploads begun by somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import (
    CapabilityOverrideLayer,
    Entry,
    ErrorKind,
    ErrorStatus,
    Metadata,
    RetryLayer,
    StorageError,
)
from dalbrowser.transfer import ConflictPolicy, JobState, TransferError
from dalbrowser.transfer.model import SourceChangedError
from dalbrowser.transfer.nesting import OwnCopies
from dalbrowser.transfer.remotesource import RemoteSource
from tests.faults.rig import MiB, Rig, make_file
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PART = 256 * 1024


@pytest.fixture(params=["server", "streamed"])
def near(request: pytest.FixtureRequest, rig: Rig) -> str:
    """Both ways: by the server, and through this process."""
    way: str = request.param
    if way == "streamed":
        rig.op = rig.op.layer(CapabilityOverrideLayer(copy=False))
    return way


async def move(rig: Rig, key: str, folder: str, **options: Any) -> Any:
    async with rig.engine(**options) as engine:
        ids = await engine.copy([rig.at(key)], rig.at(folder), move=True)
        return (await engine.wait(ids))[0]


@pytest.mark.parametrize("size", [0, 1000, 2 * MiB + 5])
async def test_copy(rig: Rig, near: str, size: int) -> None:
    sha = make_file(rig.folder / "f", size)
    await rig.op.write("a/f.txt", (rig.folder / "f").read_bytes(), content_type="text/x-own")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/f.txt")], rig.at("b/"))
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert await rig.sha("b/f.txt") == await rig.sha("a/f.txt") == sha
    assert (await rig.op.stat("b/f.txt")).content_type == "text/x-own"
    assert bool(rig.wire.count("copy")) == (near == "server")
    assert await rig.uploads_left() == []


async def test_move_deletes_the_source_last(rig: Rig, near: str) -> None:
    del near
    sha = make_file(rig.folder / "f", 2 * MiB)
    await rig.op.write("a/f", (rig.folder / "f").read_bytes())

    async def look(name: str, _path: str, _args: Any) -> None:
        if name == "delete":
            assert await rig.sha("b/f") == sha
            proven = rig.on_disk("SELECT integrity FROM job")
            assert proven[0][0] in ("verified (md5)", "copied by the server")

    rig.wire.before = look
    view = await move(rig, "a/f", "b/")
    assert view.state is JobState.DONE, view.error
    assert rig.wire.count("delete") == 1
    assert not await rig.op.exists("a/f")
    assert await rig.sha("b/f") == sha


async def test_move_keeps_a_source_that_was_replaced_meanwhile(rig: Rig, near: str) -> None:
    await rig.op.write("a/f", b"first")

    moment = "stat" if near == "server" else "write"

    async def replace(name: str, path: str, _args: Any) -> None:
        # By the server: once it has copied; streamed: while the bytes are on their way.
        if (name, path) == (moment, "b/f") and (moment == "write" or rig.wire.count("copy")):
            rig.wire.before = None
            await rig.op.write("a/f", b"second")

    rig.wire.before = replace
    view = await move(rig, "a/f", "b/")
    assert view.state is JobState.SOURCE_CHANGED
    assert await rig.op.read("a/f") == b"second"
    assert rig.wire.count("delete") == 0


async def test_move_looks_at_the_source_right_before_the_deletion(rig: Rig) -> None:
    await rig.op.write("a/f", b"first")
    view = await before_the_last_look(rig, lambda: rig.op.write("a/f", b"second"))
    assert view.state is JobState.SOURCE_CHANGED
    assert await rig.op.read("a/f") == b"second"


async def before_the_last_look(rig: Rig, act: Callable[[], Awaitable[object]]) -> Any:
    """Move an object, and let ``act`` happen between its copy and its deletion."""
    looks = 0

    async def hook(name: str, path: str, _args: Any) -> None:
        nonlocal looks
        looks += (name, path) == ("stat", "a/f")
        if looks == 3:
            rig.wire.before = None
            await act()

    rig.wire.before = hook
    return await move(rig, "a/f", "b/")


async def test_move_keeps_a_source_that_got_the_same_bytes_and_other_headers(rig: Rig) -> None:
    await rig.op.write("a/f", b"first", content_type="text/x-old")

    async def again() -> None:
        await rig.op.write("a/f", b"first", content_type="text/x-new")

    view = await before_the_last_look(rig, again)
    assert view.state is JobState.SOURCE_CHANGED
    assert (await rig.op.stat("a/f")).content_type == "text/x-new"
    assert rig.wire.count("delete") == 0


async def test_move_whose_source_somebody_else_deletes_is_done(rig: Rig) -> None:
    await rig.op.write("a/f", b"first")
    view = await before_the_last_look(rig, lambda: rig.op.delete("a/f"))
    assert view.state is JobState.DONE, view.error
    assert view.note == "Its source was deleted by somebody else meanwhile."
    assert await rig.op.read("b/f") == b"first"


async def test_move_deletes_only_what_it_has_looked_at_where_the_service_can_refuse(
    rig: Rig,
) -> None:
    await rig.op.write("a/f", b"first")
    rig.meanwhile("delete", 1, lambda: rig.op.write("a/f", b"second"))
    view = await move(rig, "a/f", "b/")
    assert view.state is JobState.SOURCE_CHANGED
    assert await rig.op.read("a/f") == b"second"


async def test_a_deletion_whose_answer_was_lost_is_no_changed_source(rig: Rig) -> None:
    await rig.op.write("a/f", b"first")

    async def lose(name: str, _path: str, _args: Any) -> None:
        if name == "delete":
            rig.wire.after = None
            raise StorageError(ErrorKind.UNEXPECTED, "lost", status=ErrorStatus.TEMPORARY)

    rig.wire.after = lose
    rig.op = rig.op.layer(RetryLayer(base=0.001))
    view = await move(rig, "a/f", "b/")
    assert view.state is JobState.DONE, view.error
    assert rig.wire.count("delete") == 2
    assert not await rig.op.exists("a/f")


async def test_a_deletion_that_finds_nothing_to_match_any_more_is_none_either(rig: Rig) -> None:
    """So a service may answer a deletion that is repeated."""
    await rig.op.write("a/f", b"first")

    async def refuse(name: str, _path: str, _args: Any) -> None:
        if name == "delete":
            raise StorageError(ErrorKind.CONDITION_NOT_MATCH, "nothing there")

    rig.wire.after = refuse
    view = await move(rig, "a/f", "b/")
    assert view.state is JobState.DONE, view.error
    assert not await rig.op.exists("a/f")


async def test_a_version_written_within_the_same_second_is_another(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "memory", {"versioning": "true"})
    seen = await rig.op.write("a/f", b"first")
    assert await RemoteSource(rig.op, "a/f", seen).is_there()
    with pytest.raises(SourceChangedError):
        await RemoteSource(rig.op, "a/f", replace(seen, version="older")).is_there()
    await rig.op.aclose()


@pytest.mark.parametrize("size", [0, 1000])
async def test_move_in_a_bucket_with_versions(tmp_path: Path, near: str, size: int) -> None:
    """What was moved is hidden there, not gone, and its older versions stay."""
    rig = Rig(tmp_path, "memory", {"versioning": "true"})
    if near == "streamed":
        rig.op = rig.op.layer(CapabilityOverrideLayer(copy=False))
    first = await rig.op.write("a/f", b"older")
    second = await rig.op.write("a/f", b"n" * size)
    view = await move(rig, "a/f", "b/")
    assert view.state is JobState.DONE, view.error
    assert await rig.op.read("b/f") == b"n" * size
    assert not await rig.op.exists("a/f")
    assert await rig.op.read("a/f", version=first.version) == b"older"
    assert await rig.op.read("a/f", version=second.version) == b"n" * size
    await rig.op.aclose()


async def test_move_keeps_a_newer_version_with_the_same_bytes(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "memory", {"versioning": "true"})
    await rig.op.write("a/f", b"first")
    view = await before_the_last_look(rig, lambda: rig.op.write("a/f", b"first"))
    assert view.state is JobState.SOURCE_CHANGED
    assert await rig.op.exists("a/f")
    await rig.op.aclose()


async def test_move_cut_off_before_the_deletion_goes_on(rig: Rig) -> None:
    await rig.op.write("a/f", b"first")
    async with rig.engine() as engine:
        gate = Gate(rig, "delete")
        await engine.copy([rig.at("a/f")], rig.at("b/"), move=True)
        await gate.reached.wait()
    assert await rig.op.exists("a/f")
    rig.wire.before = None
    rig.wire.calls.clear()
    async with rig.engine() as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert rig.wire.count("copy") == 0
    assert not await rig.op.exists("a/f")
    assert await rig.op.read("b/f") == b"first"


async def test_move_cut_off_after_the_deletion_is_done(rig: Rig) -> None:
    await rig.op.write("a/f", b"first")
    async with rig.engine() as engine:
        gate = Gate(rig, "delete", after=True)
        await engine.copy([rig.at("a/f")], rig.at("b/"), move=True)
        await gate.reached.wait()
    rig.wire.after = None
    assert not await rig.op.exists("a/f")
    async with rig.engine() as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert await rig.op.read("b/f") == b"first"


async def test_folder_is_moved_whole(rig: Rig) -> None:
    for name in ("x", "sub/y", "sub/deep/z"):
        await rig.op.write(f"a/{name}", name.encode())
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("b/"), move=True)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert view.files_done == 3
    assert await rig.op.read("b/a/sub/deep/z") == b"sub/deep/z"
    assert await rig.op.list("a/", recursive=True) == []


async def test_moved_folder_that_got_a_new_file_keeps_it(rig: Rig) -> None:
    await rig.op.write("a/x", b"x")

    async def add(name: str, _path: str, _args: Any) -> None:
        if name == "delete":
            rig.wire.before = None
            await rig.op.write("a/late", b"late")

    rig.wire.before = add
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("b/"), move=True)
        await engine.wait(ids)
    assert await rig.op.read("a/late") == b"late"


async def test_copy_asks_before_it_overwrites(rig: Rig, near: str) -> None:
    del near
    await rig.op.write("a/f", b"new")
    await rig.op.write("b/f", b"old")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/f")], rig.at("b/"))
        assert (await engine.wait(ids))[0].state is JobState.NEEDS_ANSWER
        assert await rig.op.read("b/f") == b"old"
        await engine.answer(ids[0], ConflictPolicy.KEEP_BOTH)
        assert (await engine.wait(ids))[0].state is JobState.DONE
    assert await rig.op.read("b/f") == b"old"
    assert await rig.op.read("b/f (2)") == b"new"


async def test_copy_onto_itself_is_refused(rig: Rig) -> None:
    await rig.op.write("a/f", b"new")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/f")], rig.at("a/"), move=True)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.FAILED
    assert await rig.op.read("a/f") == b"new"


async def test_empty_folders_go_along(rig: Rig, near: str) -> None:
    del near
    await rig.op.create_dir("a/")
    await rig.op.create_dir("a/empty/")
    await rig.op.write("a/full/f", b"bytes")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("b/"), move=True)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert await rig.op.read("b/a/full/f") == b"bytes"
    assert (await rig.op.stat("b/a/empty/")).is_dir
    assert await rig.op.list("a/", recursive=True) == []


async def test_a_folder_with_nothing_in_it_is_copied(rig: Rig) -> None:
    await rig.op.create_dir("a/empty/")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/empty/")], rig.at("b/"))
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert (await rig.op.stat("b/empty/")).is_dir
    assert (await rig.op.stat("a/empty/")).is_dir


async def test_a_moved_empty_folder_stays_where_the_target_keeps_none(rig: Rig) -> None:
    await rig.op.create_dir("a/empty/")
    rig.op = rig.op.layer(CapabilityOverrideLayer(create_dir=False))
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("b/"), move=True)
        await engine.wait(ids)
        rows = [job for job in engine.jobs() if job.state is JobState.SKIPPED and job.parent]
    assert [row.key for row in rows] == ["b/a/empty/"]
    assert (await rig.op.stat("a/empty/")).is_dir


async def test_an_uploaded_empty_folder_is_there(rig: Rig) -> None:
    (rig.folder / "photos" / "none yet").mkdir(parents=True)
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "photos"], rig.at("b/"))
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE, view.error
    assert (await rig.op.stat("b/photos/none yet/")).is_dir


@pytest.mark.parametrize("move", [False, True])
async def test_a_folder_is_not_copied_into_itself(rig: Rig, move: bool) -> None:
    await rig.op.write("a/f", b"bytes")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("a/b/"), move=move)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.FAILED
    assert "lies in the very folder" in view.error
    assert [entry.path for entry in await rig.op.list("", recursive=True)] == ["a/f"]


def test_what_a_copy_made_itself_is_known_by_its_place_and_time() -> None:
    begun = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def entry(path: str, seconds: int) -> Entry:
        return Entry(path, Metadata(last_modified=begun + timedelta(seconds=seconds)))

    own = OwnCopies("a/b/", begun.timestamp())
    own.require_none([entry("a/b/old", -1), entry("a/new", 1), Entry("a/b/c/", Metadata())])
    with pytest.raises(TransferError, match="never end"):
        own.require_none([entry("a/b/new", 1)])


async def test_a_name_that_was_taken_after_the_folder_was_listed_is_not_written_over(
    rig: Rig,
) -> None:
    """S3 takes no condition on what a copy writes over, so each name is looked at then."""
    for number in range(12):
        await rig.op.write(f"a/{number:02}", b"ours")
    rig.op = rig.op.layer(CapabilityOverrideLayer(copy_with_if_not_exists=False))

    async def take(name: str, _path: str, _args: Any) -> None:
        if name == "copy":
            rig.wire.before = None
            await rig.op.write("b/a/11", b"theirs")

    rig.wire.before = take
    async with rig.engine(small_files=1) as engine:
        await engine.wait(await engine.copy([rig.at("a/")], rig.at("b/")))
        asked = [job.key for job in engine.jobs() if job.state is JobState.NEEDS_ANSWER]
    assert await rig.op.read("b/a/11") == b"theirs"
    assert "b/a/11" in asked
    assert await rig.op.read("b/a/05") == b"ours"
