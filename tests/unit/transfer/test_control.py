"""Jobs under a person's hands: folders, pause, cancel, answers, events, history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer import (
    BatchEnded,
    ConflictPolicy,
    JobsChanged,
    JobsRemoved,
    JobState,
    JournalHeld,
)
from tests.faults.rig import MiB, Rig, make_file

if TYPE_CHECKING:
    from pathlib import Path


def make_tree(folder: Path, count: int) -> None:
    (folder / "sub" / "deep").mkdir(parents=True)
    for number in range(count):
        place = (folder, folder / "sub", folder / "sub" / "deep")[number % 3]
        (place / f"f{number:04}").write_bytes(f"{number}".encode())


class Gate:
    """Holds an operation back until it is opened."""

    def __init__(self, rig: Rig, operation: str, free: int = 0) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self._operation = operation
        self._free = free
        rig.wire.before = self

    async def __call__(self, name: str, _path: str, _args: Any) -> None:
        if name == self._operation:
            self._free -= 1
            if self._free < 0:
                self.reached.set()
                await self.open.wait()


async def test_folder_arrives_whole_and_ends_once(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 700)
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at("up/"))
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_done, view.files_total) == (JobState.DONE, 700, 700)
    assert view.is_folder
    keys = {e.path for e in await rig.op.list("up/tree/", recursive=True) if e.metadata.is_file}
    assert len(keys) == 700
    assert await rig.op.read("up/tree/sub/deep/f0002") == b"2"
    ended = [event for event in rig.events if isinstance(event, BatchEnded)]
    assert [(e.done, e.failed) for e in ended] == [(700, 0)]


async def test_only_a_window_of_a_folder_is_in_memory(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 2000)
    async with rig.engine(plan_window=300, live_finished_cap=50) as engine:
        gate = Gate(rig, "write")
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await gate.reached.wait()
        live = len(engine.jobs())
        gate.open.set()
        view = (await engine.wait(ids))[0]
        assert view.files_done == 2000
        assert live <= 300 + 250 + 1
        assert len(engine.jobs()) <= 51
        assert any(isinstance(event, JobsRemoved) for event in rig.events)
        assert len(await engine.history(5000)) == 2001


async def test_folder_that_was_cut_off_goes_on_and_sends_nothing_twice(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 1200)
    async with rig.engine(plan_window=200) as engine:
        gate = Gate(rig, "write", free=150)
        await engine.upload([rig.folder / "tree"], rig.at(""), ConflictPolicy.OVERWRITE)
        await gate.reached.wait()
    rig.wire.before = None
    already = rig.wire.count("write")
    async with rig.engine(plan_window=200) as engine:
        assert [view.is_folder for view in rig.report.interrupted] == [True]
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_total) == (JobState.DONE, 1200)
    assert rig.wire.count("write") <= 1200 + 16
    assert already >= 150
    assert len([e for e in await rig.op.list("", recursive=True) if e.metadata.is_file]) == 1200


async def test_download_of_a_folder_that_was_cut_off(rig: Rig) -> None:
    for number in range(1500):
        await rig.op.write(f"p/{number % 7}/f{number:04}", b"x")
    async with rig.engine(plan_window=200) as engine:
        gate = Gate(rig, "read", free=100)
        await engine.download([(rig.at("p/"), None)], rig.folder)
        await gate.reached.wait()
    rig.wire.before = None
    async with rig.engine(plan_window=200) as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_total) == (JobState.DONE, 1500), view.error
    assert len([p for p in (rig.folder / "p").rglob("*") if p.is_file()]) == 1500


async def test_a_listing_that_fails_for_a_moment_is_gone_on_with(rig: Rig) -> None:
    for number in range(30):
        await rig.op.write(f"p/f{number:02}", b"x")
    failures = 3

    async def now_and_then(name: str, _path: str, _args: Any) -> None:
        nonlocal failures
        if name == "list" and failures:
            failures -= 1
            raise StorageError(ErrorKind.UNEXPECTED, "No.", status=ErrorStatus.TEMPORARY)

    rig.wire.before = now_and_then
    async with rig.engine() as engine:
        ids = await engine.download([(rig.at("p/"), None)], rig.folder)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.files_done, failures) == (JobState.DONE, 30, 0), view.error


async def test_one_failed_file_leaves_the_others(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 30)

    async def deny(name: str, path: str, _args: Any) -> None:
        if name == "write" and path.endswith("f0007"):
            raise StorageError(ErrorKind.PERMISSION_DENIED, "Not this one.")

    rig.wire.before = deny
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.FAILED
        assert "1 of 30 files" in view.error
        bad = [v for v in engine.jobs() if v.state is JobState.FAILED and not v.is_folder]
        assert [(v.name, v.error) for v in bad] == [("f0007", "Not this one.")]
        rig.wire.before = None
        await engine.retry(ids)
        view = (await engine.wait(ids))[0]
        assert (view.state, view.files_done) == (JobState.DONE, 30)
        assert view.error == ""


async def test_links_to_folders_are_rows_not_silence(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 3)
    (rig.folder / "tree" / "loop").symlink_to(rig.folder / "tree")
    (rig.folder / "tree" / "dead").symlink_to(rig.folder / "nowhere")
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        await engine.wait(ids)
        rows = {v.name: v for v in engine.jobs()}
    assert rows["loop"].state is JobState.SKIPPED
    assert "link to a folder" in rows["loop"].note
    assert rows["dead"].state is JobState.FAILED


async def test_pause_and_resume(rig: Rig) -> None:
    sha = make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "write_multipart", free=3)
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await gate.reached.wait()
        await engine.pause([number])
        view = (await engine.wait([number]))[0]
        assert (view.state, view.parts_done) == (JobState.PAUSED, 3)
        assert await rig.uploads_left() == ["big"]
        rig.wire.before = None
        rig.wire.calls.clear()
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE
    assert rig.wire.count("write_multipart") == 5
    assert await rig.sha("big") == sha


async def test_paused_job_stays_paused_over_a_restart(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "write_multipart", free=3)
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await gate.reached.wait()
        await engine.pause([number])
    rig.wire.before = None
    async with rig.engine() as engine:
        assert rig.report.interrupted == []
        assert [view.state for view in engine.jobs()] == [JobState.PAUSED]


async def test_cancel_leaves_nothing(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    await rig.op.write("there", (rig.folder / "big").read_bytes())
    async with rig.engine() as engine:
        gate = Gate(rig, "write_multipart", free=3)
        up = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await gate.reached.wait()
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
    make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "write_multipart", free=3)
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await gate.reached.wait()

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
    make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "write_multipart", free=3)
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await gate.reached.wait()
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


async def test_answer_for_the_whole_batch(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 40)
    for number in range(40):
        place = ("", "sub/", "sub/deep/")[number % 3]
        await rig.op.write(f"tree/{place}f{number:04}", b"old")
    async with rig.engine() as engine:
        ids = await engine.upload([rig.folder / "tree"], rig.at(""))
        assert (await engine.wait(ids))[0].state is JobState.NEEDS_ANSWER
        asking = [v for v in engine.jobs() if v.state is JobState.NEEDS_ANSWER]
        one = next(v for v in asking if not v.is_folder)
        assert "exists already" in one.error
        await engine.answer(one.id, ConflictPolicy.SKIP, for_batch=True)
        view = (await engine.wait(ids))[0]
        assert view.state is JobState.DONE
        assert "40 files were left out" in view.note
    assert await rig.op.read("tree/f0000") == b"old"


async def test_small_files_do_not_wait_for_a_giant(rig: Rig) -> None:
    make_file(rig.folder / "giant", 4 * MiB)
    make_tree(rig.folder / "tree", 50)
    async with rig.engine() as engine:
        gate = Gate(rig, "write_multipart")
        giant = await engine.upload_file(rig.folder / "giant", rig.at("giant"))
        await gate.reached.wait()
        small = await engine.upload([rig.folder / "tree"], rig.at(""))
        assert (await engine.wait(small))[0].state is JobState.DONE
        gate.open.set()
        assert (await engine.wait([giant]))[0].state is JobState.DONE


async def test_no_more_parts_at_once_than_allowed(rig: Rig) -> None:
    for number in range(4):
        make_file(rig.folder / f"f{number}", 2 * MiB)
    running = peak = 0

    async def enter(name: str, _path: str, _args: Any) -> None:
        nonlocal running, peak
        if name == "write_multipart":
            running += 1
            peak = max(peak, running)
            for _ in range(20):
                await asyncio.sleep(0)
            running -= 1

    rig.wire.before = enter
    async with rig.engine(parts_total=5, parts_per_file=3) as engine:
        ids = await engine.upload([rig.folder / f"f{n}" for n in range(4)], rig.at(""))
        views = await engine.wait(ids)
    assert {view.state for view in views} == {JobState.DONE}
    assert 3 <= peak <= 5


async def test_events_tell_of_every_state_and_of_removal(rig: Rig) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine() as engine:
        number = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await engine.wait([number])
        await engine.clear_completed()
        assert engine.jobs() == []
        assert await engine.history() == []
    views = [v for e in rig.events if isinstance(e, JobsChanged) for v in e.views]
    assert views[-1].state is JobState.DONE
    assert {v.id for v in views} == {number}
    assert rig.events[-1] == JobsRemoved((number,))


async def test_second_engine_is_told_who_holds_the_journal(rig: Rig) -> None:
    async with rig.engine(who="the window"):
        with pytest.raises(JournalHeld, match="the window"):
            async with rig.engine():
                pass


async def test_odd_keys_are_exact(rig: Rig) -> None:
    make_file(rig.folder / "a", 10)
    for key in ("/lead", "a//b", "a/../b", " sp ", "%2F"):
        view = await rig.upload(rig.folder / "a", key)
        assert view.state is JobState.DONE, view.error
    keys = sorted(e.path for e in await rig.op.list("", recursive=True) if e.metadata.is_file)
    assert keys == sorted(["/lead", "a//b", "a/../b", " sp ", "%2F"])
