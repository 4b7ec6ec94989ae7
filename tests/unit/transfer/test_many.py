"""Very many files at once: one job for all of them, and few questions to the service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.transfer.folders.pathlist import list_source, listed_paths
from dalbrowser.transfer.intake import MANY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.rig import Rig


def fill(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number:05d}" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    return paths


def count_calls(rig: Rig) -> dict[str, int]:
    found: dict[str, int] = {}

    async def count(name: str, _path: str, _args: Any) -> None:
        found[name] = found.get(name, 0) + 1

    rig.wire.before = count
    return found


async def test_many_paths_are_one_job_and_all_arrive(rig: Rig) -> None:
    paths = fill(rig.folder / "many", MANY + 3)
    (rig.folder / "inner").mkdir()
    (rig.folder / "inner" / "file").write_bytes(b"in a chosen folder")
    (rig.folder / "link").symlink_to(rig.folder / "inner")
    chosen = [*paths, rig.folder / "inner", rig.folder / "link", rig.folder / "gone"]
    async with rig.engine(plan_window=300) as engine:
        ids = await engine.upload(chosen, rig.at("to/"))
        assert len(ids) == 1
        (view,) = await engine.wait(ids)
        assert (view.is_folder, view.files_total) == (True, len(paths) + 3)
        # One of the paths is not there: all others arrived, and it can be tried again.
        assert (view.state, view.files_failed) == (JobState.FAILED, 1)
        assert max(len(event.views) for event in rig.events if hasattr(event, "views")) < 700
    listed = {entry.path for entry in await rig.op.list("to/", recursive=True)}
    assert {f"to/{path.name}" for path in paths} <= listed
    assert {"to/inner/file", "to/link/file"} <= listed
    assert await rig.op.read("to/00999") == b"999"


async def test_what_a_dying_process_had_not_looked_at_is_not_lost(rig: Rig) -> None:
    paths = fill(rig.folder / "many", MANY + 100)
    async with rig.engine(plan_window=100, small_files=1) as engine:
        (job,) = await engine.upload(paths, rig.at("to/"))
    async with rig.engine() as engine:
        await engine.resume([job])
        (view,) = await engine.wait([job])
        assert (view.state, view.files_done) == (JobState.DONE, len(paths))
    listed = [entry.path for entry in await rig.op.list("to/") if not entry.metadata.is_dir]
    assert sorted(listed) == [f"to/{path.name}" for path in paths]


async def test_free_names_are_not_asked_for_one_by_one(rig: Rig) -> None:
    fill(rig.folder / "many", 40)
    await rig.op.write("many/00007", b"theirs")
    await rig.op.write("many/other", b"theirs too")
    calls = count_calls(rig)
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "many"], rig.at(""), ConflictPolicy.SKIP)
        (view,) = await engine.wait(ids)
        assert (view.state, view.files_done) == (JobState.DONE, 40)
        assert (calls.get("stat", 0), calls["write"]) == (1, 39)
    assert await rig.op.read("many/00007") == b"theirs"
    assert await rig.op.read("many/00008") == b"8"


async def test_a_name_taken_after_the_listing_is_not_overwritten(rig: Rig) -> None:
    fill(rig.folder / "many", 20)
    await rig.op.write("many/other", b"so that the folder is not empty")
    taken = False

    async def take(name: str, path: str, _args: Any) -> None:
        nonlocal taken
        if name == "write" and path.endswith("00011") and not taken:
            taken = True
            await rig.op.write("many/00011", b"theirs")

    rig.wire.before = take
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "many"], rig.at(""), ConflictPolicy.SKIP)
        await engine.wait(ids)
    assert taken
    assert await rig.op.read("many/00011") == b"theirs"


@pytest.mark.parametrize("paths", [["/a"], ["/a", "/b c\n"], [os.fsdecode(b"/\xff")]])
def test_a_list_of_paths_comes_back(paths: list[str]) -> None:
    assert listed_paths(list_source(paths)) == paths
    assert listed_paths("/a/folder") is None
