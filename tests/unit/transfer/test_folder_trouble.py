"""Folders that cannot be expanded, or of which much fails: said in words, and never a wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, ErrorStatus, LayeredAccessor, StorageError
from dalbrowser.transfer import JobState
from dalbrowser.transfer.disk.source import unreadable
from dalbrowser.transfer.folders import planner
from tests.faults.rig import Rig
from tests.unit.transfer.gate import Gate, make_tree

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from dalbrowser.storage import Accessor, Entry
    from dalbrowser.storage.options import OpList
    from dalbrowser.storage.types import RawLister


def _refuse(rig: Rig, operation: str) -> None:
    async def hook(name: str, _path: str, _args: Any) -> None:
        if name == operation:
            raise StorageError(ErrorKind.PERMISSION_DENIED, "No.", status=ErrorStatus.PERMANENT)

    rig.wire.before = hook


async def _keys(rig: Rig) -> set[str]:
    return {e.path for e in await rig.op.list("", recursive=True) if e.metadata.is_file}


@pytest.mark.parametrize("shut", [("b",), ("a", "c")])
async def test_a_folder_that_cannot_be_read_does_not_stop_the_others(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, shut: tuple[str, ...]
) -> None:
    for name in "abc":
        (rig.folder / "tree" / name).mkdir(parents=True)
        (rig.folder / "tree" / name / "f").write_bytes(b"x")
    real = planner._names

    def names(folder: str) -> list[str]:
        if folder.rpartition("/")[2] in shut:
            raise unreadable(folder, PermissionError(13, "Permission denied"))
        return real(folder)

    monkeypatch.setattr(planner, "_names", names)
    every = {f"tree/{name}/f" for name in "abc"}
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.FAILED
        assert "may not be read" in view.error
        assert ("2 folders" in view.error) == (len(shut) == 2)
        assert await _keys(rig) == {key for key in every if key.split("/")[1] not in shut}
        monkeypatch.setattr(planner, "_names", real)
        await engine.retry(ids)
        assert (await engine.wait(ids))[0].state is JobState.DONE
    assert await _keys(rig) == every


async def test_why_a_listing_broke_off_is_said_when_its_files_have_ended(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await rig.op.write(f"p/f{number:02}", b"x")
    real = planner._pages

    async def pages(*args: Any) -> AsyncGenerator[list[Entry], None]:
        async for page in real(*args):
            yield page[:10]
            raise StorageError(
                ErrorKind.PERMISSION_DENIED, "Not to be listed.", status=ErrorStatus.PERMANENT
            )

    monkeypatch.setattr(planner, "_pages", pages)
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("p/"), None)], rig.folder)
        view = (await engine.wait(ids))[0]
        assert (view.state, view.files_done) == (JobState.FAILED, 10)
        assert view.error == "Not to be listed."
    async with rig.engine() as engine:
        monkeypatch.setattr(planner, "_pages", real)
        await engine.retry(ids)
        view = (await engine.wait(ids))[0]
        assert (view.state, view.files_done) == (JobState.DONE, 20)


async def test_what_nobody_foresaw_is_said_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(rig.folder / "tree", 3)

    async def odd(*_args: Any) -> bool:
        raise ValueError("odd")

    monkeypatch.setattr(planner, "is_empty", odd)
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        view = (await engine.wait(ids))[0]
        assert (view.state, view.error) == (
            JobState.FAILED,
            "Something unforeseen went wrong (ValueError: odd); retry.",
        )


async def test_files_that_fail_do_not_hold_the_others_up(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 400)
    _refuse(rig, "write")
    async with rig.engine(plan_window=50) as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        view = (await engine.wait(ids))[0]
        assert (view.state, view.files_failed) == (JobState.FAILED, 400)


async def test_a_folder_of_which_nothing_arrives_waits_for_a_person(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 1200)
    _refuse(rig, "write")
    async with rig.engine(plan_window=10) as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.FAILED
        assert 100 <= view.files_failed < 1200
        assert "No more of them were looked for" in view.error
        rig.wire.before = None
        await engine.retry(ids)
        view = (await engine.wait(ids))[0]
        assert (view.state, view.files_done) == (JobState.DONE, 1200)


async def test_more_questions_than_a_window_holds_are_a_state_and_not_a_wait(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 600)
    for path in (rig.folder / "tree").rglob("f*"):
        await rig.op.write(f"tree/{path.relative_to(rig.folder / 'tree').as_posix()}", b"old")
    async with rig.engine(plan_window=100) as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        assert (await engine.wait(ids))[0].state is JobState.NEEDS_ANSWER
    async with rig.engine(plan_window=100) as engine:
        folder = next(view for view in engine.jobs() if view.is_folder)
        assert folder.state is JobState.INTERRUPTED
        await engine.resume([folder.id])
        assert (await engine.wait(ids))[0].state is JobState.NEEDS_ANSWER


async def test_a_folder_with_nothing_in_it_is_fetched(rig: Rig, tmp_path: Path) -> None:
    await rig.op.create_dir("marked/")
    (tmp_path / "root" / "real" / "inner").mkdir(parents=True)
    real = Rig(tmp_path, "fs", {"root": str(tmp_path / "root")})
    for place, name in ((rig, "marked"), (real, "real"), (real, "real/inner")):
        to = tmp_path / "to" / name
        to.mkdir(parents=True)
        async with place.engine() as engine:
            ids = await engine.download([(place.at(f"{name}/"), None)], to)
            view = (await engine.wait(ids))[0]
        assert (view.state, view.error) == (JobState.DONE, "")
        assert (to / name.rpartition("/")[2]).is_dir()
    await real.op.aclose()


async def test_an_empty_folder_that_is_moved_leaves_its_place(tmp_path: Path) -> None:
    (tmp_path / "root" / "a" / "inner").mkdir(parents=True)
    (tmp_path / "root" / "b").mkdir()
    rig = Rig(tmp_path, "fs", {"root": str(tmp_path / "root")})
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/inner/")], rig.at("b/"), move=True)
        assert (await engine.wait(ids))[0].state is JobState.DONE
    assert (tmp_path / "root" / "b" / "inner").is_dir()
    assert not (tmp_path / "root" / "a" / "inner").exists()
    await rig.op.aclose()


async def test_a_pause_does_not_end_the_tidying_of_a_folder_that_was_moved(rig: Rig) -> None:
    await rig.op.create_dir("a/")
    await rig.op.write("a/f", b"x")
    gate = Gate(rig, "delete", path="a/")
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("b/"), move=True)
        await gate.reached.wait()
        await engine.pause(ids)
        gate.open.set()
        assert (await engine.wait(ids))[0].state is JobState.DONE
    assert {e.path for e in await rig.op.list("", recursive=True)} == {"b/a/", "b/a/f"}


async def test_a_file_in_the_place_of_an_empty_folder_does_not_stop_the_others(
    tmp_path: Path,
) -> None:
    root, here = tmp_path / "root", tmp_path / "here"
    (root / "up" / "tree").mkdir(parents=True)
    (root / "up" / "tree" / "z").write_bytes(b"there")
    (here / "tree" / "z").mkdir(parents=True)
    (here / "tree" / "a").mkdir()
    (here / "tree" / "a" / "f").write_bytes(b"f")
    rig = Rig(here, "fs", {"root": str(root)})
    async with rig.engine() as engine:
        ids = await engine.upload([here / "tree"], rig.at("up/"))
        view = (await engine.wait(ids))[0]
        assert (view.state, view.note) == (JobState.DONE, "1 files were left out.")
        (skipped,) = [v for v in engine.jobs() if v.state is JobState.SKIPPED]
        assert skipped.note.startswith("The folder is empty: ")
    assert (root / "up" / "tree" / "a" / "f").read_bytes() == b"f"
    assert (root / "up" / "tree" / "z").read_bytes() == b"there"
    await rig.op.aclose()


async def test_a_local_file_in_the_place_of_a_folder_does_not_stop_the_others(rig: Rig) -> None:
    await rig.op.create_dir("p/a/")
    await rig.op.write("p/b", b"b")
    (rig.folder / "p").mkdir()
    (rig.folder / "p" / "a").write_bytes(b"mine")
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("p/"), None)], rig.folder)
        assert (await engine.wait(ids))[0].state is JobState.DONE
        (skipped,) = [v for v in engine.jobs() if v.state is JobState.SKIPPED]
        assert "a folder of that name is needed" in skipped.note
    assert (rig.folder / "p" / "a").read_bytes() == b"mine"
    assert (rig.folder / "p" / "b").read_bytes() == b"b"


class _NoPrefix(LayeredAccessor):
    """Lists the whole bucket, whichever folder it is asked for."""

    async def list(self, path: str, args: OpList) -> RawLister:
        return await super().list("", args)


class _NoPrefixLayer:
    def layer(self, inner: Accessor) -> Accessor:
        return _NoPrefix(inner)


@pytest.mark.parametrize("move", [True, False])
async def test_what_is_listed_and_was_not_asked_for_is_not_touched(rig: Rig, move: bool) -> None:
    for key in ("a", "other/precious", "tree/a", "zzz"):
        await rig.op.write(key, b"x")
    rig.op = rig.op.layer(_NoPrefixLayer())
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("tree/")], rig.at("to/"), move=move)
        ids += await engine.download([(rig.at("tree/"), None)], rig.folder)
        views = await engine.wait(ids)
    for view in views:
        assert view.state is JobState.FAILED
        assert "cannot be relied on" in view.error
    assert {"a", "other/precious", "zzz"} <= {e.path for e in await rig.op.list("", recursive=True)}


async def test_what_cannot_be_tidied_after_a_move_does_not_keep_it_from_its_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.op.write("a/f", b"x")

    async def lost(*_: object) -> Any:
        raise RuntimeError("no such connection any more")

    async def lose(name: str, _path: str, _args: Any) -> None:
        if name == "delete":
            monkeypatch.setattr(rig, "operator", lost)

    rig.wire.after = lose
    async with rig.engine() as engine:
        ids = await engine.copy([rig.at("a/")], rig.at("b/"), move=True)
        async with asyncio.timeout(20):
            view = (await engine.wait(ids))[0]
    assert view.state is JobState.DONE
    assert "no such connection" in view.note
