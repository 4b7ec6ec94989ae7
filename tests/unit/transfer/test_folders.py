"""Folders: found step by step, arrived whole, cut off and gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import (
    BatchEnded,
    ConflictPolicy,
    JobsRemoved,
    JobState,
)
from tests.unit.transfer.gate import Gate, make_tree

if TYPE_CHECKING:
    from tests.faults.rig import Rig


async def test_folder_arrives_whole_and_ends_once(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 700)
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at("up/"))
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_done, view.files_total) == (JobState.DONE, 700, 700)
    assert view.is_folder
    keys = {e.path for e in await rig.op.list("up/tree/", recursive=True) if e.metadata.is_file}
    assert len(keys) == 700
    assert await rig.op.read("up/tree/sub/deep/f0002") == b"2"
    ended = [event for event in rig.events if isinstance(event, BatchEnded)]
    assert [(e.done, e.failed) for e in ended] == [(700, 0)]


async def test_only_a_window_of_a_folder_is_in_memory(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 2000)
    async with rig.engine(plan_window=300, live_finished_cap=50) as engine:
        gate = Gate(rig, "write")
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await gate.reached.wait()
        live = len(engine.jobs())
        gate.open.set()
        view = (await engine.wait(ids))[0]
        assert view.files_done == 2000
        assert live <= 300 + 250 + 1
        assert len(engine.jobs()) <= 51
        assert any(isinstance(event, JobsRemoved) for event in rig.events)
        assert len(await engine.history(5000)) == 2001


async def test_folder_that_was_cut_off_goes_on_and_sends_nothing_twice(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 1200)
    async with rig.engine(plan_window=200, parts_total=2) as engine:
        gate = Gate(rig, "write", free=150)
        await engine.upload([rig.folder / "tree"], rig.at(""), ConflictPolicy.OVERWRITE)
        await gate.reached.wait()
    rig.wire.before = None
    already = rig.wire.count("write")
    async with rig.engine(plan_window=200) as engine:
        assert [view.is_folder for view in rig.report.interrupted] == [True]
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_total) == (JobState.DONE, 1200)
    under_way = 12  # at most, with two large requests
    assert rig.wire.count("write") <= 1200 + under_way
    assert already >= 150
    assert len([e for e in await rig.op.list("", recursive=True) if e.metadata.is_file]) == 1200


async def test_download_of_a_folder_that_was_cut_off(rig: Rig) -> None:
    for number in range(1500):
        await rig.op.write(f"p/{number % 7}/f{number:04}", b"x")
    async with rig.engine(plan_window=200) as engine:
        gate = Gate(rig, "read", free=100)
        await engine.download([(rig.at("p/"), None)], rig.folder)
        await gate.reached.wait()
    rig.wire.before = None
    async with rig.engine(plan_window=200) as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_total) == (JobState.DONE, 1500), view.error
    assert len([p for p in (rig.folder / "p").rglob("*") if p.is_file()]) == 1500


async def test_a_listing_that_fails_for_a_moment_is_gone_on_with(rig: Rig) -> None:
    for number in range(30):
        await rig.op.write(f"p/f{number:02}", b"x")
    failures = 3

    async def now_and_then(name: str, _path: str, _args: Any) -> None:
        nonlocal failures
        if name == "list" and failures:
            failures -= 1
            raise StorageError(ErrorKind.UNEXPECTED, "No.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = now_and_then
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("p/"), None)], rig.folder)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_done, failures) == (JobState.DONE, 30, 0), view.error


async def test_one_failed_file_leaves_the_others(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 30)

    async def deny(name: str, path: str, _args: Any) -> None:
        if name == "write" and path.endswith("f0007"):
            raise StorageError(ErrorKind.PERMISSION_DENIED, "Not this one.")

    rig.wire.before = deny
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.FAILED
        assert "1 of 30 files" in view.error
        bad = [v for v in engine.jobs() if v.state is JobState.FAILED and not v.is_folder]
        assert [(v.name, v.error) for v in bad] == [("f0007", "Not this one.")]
        rig.wire.before = None
        await engine.retry(ids)
        view = (await engine.wait(ids))[0]
        assert (view.state, view.files_done) == (JobState.DONE, 30)
        assert view.error == ""


async def test_links_to_folders_are_rows_not_silence(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 3)
    (rig.folder / "tree" / "loop").symlink_to(rig.folder / "tree")
    (rig.folder / "tree" / "dead").symlink_to(rig.folder / "nowhere")
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await engine.wait(ids)
        rows = {v.name: v for v in engine.jobs()}
    assert rows["loop"].state is JobState.SKIPPED
    assert "link to a folder" in rows["loop"].note
    assert rows["dead"].state is JobState.FAILED
