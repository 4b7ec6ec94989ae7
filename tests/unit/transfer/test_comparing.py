"""Policies that compare replace what they have looked at, and nothing that came after it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file

if TYPE_CHECKING:
    from dalbrowser.transfer import JobView

LAST = {"single": "write", "parts": "complete_multipart", "copy": "copy"}
"""The request that puts the object in place, by how it comes there."""

NEWER = {"mtime": "1800000000"}


async def sent(rig: Rig, way: str, policy: ConflictPolicy) -> JobView:
    """Send an object of 2023 to ``to/a``."""
    async with rig.engine() as engine:
        if way == "copy":
            await rig.op.write("a", b"x" * 1000, user_metadata={"mtime": "1700000000"})
            ids = await engine.copy([rig.at("a")], rig.at("to/"), policy)
        else:
            path = rig.folder / "a"
            make_file(path, 1000 if way == "single" else 2 * MiB)
            os.utime(path, (1_700_000_000, 1_700_000_000))
            ids = [await engine.upload_file(path, rig.at("to/a"), policy)]
        return (await engine.wait(ids))[0]


@pytest.mark.parametrize(
    ("way", "before"),
    # No service can be told what a copy may replace, other than nothing.
    [("single", None), ("single", b"old"), ("parts", None), ("parts", b"old"), ("copy", None)],
)
async def test_newer_object_that_comes_meanwhile_stays(
    rig: Rig, way: str, before: bytes | None
) -> None:
    if before is not None:
        await rig.op.write("to/a", before, user_metadata={"mtime": "1600000000"})

    async def write(name: str, path: str, _args: Any) -> None:
        if name == LAST[way] and (path == "to/a" or name == "copy"):
            rig.wire.before = None
            await rig.op.write("to/a", b"theirs", user_metadata=NEWER)

    rig.wire.before = write
    view = await sent(rig, way, ConflictPolicy.IF_NEWER)
    assert view.state is JobState.SKIPPED, (view.words, view.error)
    assert await rig.op.read("to/a") == b"theirs"
    assert await rig.uploads_left() == []


@pytest.mark.parametrize("way", ["single", "parts"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "kind", [ErrorKind.CONDITION_NOT_MATCH, ErrorKind.UNSUPPORTED, ErrorKind.INVALID_INPUT]
)
async def test_service_that_refuses_though_nothing_changed_is_asked_without(
    rig: Rig, way: str, kind: ErrorKind, before: bool
) -> None:
    if before:
        await rig.op.write("to/a", b"old", user_metadata={"mtime": "1600000000"})

    async def refuse(name: str, _path: str, args: Any) -> None:
        if name == LAST[way] and (args.if_match or args.if_not_exists):
            raise StorageError(kind, "No.", context={"status": "412"})

    rig.wire.before = refuse
    view = await sent(rig, way, ConflictPolicy.IF_NEWER)
    assert view.words == "done (verified (md5))", view.error
    assert (await rig.op.stat("to/a")).content_length == (1000 if way == "single" else 2 * MiB)
