"""The local end of downloads: what stands beside the target, and what comes there meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import CapabilityOverrideLayer, LayeredAccessor
from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.transfer.disk import localfile, renaming
from dalbrowser.transfer.disk.targetfolders import TargetFolders
from dalbrowser.transfer.disk.wholefile import WholeFile
from tests.faults.rig import Rig, make_file, sha_of
from tests.unit.transfer.gate import Gate
from tests.unit.transfer.test_download import SIZE, fetch, interrupt, left_over, put, resumed

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.storage import Accessor, Metadata
    from dalbrowser.storage.options import OpRead, OpStat
    from dalbrowser.storage.types import ReadReply

SIZES = [1000, 400_000, SIZE]
"""Bytes that come in one step, in one stream, in ranges."""


class Opaque(LayeredAccessor):
    """A service whose ETags are no digests, as with SSE-KMS."""

    async def stat(self, path: str, args: OpStat) -> Metadata:
        return opaque(await super().stat(path, args))

    async def read(self, path: str, args: OpRead) -> ReadReply:
        reply = await super().read(path, args)
        return replace(reply, metadata=opaque(reply.metadata))


class OpaqueLayer:
    def layer(self, inner: Accessor) -> Accessor:
        return Opaque(inner)


def opaque(there: Metadata) -> Metadata:
    return replace(there, etag=f'"version of {there.etag}"', checksums={})


@pytest.mark.parametrize("size", SIZES)
async def test_what_else_has_the_name_of_a_download_in_progress_keeps_its_bytes(
    rig: Rig, size: int
) -> None:
    # As a kill between the two steps of a renaming left it: two names, one file.
    (rig.folder / "a").write_bytes(b"whole")
    os.link(rig.folder / "a", rig.folder / ".a.dalpart")
    os.link(rig.folder / "a", rig.folder / "snapshot")
    sha = await put(rig, "a", size)
    view = await fetch(rig, "a", rig.folder / "a", ConflictPolicy.OVERWRITE)
    assert view.state is JobState.DONE, view.error
    assert sha_of(rig.folder / "a") == sha
    assert (rig.folder / "snapshot").read_bytes() == b"whole"
    assert left_over(rig.folder) == []


@pytest.mark.parametrize("size", SIZES)
async def test_second_name_that_a_kill_left_is_cleared(rig: Rig, size: int) -> None:
    sha = await put(rig, "a", size)
    if size == SIZE:
        await interrupt(rig, "a", rig.folder / "a", after=5)
    else:
        async with rig.engine() as engine:
            gate = Gate(rig, "read")
            await engine.download_file(rig.at("a"), rig.folder / "a")
            await gate.reached.wait()
        rig.wire.before = None
    make_file(rig.folder / ".a.dalpart", size)
    os.link(rig.folder / ".a.dalpart", rig.folder / "a")
    view = await resumed(rig)
    assert view.state is JobState.DONE, view.error
    assert sha_of(rig.folder / "a") == sha
    assert left_over(rig.folder) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("before", [None, b"old"])
async def test_newer_file_that_comes_meanwhile_is_compared_with(
    rig: Rig, size: int, before: bytes | None
) -> None:
    await put(rig, "a", size, user_metadata={"mtime": "1700000000"})
    target = rig.folder / "a"
    if before is not None:
        target.write_bytes(before)
        os.utime(target, (1_600_000_000, 1_600_000_000))

    async def write(name: str, _path: str, _args: Any) -> None:
        if name == "read":
            target.write_bytes(b"mine, and newer")

    rig.wire.before = write
    view = await fetch(rig, "a", target, ConflictPolicy.IF_NEWER)
    assert view.state is JobState.SKIPPED, view.words
    assert target.read_bytes() == b"mine, and newer"
    assert left_over(rig.folder) == []


async def test_file_of_the_same_size_that_comes_meanwhile_stays(rig: Rig) -> None:
    await put(rig, "a", 1000)

    async def write(name: str, _path: str, _args: Any) -> None:
        if name == "read":
            (rig.folder / "a").write_bytes(b"m" * 1000)

    rig.wire.before = write
    view = await fetch(rig, "a", rig.folder / "a", ConflictPolicy.IF_SIZE_DIFFERS)
    assert view.state is JobState.SKIPPED, view.words
    assert (rig.folder / "a").read_bytes() == b"m" * 1000


async def test_disk_that_refuses_while_a_skipped_file_is_cleared_is_said(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(rig, "a", SIZE, user_metadata={"mtime": "1700000000"})

    async def write(name: str, _path: str, _args: Any) -> None:
        if name == "read":
            (rig.folder / "a").write_bytes(b"newer")

    def refuse(path: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    rig.wire.before = write
    monkeypatch.setattr(localfile, "remove", refuse)
    async with rig.engine() as engine:
        number = await engine.download_file(rig.at("a"), rig.folder / "a", ConflictPolicy.IF_NEWER)
        view = (await asyncio.wait_for(engine.wait([number]), 10))[0]
        assert view.state is JobState.FAILED
        assert "Permission denied" in view.error
        monkeypatch.undo()
        await engine.retry([number])
        view = (await asyncio.wait_for(engine.wait([number]), 10))[0]
    assert view.state is JobState.SKIPPED, view.error
    assert (rig.folder / "a").read_bytes() == b"newer"
    assert left_over(rig.folder) == []


@pytest.mark.parametrize("policy", [ConflictPolicy.ASK, ConflictPolicy.IF_NEWER])
@pytest.mark.parametrize("told", ["nan", "inf", "-inf", "1e300", "-1e30", "99999999999999", ""])
async def test_time_that_is_none_hinders_nothing(
    rig: Rig, told: str, policy: ConflictPolicy
) -> None:
    sha = await put(rig, "a", 1000, user_metadata={"mtime": told})
    if policy is ConflictPolicy.IF_NEWER:
        (rig.folder / "a").write_bytes(b"old")
        os.utime(rig.folder / "a", (1000, 1000))
    view = await fetch(rig, "a", rig.folder / "a", policy)
    assert view.state is JobState.DONE, view.error
    assert sha_of(rig.folder / "a") == sha


async def test_disk_that_keeps_no_times_keeps_the_bytes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    sha = await put(rig, "a", 1000, user_metadata={"mtime": "1700000000"})
    monkeypatch.setattr(os, "utime", refuse)
    view = await fetch(rig, "a", rig.folder / "a")
    assert view.state is JobState.DONE, view.error
    assert sha_of(rig.folder / "a") == sha


@pytest.mark.parametrize("left", [0, 600_000])
async def test_file_in_progress_that_was_cut_is_not_taken_for_what_was_fetched(
    rig: Rig, left: int
) -> None:
    rig.op = rig.op.layer(OpaqueLayer()).layer(
        CapabilityOverrideLayer(read_with_if_match=False, read_with_version=False)
    )
    sha = await put(rig, "big", SIZE)
    await interrupt(rig, "big", rig.folder / "big", after=5)
    os.truncate(rig.folder / ".big.dalpart", left)
    view = await resumed(rig)
    assert view.words == "done (size only)", view.error
    assert sha_of(rig.folder / "big") == sha


@pytest.mark.parametrize("way", ["call", "links", "neither"])
def test_name_is_given_only_where_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    if way != "call":
        monkeypatch.setattr(renaming, "_renameat2", bool)
    if way == "neither" or (way == "call" and renaming._renameat2()):
        monkeypatch.setattr(os, "link", refuse)
    one, other = tmp_path / "odd\udcff", tmp_path / "free"
    one.write_bytes(b"one")
    renaming.rename_free(str(one), str(other))
    assert [path.name for path in tmp_path.iterdir()] == ["free"]
    one.write_bytes(b"two")
    with pytest.raises(FileExistsError):
        renaming.rename_free(str(one), str(other))
    assert (one.read_bytes(), other.read_bytes()) == (b"two", b"one")
    with pytest.raises(FileNotFoundError):
        renaming.rename_free(str(tmp_path / "none"), str(tmp_path / "new"))


async def test_file_in_progress_of_another_machine_is_not_given_the_name(rig: Rig) -> None:
    sha = await put(rig, "big", SIZE)
    temp, target = rig.folder / ".big.dalpart", rig.folder / "big"

    async def take(name: str, _path: str, args: Any) -> None:
        if name == "read" and args.range.start == 1024 * 1024:
            rig.wire.before = None
            temp.unlink()
            temp.write_bytes(b"theirs")

    rig.wire.before = take
    async with rig.engine(parts_per_file=1) as engine:
        number = await engine.download_file(rig.at("big"), target, ConflictPolicy.OVERWRITE)
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert "another machine" in view.error
        assert temp.read_bytes() == b"theirs"
        assert not target.exists()
        temp.unlink()
        await engine.retry([number])
        view = (await engine.wait([number]))[0]
    assert view.words == "done (verified (md5))", view.error
    assert sha_of(target) == sha


@pytest.mark.parametrize("small", [True, False])
def test_small_file_that_another_machine_has_replaced_is_left_to_it(
    tmp_path: Path, small: bool
) -> None:
    temp, target = tmp_path / ".a.dalpart", tmp_path / "a"
    file: WholeFile | localfile.SmallFile
    if small:
        file = WholeFile(TargetFolders(), "", str(temp), b"mine")
    else:
        file = localfile.SmallFile(str(temp), 4)
        file.hold(b"mine")

    def place() -> None:
        temp.unlink()
        temp.write_bytes(b"theirs")
        localfile.publish(
            str(temp), str(target), replace=True, mtime=None, durable=False, wrote=file.wrote
        )

    with pytest.raises(localfile.ForeignFileError):
        file.finish(None, place)
    file.discard()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        ".a.dalpart": b"theirs"
    }
