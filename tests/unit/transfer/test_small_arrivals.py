"""Small files of a folder arrive without a look of their own, and nothing is lost by that.

What a look before the request would have seen is met when the file is put in place: a name
that was taken meanwhile, a link in place of a folder, a disk that is full.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.transfer.disk.targetfolders import TargetFolders
from dalbrowser.transfer.disk.wholefile import WholeFile
from dalbrowser.transfer.model import TargetUnwritableError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from dalbrowser.transfer import JobView
    from tests.faults.rig import Rig

MD5_OF_X = "9dd4e461268c8034f5c8564e155c67a6"
ROOM = "dalbrowser.transfer.disk.localfile.shutil.disk_usage"


def meanwhile(rig: Rig, act: Callable[[], object]) -> None:
    """Do something when the first object is asked for, after the folder was looked at."""
    done: list[object] = []

    async def once(name: str, _path: str, _args: Any) -> None:
        if name == "read" and not done:
            done.append(act())

    rig.wire.before = once


async def download(
    rig: Rig, policy: ConflictPolicy, answers: ConflictPolicy | None = None
) -> dict[str, JobView]:
    """Bring ``p/`` to ``here``; the views of its files by their keys."""
    (rig.folder / "here").mkdir(exist_ok=True)
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("p/"), None)], rig.folder / "here", policy)
        await engine.wait(ids)
        files = [view for view in engine.jobs() if not view.is_folder]
        if answers is not None:
            asked = [view.id for view in files if view.state is JobState.NEEDS_ANSWER]
            for number in asked:
                await engine.answer(number, answers)
            await engine.wait([*ids, *asked])
            files = [view for view in engine.jobs() if not view.is_folder]
    return {view.key: view for view in files}


@pytest.mark.parametrize(
    ("policy", "state", "text"),
    [
        (ConflictPolicy.ASK, JobState.NEEDS_ANSWER, b"mine"),
        (ConflictPolicy.SKIP, JobState.SKIPPED, b"mine"),
        (ConflictPolicy.IF_NEWER, JobState.SKIPPED, b"mine"),
        (ConflictPolicy.KEEP_BOTH, JobState.DONE, b"mine"),
        (ConflictPolicy.OVERWRITE, JobState.DONE, b"theirs"),
    ],
)
async def test_a_name_that_is_taken_after_the_look(
    rig: Rig, policy: ConflictPolicy, state: JobState, text: bytes
) -> None:
    await rig.op.write("p/a", b"theirs", user_metadata={"mtime": "1000"})
    taken = rig.folder / "here" / "p" / "a"

    def take() -> None:
        taken.parent.mkdir(exist_ok=True)
        taken.write_bytes(b"mine")

    meanwhile(rig, take)
    if policy is ConflictPolicy.IF_NEWER:
        taken.parent.mkdir(parents=True)
        take()
    found = await download(rig, policy)
    assert found["p/a"].state is state
    assert taken.read_bytes() == text
    if policy is ConflictPolicy.KEEP_BOTH:
        assert (taken.parent / "a (2)").read_bytes() == b"theirs"
    assert sorted(path.name for path in taken.parent.glob(".*")) == []


async def test_an_answer_is_heeded_after_a_name_was_taken(rig: Rig) -> None:
    await rig.op.write("p/a", b"theirs")
    taken = rig.folder / "here" / "p" / "a"

    def take() -> None:
        taken.parent.mkdir(exist_ok=True)
        taken.write_bytes(b"mine")

    meanwhile(rig, take)
    found = await download(rig, ConflictPolicy.ASK, answers=ConflictPolicy.OVERWRITE)
    assert found["p/a"].state is JobState.DONE
    assert taken.read_bytes() == b"theirs"


async def test_a_link_that_takes_the_place_of_a_folder_is_not_followed(rig: Rig) -> None:
    await rig.op.write("p/d/a", b"x")
    outside, here = rig.folder / "outside", rig.folder / "here"
    outside.mkdir()

    def link() -> None:
        (here / "p").mkdir(exist_ok=True)
        (here / "p" / "d").symlink_to(outside)

    meanwhile(rig, link)
    found = await download(rig, ConflictPolicy.OVERWRITE)
    assert "do not follow links" in found["p/d/a"].error
    assert list(outside.iterdir()) == []


async def test_only_one_look_at_the_names_of_an_empty_place(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        await rig.op.write(f"p/{number}", b"x" * number)
    looks: list[str] = []
    prepare = TargetFolders.prepare

    def seen(self: TargetFolders, root: str, path: str) -> os.stat_result | None:
        looks.append(path)
        return prepare(self, root, path)

    monkeypatch.setattr(TargetFolders, "prepare", seen)
    found = await download(rig, ConflictPolicy.ASK)
    assert {view.words for view in found.values()} == {"done (verified (md5))"}
    assert (looks, len(found)) == ([], 40)
    again = await download(rig, ConflictPolicy.SKIP)
    assert {view.state for view in again.values()} == {JobState.SKIPPED}
    assert len(looks) == 40


def test_a_folder_is_trusted_for_a_moment_only(tmp_path: Path) -> None:
    now = [100.0]
    folders = TargetFolders(clock=lambda: now[0])
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    path = str(root / "d" / "a")
    folders.make_parents(str(root), path)
    (root / "d").rmdir()
    (root / "d").symlink_to(outside)
    now[0] += 0.3
    with pytest.raises(TargetUnwritableError, match="do not follow links"):
        folders.make_parents(str(root), path)


def test_a_folder_that_vanished_within_that_moment_is_made_again(tmp_path: Path) -> None:
    folders = TargetFolders(clock=lambda: 100.0)
    temp = tmp_path / "d" / ".a.dalpart"
    folders.make_parents(str(tmp_path), str(temp))
    (tmp_path / "d").rmdir()
    file = WholeFile(folders, str(tmp_path), str(temp), b"x")
    assert file.finish(MD5_OF_X, lambda: None) == (MD5_OF_X, True)
    assert temp.read_bytes() == b"x"


def test_a_disk_with_plenty_is_asked_seldom_and_a_full_one_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, asked, now = [1 << 40], [0], [100.0]

    def usage(_path: str) -> SimpleNamespace:
        asked[0] += 1
        return SimpleNamespace(free=free[0])

    monkeypatch.setattr(ROOM, usage)
    folders = TargetFolders(clock=lambda: now[0])
    path = str(tmp_path / "a")
    for _ in range(100):
        folders.require_room(path, 16_384)
    assert asked[0] == 1
    now[0] += 0.3
    free[0] = 100 << 20
    for _ in range(10):
        folders.require_room(path, 16_384)
    assert asked[0] == 11
    free[0] = 20_000
    with pytest.raises(TargetUnwritableError, match="make room and resume"):
        folders.require_room(path, 16_384)


def test_what_an_earlier_try_left_is_written_over_and_a_planted_link_is_not(
    tmp_path: Path,
) -> None:
    temp, victim = tmp_path / ".a.dalpart", tmp_path / "victim"
    temp.write_bytes(b"longer than the new bytes")
    WholeFile(TargetFolders(), "", str(temp), b"x").finish(MD5_OF_X, lambda: None)
    assert temp.read_bytes() == b"x"
    victim.write_bytes(b"precious")
    temp.unlink()
    temp.symlink_to(victim)
    file = WholeFile(TargetFolders(), "", str(temp), b"x")
    with pytest.raises(TargetUnwritableError):
        file.finish(MD5_OF_X, lambda: None)
    assert victim.read_bytes() == b"precious"


def test_bytes_with_another_digest_are_not_put_in_place(tmp_path: Path) -> None:
    placed: list[bool] = []
    temp = tmp_path / ".a.dalpart"
    file = WholeFile(TargetFolders(), "", str(temp), b"x")
    assert file.finish("0" * 32, lambda: placed.append(True)) == (MD5_OF_X, False)
    assert not placed
    file.discard()
    assert not temp.exists()
