"""Somebody else is at work on the same object, upload or part: neither is mixed with ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from tests.faults.conftest import Saw

PART = 5 * MiB
SIZE = 2 * PART + 77


def options(rig: Rig) -> Rig:
    """Parts and ranges one after the other, so that the second is a known moment."""
    rig.options |= {
        "part_floor": PART,
        "multipart_above": PART,
        "ranges_above": PART,
        "range_size": PART,
        "parts_per_file": 1,
    }
    return rig


@pytest.mark.fault("the object is replaced during the download")
async def test_object_replaced(service: Rig, saw: Saw) -> None:
    make_file(service.folder / "old", SIZE)
    new = make_file(service.folder / "new", SIZE, seed=2)
    await service.op.write("big", (service.folder / "old").read_bytes())

    async def act() -> None:
        service.wire.before = None
        await service.op.write("big", (service.folder / "new").read_bytes())

    done = service.meanwhile("read", 2, act)
    target = service.folder / "here"
    async with options(service).engine() as engine:
        number = await engine.download_file(service.at("big"), target)
        view = (await engine.wait([number]))[0]
        assert done.is_set()
        assert view.state is JobState.SOURCE_CHANGED, view.error
        assert not target.exists()
        saw(view)
        await engine.retry([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE, view.error
    assert sha_of(target) == new
    assert not list(service.folder.glob(".*.dalpart"))
    saw(view)


@pytest.mark.fault("the object is deleted during the download")
async def test_object_deleted(service: Rig, saw: Saw) -> None:
    make_file(service.folder / "old", SIZE)
    await service.op.write("big", (service.folder / "old").read_bytes())

    async def act() -> None:
        service.wire.before = None
        await service.op.delete("big")

    service.meanwhile("read", 2, act)
    target = service.folder / "here"
    async with options(service).engine() as engine:
        number = await engine.download_file(service.at("big"), target)
        view = (await engine.wait([number]))[0]
        saw(view)
        assert view.state in (JobState.FAILED, JobState.SOURCE_CHANGED)
        assert not target.exists()
        await engine.cancel([number])
        saw((await engine.wait([number]))[0])
    assert not list(service.folder.glob(".*.dalpart"))


@pytest.mark.fault("the upload is aborted by somebody else")
async def test_upload_aborted(service: Rig, saw: Saw) -> None:
    sha = make_file(service.folder / "big", SIZE)

    async def act() -> None:
        service.wire.before = None
        uploads = [item async for item in service.op.list_multiparts("big")]
        assert len(uploads) == 1
        await service.op.into_multipart("big", uploads[0].upload_id).abort()

    done = service.meanwhile("write_multipart", 2, act)
    async with options(service).engine() as engine:
        number = await engine.upload_file(service.folder / "big", service.at("big"))
        view = (await engine.wait([number]))[0]
    assert done.is_set()
    assert view.state is JobState.DONE, view.error
    assert "begun anew" in view.note
    assert await service.sha("big") == sha
    assert await service.uploads_left() == []
    saw(view)
    saw("said that it was begun anew")


@pytest.mark.fault("a part is replaced by somebody else")
async def test_part_replaced(service: Rig, saw: Saw) -> None:
    sha = make_file(service.folder / "big", SIZE)

    async def act() -> None:
        service.wire.before = None
        uploads = [item async for item in service.op.list_multiparts("big")]
        await service.op.into_multipart("big", uploads[0].upload_id).write(1, b"x" * PART)

    done = service.meanwhile("write_multipart", 2, act)
    async with options(service).engine() as engine:
        number = await engine.upload_file(service.folder / "big", service.at("big"))
        view = (await engine.wait([number]))[0]
    assert done.is_set()
    saw(view)
    # Whatever the service lets through, no object with another's bytes is called done.
    assert view.state is JobState.DONE, view.error
    assert await service.sha("big") == sha
    assert await service.uploads_left() == []


@pytest.mark.fault("two files for one name, up")
async def test_two_files_to_one_key(service: Rig, saw: Saw) -> None:
    paths = [service.folder / name / "same" for name in "ab"]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        make_file(path, 1000, seed=number)
    async with service.engine() as engine:
        ids = await engine.upload(paths, service.at(""))
        views = await engine.wait(ids)
        assert sorted(view.state.value for view in views) == ["done", "needs-answer"]
        asking = next(view for view in views if view.state is JobState.NEEDS_ANSWER)
        saw(asking)
        await engine.answer(asking.id, ConflictPolicy.KEEP_BOTH)
        saw((await engine.wait([asking.id]))[0])
    kept = {await service.sha("same"), await service.sha("same (2)")}
    assert kept == {sha_of(path) for path in paths}
    saw("both kept")


@pytest.mark.fault("two objects for one name, down")
async def test_two_objects_to_one_file(service: Rig, saw: Saw) -> None:
    for key in ("a/same", "b/same"):
        await service.op.write(key, key.encode())
    (service.folder / "here").mkdir()
    async with service.engine() as engine:
        items = [(service.at(key), None) for key in ("a/same", "b/same")]
        ids = await engine.download(items, service.folder / "here")
        views = await engine.wait(ids)
        assert sorted(view.state.value for view in views) == ["done", "needs-answer"]
        asking = next(view for view in views if view.state is JobState.NEEDS_ANSWER)
        saw(asking)
        await engine.answer(asking.id, ConflictPolicy.KEEP_BOTH)
        saw((await engine.wait([asking.id]))[0])
    texts = {path.read_text() for path in (service.folder / "here").iterdir()}
    assert texts == {"a/same", "b/same"}
    saw("both kept")


@pytest.mark.fault("a newer object comes to the target during an upload that is only to be newer")
@pytest.mark.parametrize("size", [1000, 2 * PART + 77])
@pytest.mark.parametrize("meanwhile", [True, False])
async def test_newer_meanwhile(service: Rig, saw: Saw, size: int, meanwhile: bool) -> None:
    service.options |= {"part_floor": PART, "multipart_above": PART}
    sha = make_file(service.folder / "big", size)
    os.utime(service.folder / "big", (1_700_000_000, 1_700_000_000))
    await service.op.write("big", b"old", user_metadata={"mtime": "1600000000"})

    async def replace(name: str, _path: str, _args: Any) -> None:
        # Ceph takes no condition for completing an upload, so that one looks before it.
        if meanwhile and name in ("write", "write_multipart"):
            service.wire.before = None
            await service.op.write("big", b"newer", user_metadata={"mtime": "1800000000"})

    service.wire.before = replace
    view = await service.upload(service.folder / "big", "big", ConflictPolicy.IF_NEWER)
    saw(view)
    if meanwhile and (size > PART or service.scheme == "s3"):
        assert await service.op.read("big") == b"newer", view.words
        assert view.state is JobState.SKIPPED
    elif not meanwhile:
        assert view.state is JobState.DONE, view.error
        assert await service.sha("big") == sha
    assert await service.uploads_left() == []
