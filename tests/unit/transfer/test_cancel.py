"""Cancelled jobs: called so only when nothing of them is left, whatever the service says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file
from tests.unit.transfer.gate import Gate, hold_upload, make_tree


async def test_cancel_leaves_nothing(rig: Rig) -> None:
    await rig.op.write("there", b"there" * MiB)
    async with rig.engine() as engine:
        up = await hold_upload(rig, engine)
        gate = Gate(rig, "read", free=3)
        down = await engine.download_file(rig.at("there"), rig.folder / "here")
        await gate.reached.wait()
        await engine.cancel([up, down])
        views = await engine.wait([up, down])
        assert [view.state for view in views] == [JobState.CANCELLED] * 2
    assert await rig.uploads_left() == []
    assert not await rig.op.exists("big")
    assert [path.name for path in rig.folder.glob(".*dalpart")] == []


async def test_cancel_that_cannot_reach_the_server_is_not_called_done(rig: Rig) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine)

        async def dead(_name: str, _path: str, _args: Any) -> None:
            raise StorageError(ErrorKind.UNEXPECTED, "Nothing answers.")

        rig.wire.before = dead
        await engine.cancel([number])
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert "not cleared away yet" in view.error
    rig.wire.before = None
    # The next process still knows of it, and ends it.
    async with rig.engine() as engine:
        await engine.cancel([number])
        assert (await engine.wait([number]))[0].state is JobState.CANCELLED
    assert await rig.uploads_left() == []


REFUSALS = {
    "no bucket": (ErrorKind.NOT_FOUND, {"status": "404", "code": "NoSuchBucket"}),
    "denied": (ErrorKind.PERMISSION_DENIED, {"status": "403", "code": "AccessDenied"}),
    "no credentials": (ErrorKind.CONFIG_INVALID, {}),
}


@pytest.mark.parametrize("refusal", list(REFUSALS))
async def test_cancel_after_the_upload_was_never_begun(rig: Rig, refusal: str) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    kind, context = REFUSALS[refusal]

    async def refuse(_name: str, _path: str, _args: Any) -> None:
        raise StorageError(kind, "No.", context=context)

    async with rig.engine() as engine:
        rig.wire.before = refuse
        number = await engine.upload_file(
            rig.folder / "big", rig.at("big"), ConflictPolicy.OVERWRITE
        )
        view = (await engine.wait([number]))[0]
        assert (view.state, view.error) == (JobState.FAILED, "No.")
        assert rig.on_disk("SELECT * FROM upload") == []
        await engine.cancel([number])
        view = (await engine.wait([number]))[0]
        assert (view.state, view.error, view.note) == (JobState.CANCELLED, "", "")


@pytest.mark.parametrize("retried", [True, False], ids=["after a retry", "answer lost"])
async def test_cancel_when_nobody_can_know_whether_it_was_begun(rig: Rig, retried: bool) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    context = {"status": "403", "attempts": "2"} if retried else {}
    kind = ErrorKind.PERMISSION_DENIED if retried else ErrorKind.UNEXPECTED

    async def lose(name: str, _path: str, _args: Any) -> None:
        if name in ("create_multipart", "list_multiparts"):
            raise StorageError(kind, "No.", context=context)

    async with rig.engine() as engine:
        rig.wire.before = lose
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await engine.wait([number])
        assert rig.on_disk("SELECT state FROM upload") == [("intent",)]
        await engine.cancel([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.CANCELLED
    assert "Incomplete uploads" in view.note
    assert rig.on_disk("SELECT * FROM upload") == []


async def test_cancel_with_the_service_out_of_reach_ends_when_said_again(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)

    async def dead(_name: str, _path: str, _args: Any) -> None:
        raise StorageError(ErrorKind.UNEXPECTED, "Nothing answers.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = dead
    async with rig.engine() as engine:
        policy = ConflictPolicy.OVERWRITE
        number = await engine.upload_file(rig.folder / "big", rig.at("big"), policy)
        while engine.jobs()[0].state is not JobState.WAITING_NETWORK:
            await rig.next_event()
        await engine.cancel([number])
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert "not cleared away yet" in view.error
    async with rig.engine() as engine:
        await engine.cancel([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.CANCELLED
    assert "Incomplete uploads" in view.note


async def test_killed_in_the_middle_of_the_abort(rig: Rig) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine)
        gate = Gate(rig, "abort_multipart")
        cancelling = asyncio.ensure_future(engine.cancel([number]))
        await gate.reached.wait()
        cancelling.cancel()
        await asyncio.gather(cancelling, return_exceptions=True)
    rig.wire.before = None
    async with rig.engine() as engine:
        assert [view.id for view in engine.jobs()] == [number]
        await engine.cancel([number])
        assert (await engine.wait([number]))[0].state is JobState.CANCELLED
    assert await rig.uploads_left() == []


async def test_cancelled_folder_stops_growing(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 1000)
    async with rig.engine(plan_window=100) as engine:
        gate = Gate(rig, "write", free=20)
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await gate.reached.wait()
        await engine.cancel(ids)
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.CANCELLED
        assert [v for v in engine.jobs() if v.state.is_active] == []
    async with rig.engine() as engine:
        assert engine.jobs() == []


async def test_cancel_without_a_connection_ends_in_words(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> Any:
        raise RuntimeError("no such connection any more")

    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine)
        monkeypatch.setattr(rig, "operator", lost)
        await engine.cancel([number])
        view = (await engine.wait([number]))[0]
        assert view.state is JobState.FAILED
        assert "no such connection" in view.error
        monkeypatch.undo()
        await engine.cancel([number])
        assert (await engine.wait([number]))[0].state is JobState.CANCELLED
    assert await rig.uploads_left() == []
