"""Manifests: what ``sha256sum -c`` takes, what changed since, and names that mean harm."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer.manifest import Difference, Manifest, ManifestLine
from tests.faults.rig import make_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.rig import Rig

ODD = ("plain", "with space", "back\\slash", "new\nline", "back\\new\nline", "\udcff.bin")


async def uploaded(rig: Rig, folder: Path) -> Manifest:
    async with rig.engine() as engine:
        ids = await engine.upload([folder], rig.at("x/"))
        view = (await engine.wait(ids))[0]
        return await engine.manifest(view.batch)


@pytest.fixture
def odd_folder(rig: Rig) -> Path:
    folder = rig.folder / "sent"
    (folder / "deep").mkdir(parents=True)
    for number, name in enumerate(ODD):
        make_file(folder / "deep" / name, 1000 + number, number)
    return folder


async def test_other_tools_read_it_and_it_reads_itself(rig: Rig, odd_folder: Path) -> None:
    manifest = await uploaded(rig, odd_folder)
    assert manifest.folder == str(rig.folder)
    assert {line.name for line in manifest.lines} == {f"sent/deep/{name}" for name in ODD}
    assert {line.key for line in manifest.lines} >= {"x/sent/deep/plain"}
    sums, facts = manifest.write(rig.folder / "batch 1")
    assert (sums.name, facts.name) == ("batch 1.sha256", "batch 1.json")
    command = ["sha256sum", "-c", sums.name]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=rig.folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b": OK") == len(ODD)
    assert Manifest.read(facts) == manifest
    again = Manifest.read(sums)
    assert [line.name for line in again.lines] == [line.name for line in manifest.lines]
    assert again.verify() == manifest.verify() == []


async def test_what_changed_is_named_and_how(rig: Rig, odd_folder: Path) -> None:
    manifest = await uploaded(rig, odd_folder)
    copy = rig.folder / "elsewhere"
    shutil.copytree(odd_folder, copy / "sent")
    (copy / "sent/deep/plain").write_bytes(b"x" * 1000)
    (copy / "sent/deep/with space").write_bytes(b"short")
    (copy / "sent/deep/back\\slash").unlink()
    seen: list[tuple[int, int]] = []
    found = manifest.verify(copy, lambda *at: seen.append(at))
    assert {one.name: one.problem for one in found} == {
        "sent/deep/plain": "It has other bytes.",
        "sent/deep/with space": "It has 5 bytes, not 1,001.",
        "sent/deep/back\\slash": "It is not there.",
    }
    assert seen == [(number, len(ODD)) for number in range(1, len(ODD) + 1)]
    assert manifest.verify() == [], "where the files were sent from, they are what they were"


async def test_a_source_that_changed_since_has_no_digest(rig: Rig) -> None:
    make_file(rig.folder / "a", 1000)
    async with rig.engine() as engine:
        view = (await engine.wait(await engine.upload([rig.folder / "a"], rig.at("x/"))))[0]
        (rig.folder / "a").write_bytes(b"other")
        manifest = await engine.manifest(view.batch)
    (line,) = manifest.lines
    assert (line.sha256, manifest.to_sums(), manifest.proven) == ("", "", 0)
    assert "another size" in line.problem


def test_names_that_lead_out_are_not_looked_at(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    digest = make_file(secret, 10)
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("../secret", str(secret)):
        manifest = Manifest((ManifestLine(name, "", "", 10, digest, ""),), str(inside))
        assert manifest.verify() == [
            Difference(name, "The name leads out of the folder; it was not looked at.")
        ]


@pytest.mark.parametrize("text", ["{}", '{"files": [1]}', "no sums here", f"{'g' * 64}  name"])
def test_something_else_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match="not a manifest"):
        Manifest.read(tmp_path / "file")
