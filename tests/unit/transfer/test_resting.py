"""Jobs that rest stand in nobody's way: neither for a place nor for a name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.profiles import Location, Profile
from dalbrowser.storage import ErrorKind, ErrorStatus, Operator, StorageError
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.unit.transfer.gate import Gate, cut_off_upload, hold_upload, make_tree

if TYPE_CHECKING:
    from pathlib import Path


class Two(Rig):
    """Two connections: ``p1`` is out of reach, ``p2`` is not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.other = Operator("memory")
        self.profiles.save(Profile("p2", "other", "memory", {}))
        self.reachable = False
        self.wire.before = self._refuse

    async def _refuse(self, _name: str, _path: str, _args: Any) -> None:
        if not self.reachable:
            message = "Nothing answers."
            raise StorageError(ErrorKind.UNEXPECTED, message, status=ErrorStatus.TEMPORARY)

    async def operator(self, profile: Profile, bucket: str) -> Operator:
        return self.op if profile.id == "p1" else self.other


@pytest.mark.parametrize("size", [10, MiB])
async def test_a_service_out_of_reach_keeps_no_place_from_another(
    tmp_path: Path, size: int
) -> None:
    rig = Two(tmp_path)
    paths = [tmp_path / f"f{number}" for number in range(6)]
    for number, path in enumerate(paths):
        make_file(path, size, seed=number)
    async with rig.engine(large_files=2, small_files=2, backoff_cap=0.01) as engine:
        lost = await engine.upload(paths, rig.at(""))
        waiting: list[JobState] = []
        while waiting.count(JobState.WAITING_NETWORK) < 2:
            await rig.next_event()
            waiting = [view.state for view in engine.jobs()]
        found = await engine.upload(paths, Location("p2", "", ""))
        views = await asyncio.wait_for(engine.wait(found), 20)
        assert {view.state for view in views} == {JobState.DONE}
        states = [view.state for view in engine.jobs() if view.id in lost]
        # The others of the service that does not answer are not begun on top of it.
        assert states.count(JobState.QUEUED) == 4
        rig.reachable = True
        assert {view.state for view in await engine.wait(lost)} == {JobState.DONE}
        lanes = (engine._scheduler._small, engine._scheduler._large)
        tasks = [job.task for lane in lanes for job in lane.running.values() if job.task]
        await asyncio.gather(*tasks)
        # A place is given back in the turn after the task has ended.
        await asyncio.sleep(0)
        for lane in lanes:
            assert not lane.resting
            assert not lane.running
            assert not lane.by_batch
    await rig.op.aclose()
    await rig.other.aclose()


async def test_what_was_cut_off_leaves_its_name_to_who_asks_anew(rig: Rig) -> None:
    sha = await cut_off_upload(rig)
    async with rig.engine() as engine:
        number = await engine.upload_file(
            rig.folder / "big", rig.at("big"), ConflictPolicy.OVERWRITE
        )
        view = (await engine.wait([number]))[0]
        assert (view.state, view.key) == (JobState.DONE, "big")
        assert await rig.sha("big") == sha
        # Other bytes than those of the one before, which asks, as its policy says.
        await rig.op.write("big", b"other")
        (old,) = [each.id for each in rig.report.interrupted]
        await engine.resume([old])
        assert (await engine.wait([old]))[0].state is JobState.NEEDS_ANSWER
        await engine.cancel([old])
    assert await rig.uploads_left() == []
    assert {e.path for e in await rig.op.list("")} == {"big"}


async def test_equal_bytes_at_the_end_leave_no_upload_behind(rig: Rig) -> None:
    sha = await cut_off_upload(rig)
    async with rig.engine() as engine:
        again = await engine.upload_file(
            rig.folder / "big", rig.at("big"), ConflictPolicy.OVERWRITE
        )
        await engine.wait([again])
        (old,) = [each.id for each in rig.report.interrupted]
        await engine.resume([old])
        view = (await engine.wait([old]))[0]
    assert (view.state, view.integrity) == (JobState.DONE, "verified (md5)")
    assert await rig.sha("big") == sha
    assert await rig.uploads_left() == []


@pytest.mark.parametrize("policy", [ConflictPolicy.OVERWRITE, ConflictPolicy.ASK])
async def test_what_failed_leaves_its_name_to_who_asks_anew(
    rig: Rig, policy: ConflictPolicy
) -> None:
    make_file(rig.folder / "f", 100)

    async def refuse(name: str, _path: str, _args: Any) -> None:
        if name == "write":
            raise StorageError(ErrorKind.PERMISSION_DENIED, "No.", status=ErrorStatus.PERMANENT)

    rig.wire.before = refuse
    async with rig.engine() as engine:
        first = await engine.upload_file(rig.folder / "f", rig.at("f"), policy)
        assert (await engine.wait([first]))[0].state is JobState.FAILED
        rig.wire.before = None
        second = await engine.upload_file(rig.folder / "f", rig.at("f"), policy)
        view = (await engine.wait([second]))[0]
        assert (view.state, view.key) == (JobState.DONE, "f")


async def test_what_is_under_way_keeps_its_name(rig: Rig) -> None:
    async with rig.engine(parts_per_file=1) as engine:
        number = await hold_upload(rig, engine)
        (rig.folder / "other").write_bytes(b"other")
        second = await engine.upload_file(rig.folder / "other", rig.at("big"))
        assert (await engine.wait([second]))[0].state is JobState.NEEDS_ANSWER
        await engine.cancel([number, second])


async def test_a_paused_download_keeps_its_half_file_to_itself(rig: Rig) -> None:
    await rig.op.write("a/big", b"a" * 2 * MiB)
    await rig.op.write("b/big", b"b" * 2 * MiB)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "read", 4)
        first = await engine.download_file(rig.at("a/big"), rig.folder / "big")
        await gate.reached.wait()
        await engine.pause([first])
        rig.wire.before = None
        second = await engine.download_file(
            rig.at("b/big"), rig.folder / "big", ConflictPolicy.OVERWRITE
        )
        view = (await engine.wait([second]))[0]
        assert (view.state, view.local_path) == (JobState.DONE, str(rig.folder / "big"))
        assert set((rig.folder / "big").read_bytes()) == {ord("b")}
        await engine.resume([first])
        assert (await engine.wait([first]))[0].state is JobState.NEEDS_ANSWER
        await engine.answer(first, ConflictPolicy.OVERWRITE)
        view = (await engine.wait([first]))[0]
        assert (view.state, view.resent) == (JobState.DONE, 0)
    assert (rig.folder / "big").read_bytes() == b"a" * 2 * MiB
    assert not list(rig.folder.glob(".*.dalpart"))


async def test_a_short_history_keeps_the_files_of_a_folder_under_way(rig: Rig) -> None:
    make_tree(rig.folder / "tree", 60)
    make_file(rig.folder / "tree" / "zz", 2 * MiB)
    for _ in range(3):
        async with rig.engine(history_cap=5) as engine:
            gate = Gate(rig, "write_multipart")
            if not engine.jobs():
                await engine.upload([rig.folder / "tree"], rig.at(""))
            else:
                await engine.resume([view.id for view in rig.report.interrupted])
            await gate.reached.wait()
            folder = next(view for view in engine.jobs() if view.is_folder)
            while folder.files_done < 60:
                await rig.next_event()
                folder = next(view for view in engine.jobs() if view.is_folder)
            assert (folder.files_done, folder.files_total) == (60, 61)
    rig.wire.before = None
    async with rig.engine(history_cap=5) as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        assert (await engine.wait(ids))[0].files_done == 61
    async with rig.engine(history_cap=5) as engine:
        pass
    assert rig.on_disk("SELECT count(*) FROM job")[0][0] <= 6
    assert await rig.sha("tree/zz") == sha_of(rig.folder / "tree" / "zz")


async def test_parts_that_the_server_had_joined_are_not_joined_once_more(rig: Rig) -> None:
    await rig.op.write("from", b"f" * 2 * MiB)
    options = {"copy_at_once": MiB, "copy_part": MiB}
    async with rig.engine(**options) as engine:
        gate = Gate(rig, "complete_multipart", after=True)
        ids = await engine.copy([rig.at("from")], rig.at("to/"), move=True)
        await gate.reached.wait()
    rig.wire.after = None
    async with rig.engine(**options) as engine:
        await engine.resume(ids)
        view = (await engine.wait(ids))[0]
    assert (view.state, view.error) == (JobState.DONE, "")
    assert await rig.op.read("to/from") == b"f" * 2 * MiB
    assert not await rig.op.exists("from")


async def test_an_upload_that_another_job_has_just_begun_is_not_taken_for_a_lost_one(
    rig: Rig,
) -> None:
    make_file(rig.folder / "big", 2 * MiB)
    async with rig.engine() as engine:
        gate = Gate(rig, "create_multipart")  # held before the service hears of it
        first = await engine.upload_file(rig.folder / "big", rig.at("big"))
        await gate.reached.wait()
    rig.wire.before = None
    make_file(rig.folder / "other", 2 * MiB, seed=2)
    async with rig.engine(parts_per_file=1) as engine:
        gate = Gate(rig, "write_multipart")
        second = await engine.upload_file(
            rig.folder / "other", rig.at("big"), ConflictPolicy.OVERWRITE
        )
        await gate.reached.wait()
        await engine.cancel([first])
        assert (await engine.wait([first]))[0].state is JobState.CANCELLED
        assert await rig.uploads_left() == ["big"]
        gate.open.set()
        view = (await engine.wait([second]))[0]
    assert (view.state, view.note) == (JobState.DONE, "")
    assert await rig.sha("big") == sha_of(rig.folder / "other")
    assert await rig.uploads_left() == []
