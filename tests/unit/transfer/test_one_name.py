"""Objects that want one name: none of a batch is ever written over another of it.

A disk that ignores case is simulated: every call of the local end of a download that takes a
path sees it in lower case, as such a disk would.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.transfer import ConflictPolicy, JobState, context
from dalbrowser.transfer.disk import casing, localfile, localnames, placed, renaming, wholefile
from dalbrowser.transfer.disk.localnames import key_of, segments_of
from dalbrowser.transfer.journal.past import arrived
from tests.faults.rig import MiB, Rig
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dalbrowser.transfer import JobView

OVERWRITING = [
    ConflictPolicy.OVERWRITE,
    ConflictPolicy.IF_NEWER,
    ConflictPolicy.IF_SIZE_DIFFERS,
]


class Folding:
    """``os`` as it is on a disk that ignores the case of names below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}{os.sep}"

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if name in ("open", "lstat", "unlink", "link", "rename", "replace", "mkdir", "utime"):
            return lambda *args, **more: found(*map(self._folded, args), **more)
        return found

    def _folded(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(self._root):
            return self._root + value[len(self._root) :].lower()
        return value


@pytest.fixture
def folding(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a folder be on a disk that ignores case."""
    folder = rig.folder / "here"
    folder.mkdir()
    monkeypatch.setattr(renaming, "_renameat2", bool)  # The system's own call knows no such disk.
    for module in (localfile, localnames, renaming, wholefile):
        monkeypatch.setattr(module, "os", Folding(folder))
    monkeypatch.setattr(casing, "ignores_case", bool)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes()[:1] for path in folder.iterdir()}


async def fetched(
    rig: Rig, keys: list[str], folder: Path, policy: ConflictPolicy, **options: Any
) -> list[JobView]:
    async with rig.engine(**options) as engine:
        ids = await engine.download([(rig.at(key), None) for key in keys], folder, policy)
        return await engine.wait(ids)


@pytest.mark.parametrize("policy", OVERWRITING)
@pytest.mark.parametrize("small", [1, 4])
@pytest.mark.parametrize("size", [3, 1 * MiB])
async def test_names_that_differ_in_case_alone(
    rig: Rig, folding: Path, policy: ConflictPolicy, small: int, size: int
) -> None:
    names = ["A.txt", "a.txt", "A.TXT"]
    for number, name in enumerate(names):
        await rig.op.write(f"k/{name}", str(number).encode() * (size + number))
    lanes = {"small_files": small, "large_files": small}
    views = await fetched(rig, [f"k/{name}" for name in names], folding, policy, **lanes)
    assert [view.state for view in views] == [JobState.DONE] * 3, [view.error for view in views]
    there = contents(folding)
    assert sorted(there.values()) == [b"0", b"1", b"2"], there
    assert sorted(there) == ["a (2).txt", "a (3).txt", "a.txt"]
    assert sum("its name here" in view.note for view in views) == 2


async def test_a_disk_that_heeds_case_keeps_all_names(rig: Rig) -> None:
    names = ["A.txt", "a.txt", "A.TXT"]
    for name in names:
        await rig.op.write(f"k/{name}", name.encode())
    folder = rig.folder / "here"
    folder.mkdir()
    for _ in range(2):
        keys = [f"k/{name}" for name in names]
        views = await fetched(rig, keys, folder, ConflictPolicy.OVERWRITE)
        assert [view.note for view in views] == [""] * 3
        assert {path.name: path.read_bytes().decode() for path in folder.iterdir()} == {
            name: name for name in names
        }


@pytest.mark.parametrize("policy", OVERWRITING)
async def test_two_objects_of_one_name_from_two_folders(rig: Rig, policy: ConflictPolicy) -> None:
    await rig.op.write("one/f", b"first")
    await rig.op.write("two/f", b"the second")
    views = await fetched(rig, ["one/f", "two/f"], rig.folder, policy, small_files=1)
    assert [view.state for view in views] == [JobState.DONE] * 2
    assert (rig.folder / "f").read_bytes() == b"first"
    assert (rig.folder / "f (2)").read_bytes() == b"the second"
    # Another batch is another matter: that is what overwriting is for.
    again = await fetched(rig, ["two/f"], rig.folder, ConflictPolicy.OVERWRITE)
    assert again[0].note == ""
    assert (rig.folder / "f").read_bytes() == b"the second"


async def test_a_restart_does_not_forget_what_was_placed(rig: Rig) -> None:
    await rig.op.write("one/f", b"first")
    await rig.op.write("two/f", b"the second")
    gate = Gate(rig, None, path="two/f")
    async with rig.engine(small_files=1, large_files=1) as engine:
        items = [(rig.at("one/f"), None), (rig.at("two/f"), None)]
        ids = await engine.download(items, rig.folder, ConflictPolicy.OVERWRITE)
        await gate.reached.wait()
        await engine.wait(ids[:1])
    rig.wire.before = None
    async with rig.engine() as engine:
        await engine.resume(ids)
        assert (await engine.wait(ids))[1].state is JobState.DONE
    assert (rig.folder / "f").read_bytes() == b"first"
    assert (rig.folder / "f (2)").read_bytes() == b"the second"


async def test_what_was_placed_before_a_restart_is_read_once_for_all(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rig.folder / "d").mkdir()
    for number in range(40):
        await rig.op.write(f"d/{number:02}", b"x")
        (rig.folder / "d" / f"{number:02}").write_bytes(b"old")
    gate = Gate(rig, "read", free=10)
    async with rig.engine(small_files=8) as engine:
        ids = await engine.download([(rig.at("d/"), None)], rig.folder, ConflictPolicy.OVERWRITE)
        await gate.reached.wait()
    rig.wire.before = None
    pages = 0
    real = arrived

    async def counted(*args: Any) -> Any:
        nonlocal pages
        pages += 1
        return await real(*args)

    monkeypatch.setattr(context, "arrived", counted)
    monkeypatch.setattr(placed, "_PAGE", 4)
    async with rig.engine() as engine:
        await engine.resume(ids)
        assert (await engine.wait(ids))[0].state is JobState.DONE
    assert {path.read_bytes() for path in (rig.folder / "d").iterdir()} == {b"x"}
    assert 0 < pages <= 11


@pytest.mark.parametrize("places", [1, 4])
@pytest.mark.parametrize("move", [False, True])
async def test_two_objects_of_one_name_into_one_folder_on_a_service(
    rig: Rig, move: bool, places: int
) -> None:
    """A move would have deleted the first one's only copy."""
    await rig.op.write("one/f", b"first")
    await rig.op.write("two/f", b"second")
    async with rig.engine(small_files=places, large_files=places) as engine:
        items = [rig.at("one/f"), rig.at("two/f")]
        ids = await engine.copy(items, rig.at("to/"), ConflictPolicy.OVERWRITE, move=move)
        views = await engine.wait(ids)
    assert [view.state for view in views] == [JobState.DONE] * 2, [view.error for view in views]
    assert {await rig.op.read("to/f"), await rig.op.read("to/f (2)")} == {b"first", b"second"}
    assert await rig.op.exists("one/f") != move


async def test_two_files_of_one_name_into_one_folder(rig: Rig) -> None:
    for name in ("one", "two"):
        (rig.folder / name).mkdir()
        (rig.folder / name / "f").write_bytes(name.encode())
    async with rig.engine() as engine:
        paths = [rig.folder / "one" / "f", rig.folder / "two" / "f"]
        views = await engine.wait(
            await engine.upload(paths, rig.at("to/"), ConflictPolicy.OVERWRITE)
        )
    assert [view.state for view in views] == [JobState.DONE] * 2, [view.error for view in views]
    assert {await rig.op.read("to/f"), await rig.op.read("to/f (2)")} == {b"one", b"two"}


def test_a_disk_is_asked_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not casing.ignores_case(str(tmp_path))
    assert not casing.ignores_case(str(tmp_path / "none" / "of these"))
    monkeypatch.setattr(casing, "os", _Path(tmp_path))
    assert casing.ignores_case(str(tmp_path))
    assert casing.ignores_case(str(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []


class _Path(Folding):
    """``os`` whose paths ignore case too."""

    @property
    def path(self) -> Any:
        exists: Callable[[str], bool] = os.path.lexists

        class Names:
            join = staticmethod(os.path.join)
            basename = staticmethod(os.path.basename)
            dirname = staticmethod(os.path.dirname)
            lexists = staticmethod(lambda path: exists(self._folded(path)))

        return Names


def test_names_are_folded_as_disks_do() -> None:
    assert casing.fold("Straße.TXT") == casing.fold("STRASSE.txt")
    assert casing.fold("e\u0301.txt") == casing.fold("\u00c9.txt")
    assert casing.fold("a") != casing.fold("b")


@pytest.mark.parametrize("size", [1000, 400_000, MiB])
async def test_an_object_called_like_a_download_in_progress_keeps_its_bytes(
    rig: Rig, size: int
) -> None:
    there = {"p/x": b"x" * size, "p/.x.dalpart": b"d" * size, "p/.X.DALPART": b"D" * size}
    for key, data in there.items():
        await rig.op.write(key, data)
    for _ in range(2):  # the second time over what is there
        async with rig.engine() as engine:
            ids = await engine.download(
                [(rig.at("p/"), None)], rig.folder, ConflictPolicy.OVERWRITE
            )
            assert (await engine.wait(ids))[0].state is JobState.DONE
        here = {
            f"p/{key_of([path.name])}": path.read_bytes() for path in (rig.folder / "p").iterdir()
        }
        assert here == there


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize(
    "key", [".x.dalpart", ".x.DalPart", ".\n.dalpart", "y" * 250 + ".x.dalpart"]
)
def test_no_key_has_the_name_of_a_download_in_progress(key: str, windows: bool) -> None:
    names = segments_of(key, windows=windows)
    assert not any(name.startswith(".") for name in names)
    assert key_of(names) == key
