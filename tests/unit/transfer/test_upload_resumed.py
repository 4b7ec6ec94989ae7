"""Uploads that were cut off: every branch of going on, from what the server has."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState, JobView
from tests.faults.rig import MiB, Rig, make_file
from tests.unit.transfer.gate import cut_off_upload

PART = 256 * 1024


async def resumed(rig: Rig, *, retry: bool = False) -> JobView:
    """Go on with the one interrupted job in a new engine."""
    async with rig.engine() as engine:
        assert [view.state for view in rig.report.interrupted] == [JobState.INTERRUPTED]
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        views = await engine.wait(ids)
        if retry:
            await engine.retry(ids)
            views = await engine.wait(ids)
        return views[0]


async def test_resume_sends_only_what_is_missing(rig: Rig) -> None:
    sha = await cut_off_upload(rig, free=5)
    assert rig.on_disk("SELECT number FROM part WHERE done") == [(n,) for n in range(1, 6)]
    view = await resumed(rig)
    assert view.words == "done (verified (md5))"
    assert rig.wire.count("write_multipart") == 3
    assert rig.wire.count("create_multipart") == 0
    assert view.resent == PART  # the one that was in flight
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


async def test_part_replaced_by_somebody_else_is_sent_again(rig: Rig) -> None:
    sha = await cut_off_upload(rig, free=4)
    uploads = [item async for item in rig.op.list_multiparts("big")]
    await rig.op.into_multipart("big", uploads[0].upload_id).write(2, b"x" * PART)
    rig.wire.calls.clear()
    view = await resumed(rig)
    assert view.state is JobState.DONE
    sent = [args.number for name, _, args in rig.wire.calls if name == "write_multipart"]
    assert sorted(sent) == [2, 5, 6, 7, 8]
    assert await rig.sha("big") == sha


async def test_source_changed_sends_nothing(rig: Rig) -> None:
    await cut_off_upload(rig, free=4)
    sha = make_file(rig.folder / "big", 2 * MiB, seed=2)
    view = await resumed(rig)
    assert view.state is JobState.SOURCE_CHANGED
    assert "changed since its upload began" in view.error
    assert rig.wire.count("write_multipart") == 0
    assert not await rig.op.exists("big")
    # The person says: start over. The old upload is gone, the new bytes are there.
    async with rig.engine() as engine:
        await engine.retry([view.id])
        view = (await engine.wait([view.id]))[0]
    assert view.words == "done (verified (md5))"
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


@pytest.mark.parametrize("same", [True, False])
async def test_file_with_other_numbers_after_a_restart_is_proven(rig: Rig, same: bool) -> None:
    """A stick that is put in again, or a share, gives its files other inodes than before."""
    sha = await cut_off_upload(rig, free=4)
    path, other = rig.folder / "big", rig.folder / "other"
    shutil.copy2(path, other)
    if not same:
        times = path.stat()
        sha = make_file(other, 2 * MiB, seed=2)
        os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    view = await resumed(rig)
    assert view.words == "done (verified (md5))", view.error
    assert rig.wire.count("write_multipart") == (4 if same else 8)
    assert await rig.sha("big") == sha


async def test_upload_aborted_by_somebody_else_is_begun_anew(rig: Rig) -> None:
    sha = await cut_off_upload(rig, free=4)
    async for item in rig.op.list_multiparts("big"):
        await rig.op.into_multipart("big", item.upload_id).abort()
    view = await resumed(rig)
    assert view.words == "done (verified (md5))"
    assert "begun anew" in view.note
    assert view.resent >= 4 * PART
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


async def test_upload_aborted_while_it_runs_is_begun_anew(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    done = False

    async def abort(name: str, _path: str, args: Any) -> None:
        nonlocal done
        if name == "write_multipart" and args.number == 5 and not done:
            done = True
            await rig.op.into_multipart("big", args.upload_id).abort()

    rig.wire.before = abort
    view = await rig.upload(rig.folder / "big", "big")
    assert view.words == "done (verified (md5))"
    assert "begun anew" in view.note
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


async def test_completed_without_an_answer_is_found_done(rig: Rig) -> None:
    sha = await cut_off_upload(rig, "complete_multipart", free=0, after=True)
    view = await resumed(rig)
    assert view.words == "done (verified (md5))"
    assert rig.wire.count("write_multipart") == rig.wire.count("complete_multipart") == 0
    assert await rig.sha("big") == sha


async def test_other_object_in_place_of_a_lost_upload_is_not_taken_for_ours(rig: Rig) -> None:
    sha = await cut_off_upload(rig, free=4)
    async for item in rig.op.list_multiparts("big"):
        await rig.op.into_multipart("big", item.upload_id).abort()
    await rig.op.write("big", b"y" * (2 * MiB))
    view = await resumed(rig)
    assert view.state is JobState.NEEDS_ANSWER
    assert await rig.op.read("big") == b"y" * (2 * MiB)
    async with rig.engine() as engine:
        await engine.answer(view.id, ConflictPolicy.OVERWRITE)
        view = (await engine.wait([view.id]))[0]
    assert view.state is JobState.DONE
    assert await rig.sha("big") == sha


async def test_killed_between_create_and_its_record_leaves_no_orphan(rig: Rig) -> None:
    sha = await cut_off_upload(rig, "create_multipart", free=0, after=True)
    assert await rig.uploads_left() == ["big"]
    view = await resumed(rig)
    assert view.state is JobState.DONE
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


async def test_put_that_arrived_without_an_answer_is_found_done(rig: Rig) -> None:
    sha = make_file(rig.folder / "a", 1000)
    lost = False

    async def lose(name: str, _path: str, _args: Any) -> None:
        nonlocal lost
        if name == "write" and not lost:
            lost = True
            await rig.op.write("a", (rig.folder / "a").read_bytes())
            raise StorageError(ErrorKind.UNEXPECTED, "Cut.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = lose
    view = await rig.upload(rig.folder / "a", "a", ConflictPolicy.ASK)
    assert view.words == "done (verified (md5))"
    assert await rig.sha("a") == sha
