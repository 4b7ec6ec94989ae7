"""Policies that compare do so once more at the end: a large file takes its time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import ConflictPolicy, JobState, target
from tests.faults.rig import MiB, Rig, make_file
from tests.unit.transfer.gate import Gate

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_000_000_000
FAR_AHEAD = 4_000_000_000


def _old_file(rig: Rig) -> Path:
    path = rig.folder / "big"
    make_file(path, 2 * MiB)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


async def test_a_question_at_the_end_of_an_upload_may_be_answered_so(rig: Rig) -> None:
    path = _old_file(rig)
    taken = rig.meanwhile("complete_multipart", 1, lambda: rig.op.write("big", b"newer"))
    async with rig.engine() as engine:
        number = await engine.upload_file(path, rig.at("big"))
        assert (await engine.wait([number]))[0].state is JobState.NEEDS_ANSWER
        assert taken.is_set()
        await engine.answer(number, ConflictPolicy.IF_NEWER)
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.SKIPPED
    assert "as new or newer" in view.note
    assert await rig.op.read("big") == b"newer"
    assert await rig.uploads_left() == []


@pytest.mark.parametrize(
    ("policy", "there", "state"),
    [
        (ConflictPolicy.IF_NEWER, b"newer", JobState.SKIPPED),
        (ConflictPolicy.IF_SIZE_DIFFERS, b"n" * 2 * MiB, JobState.SKIPPED),
        (ConflictPolicy.IF_SIZE_DIFFERS, b"newer", JobState.DONE),
        (ConflictPolicy.OVERWRITE, b"newer", JobState.DONE),
    ],
)
async def test_what_came_before_an_upload_went_on(
    rig: Rig, policy: ConflictPolicy, there: bytes, state: JobState
) -> None:
    path = _old_file(rig)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "write_multipart", 3)
        number = await engine.upload_file(path, rig.at("big"), policy)
        await gate.reached.wait()
    rig.wire.before = None
    await rig.op.write("big", there)
    async with rig.engine() as engine:
        await engine.resume([number])
        assert (await engine.wait([number]))[0].state is state
    kept = there if state is JobState.SKIPPED else path.read_bytes()
    assert await rig.op.read("big") == kept
    assert await rig.uploads_left() == []


async def test_what_came_while_the_server_copied_parts(rig: Rig) -> None:
    await rig.op.write("old", b"o" * 2 * MiB)
    rig.meanwhile("stat", 3, lambda: rig.op.write("to/old", b"n" * 2 * MiB))
    async with rig.engine(copy_at_once=MiB, copy_part=MiB) as engine:
        ids = await engine.copy([rig.at("old")], rig.at("to/"), ConflictPolicy.IF_SIZE_DIFFERS)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.SKIPPED
    assert await rig.op.read("to/old") == b"n" * 2 * MiB
    assert await rig.uploads_left() == []


async def test_what_came_while_a_large_file_was_fetched(rig: Rig) -> None:
    await rig.op.write("big", b"b" * 2 * MiB)
    path = rig.folder / "big"

    async def take() -> None:
        path.write_bytes(b"newer")
        os.utime(path, (FAR_AHEAD, FAR_AHEAD))

    rig.meanwhile("read", 3, take)
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("big"), None)], rig.folder)
        assert (await engine.wait(ids))[0].state is JobState.NEEDS_ANSWER
        await engine.answer(ids[0], ConflictPolicy.IF_NEWER)
        view = (await engine.wait(ids))[0]
    assert view.state is JobState.SKIPPED
    assert path.read_bytes() == b"newer"
    assert not list(rig.folder.glob(".*.dalpart"))


async def test_what_cannot_be_compared_is_asked_and_takes_an_answer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rig.folder / "f").write_bytes(b"new")
    await rig.op.write("f", b"old")
    monkeypatch.setattr(target, "mtime_of", lambda _metadata: None)
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "f", rig.at("f"), ConflictPolicy.IF_NEWER)
        assert (await engine.wait([number]))[0].state is JobState.NEEDS_ANSWER
        await engine.answer(number, ConflictPolicy.OVERWRITE)
        assert (await engine.wait([number]))[0].state is JobState.DONE
    assert await rig.op.read("f") == b"new"
