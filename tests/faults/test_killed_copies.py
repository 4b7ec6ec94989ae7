"""A copy by the server, or a move, that is killed at each of its steps, and gone on with.

What a kill leaves is the journal's file as it was committed at that moment, and the service as
it was; a second engine begins with just that. The steps are taken one by one here, the ones of
``test_killed`` by lot.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import CapabilityOverrideLayer
from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.conftest import on_service
from tests.faults.rig import MiB, Rig, make_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.transfer import JobView
    from tests.faults.conftest import Saw

PART = 5 * MiB
PARTS = PART + 1000
"""Of an object that is copied in two parts."""
SMALL, LARGE = 1000, 200_000
"""Of an object that may be read back from anywhere, and of one that may not (see ``limits``)."""


class KilledHereError(Exception):
    """Ends what goes on in a process that is dead."""


class Killed:
    """Keeps the journal as a kill at one moment leaves it; nothing of that process goes on.

    The moment is ``before`` or ``after`` the first call of an operation.
    """

    def __init__(self, rig: Rig, moment: str, operation: str) -> None:
        self._rig = rig
        self._operation = operation
        self._image = rig.folder / "image.sqlite"
        self.reached = asyncio.Event()
        setattr(rig.wire, moment, self)

    async def __call__(self, name: str, _path: str, _args: Any) -> None:
        if self.reached.is_set():
            raise KilledHereError
        if name == self._operation:
            with (
                closing(sqlite3.connect(self._rig.journal)) as now,
                closing(sqlite3.connect(self._image)) as image,
            ):
                now.backup(image)
            self.reached.set()
            await asyncio.Event().wait()

    def restore(self) -> None:
        """Put the journal back as it was at that moment."""
        self._rig.wire.before = self._rig.wire.after = None
        for path in self._rig.folder.glob("journal.sqlite*"):
            path.unlink()
        self._image.rename(self._rig.journal)


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an object of few bytes a large one."""
    monkeypatch.setattr("dalbrowser.transfer.ownership.READ_BACK", LARGE - 1)
    monkeypatch.setattr("dalbrowser.transfer.equality._STEP", LARGE // 3)


@pytest.fixture(params=["fs", "ceph"])
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over a folder, whose ETags are no digests, and over a real S3 server."""
    rig = on_service(request, request.param, tmp_path)
    rig.options = {"event_interval": 0.002, "backoff_base": 0.05}
    yield rig
    await rig.op.aclose()


@pytest.fixture
async def fs(tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over a folder."""
    (tmp_path / "store").mkdir()
    rig = Rig(tmp_path, "fs", {"root": str(tmp_path / "store")}, options={})
    yield rig
    await rig.op.aclose()


async def put(rig: Rig, size: int) -> str:
    """Write the object that is to be moved and return its SHA-256."""
    sha = make_file(rig.folder / "source.bin", size)
    await rig.op.write("from/1.bin", (rig.folder / "source.bin").read_bytes())
    return sha


async def kill(
    rig: Rig,
    moment: str,
    operation: str,
    *,
    policy: ConflictPolicy = ConflictPolicy.ASK,
    move: bool = True,
) -> None:
    """Begin the move and kill it at a moment."""
    killed = Killed(rig, moment, operation)
    async with rig.engine() as engine:
        await engine.copy([rig.at("from/1.bin")], rig.at("to/"), policy, move=move)
        await asyncio.wait_for(killed.reached.wait(), 20)
    killed.restore()
    rig.wire.calls.clear()


async def go_on(rig: Rig) -> JobView:
    """Be the next process and return how the move ended."""
    async with rig.engine() as engine:
        ids = [view.id for view in rig.report.interrupted]
        await engine.resume(ids)
        (view,) = await engine.wait(ids)
    return view


async def require_moved(rig: Rig, sha: str) -> None:
    assert await rig.sha("to/1.bin") == sha
    assert not await rig.op.exists("from/1.bin")
    entries = await rig.op.list("", recursive=True)
    assert [entry.path for entry in entries if entry.metadata.is_file] == ["to/1.bin"]
    assert await rig.uploads_left() == []


MOMENTS = [
    pytest.param(("before", "copy"), id="before the request"),
    pytest.param(("after", "copy"), id="after it landed"),
    pytest.param(("before", "delete"), id="before the delete"),
    pytest.param(("after", "delete"), id="after the delete"),
]


@pytest.mark.fault("SIGKILL at each step of a move by one request")
@pytest.mark.parametrize("size", [0, SMALL, LARGE])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_by_one_request(service: Rig, size: int, moment: tuple[str, str], saw: Saw) -> None:
    sha = await put(service, size)
    await kill(service, *moment)
    view = await go_on(service)
    saw(view)
    assert view.state is JobState.DONE, view.error
    assert service.wire.count("copy") == int(moment == ("before", "copy"))
    # What was verified before is known by its ETag.
    assert moment[1] == "copy" or service.wire.count("read") == 0
    await require_moved(service, sha)


@pytest.mark.fault("SIGKILL at each step of a move in parts by the server")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", ["create_multipart", "complete_multipart", "delete"])
async def test_in_parts_by_the_server(service: Rig, moment: str, operation: str, saw: Saw) -> None:
    service.options |= {"copy_at_once": PART, "copy_part": PART}
    sha = await put(service, PARTS)
    await kill(service, moment, operation)
    view = await go_on(service)
    saw(view)
    assert view.state is JobState.DONE, view.error
    # What had been begun goes on, and what had been joined is not copied once more.
    anew = (moment, operation) == ("before", "create_multipart")
    assert service.wire.count("create_multipart") == int(anew)
    await require_moved(service, sha)


@pytest.mark.fault("SIGKILL at each step of a move through this machine")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", ["complete_multipart", "delete"])
async def test_through_this_machine(service: Rig, moment: str, operation: str, saw: Saw) -> None:
    service.options |= {"multipart_above": PART, "part_floor": PART}
    sha = await put(service, PARTS)
    service.op = service.op.layer(CapabilityOverrideLayer(copy=False))
    await kill(service, moment, operation)
    view = await go_on(service)
    saw(view)
    assert view.state is JobState.DONE, view.error
    await require_moved(service, sha)


@pytest.mark.fault("SIGKILL after a copy landed, and somebody else wrote there")
@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("operation", ["copy", "delete"])
async def test_what_somebody_else_wrote_there_meanwhile_is_asked_about(
    service: Rig, size: int, operation: str, saw: Saw
) -> None:
    await put(service, size)
    moment = "after" if operation == "copy" else "before"
    await kill(service, moment, operation)
    other = b"x" * size
    await service.op.write("to/1.bin", other)
    view = await go_on(service)
    saw(view)
    assert view.state is JobState.NEEDS_ANSWER
    assert "exists already" in view.error
    assert await service.op.read("to/1.bin") == other
    assert await service.op.exists("from/1.bin")


@pytest.mark.fault("SIGKILL after a copy landed, and its source changed")
async def test_an_older_copy_of_a_source_that_changed_is_asked_about(fs: Rig, saw: Saw) -> None:
    await put(fs, LARGE)
    await kill(fs, "after", "copy")
    await fs.op.write("from/1.bin", b"y" * LARGE)
    view = await go_on(fs)
    saw(view)
    assert view.state is JobState.NEEDS_ANSWER
    assert await fs.op.read("from/1.bin") == b"y" * LARGE


@pytest.mark.fault("SIGKILL before the deletion of a moved object, which then changed")
@pytest.mark.parametrize("size", [0, SMALL])
async def test_a_source_that_changed_before_its_deletion_stays(
    service: Rig, size: int, saw: Saw
) -> None:
    sha = await put(service, size)
    await kill(service, "before", "delete")
    await service.op.write("from/1.bin", b"newer")
    view = await go_on(service)
    saw(view)
    assert view.state is JobState.SOURCE_CHANGED
    assert await service.op.read("from/1.bin") == b"newer"
    assert await service.sha("to/1.bin") == sha


@pytest.mark.fault(
    "SIGKILL before a copy, and somebody else made the same bytes with other headers"
)
async def test_equal_bytes_that_were_never_asked_for_and_have_other_headers_are_not_ours(
    fs: Rig, saw: Saw
) -> None:
    await put(fs, SMALL)
    await kill(fs, "before", "copy")
    data = (fs.folder / "source.bin").read_bytes()
    await fs.op.write("to/1.bin", data, content_type="text/x-other")
    view = await go_on(fs)
    saw(view)
    assert view.state is JobState.NEEDS_ANSWER
    assert (await fs.op.stat("to/1.bin")).content_type == "text/x-other"
    assert await fs.op.exists("from/1.bin")


@pytest.mark.fault("SIGKILL after a copy landed, over a wire and with ETags that are no digests")
@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("limit", [LARGE, LARGE - 1])
async def test_over_a_wire_both_are_read_up_to_a_limit(
    fs: Rig, size: int, limit: int, saw: Saw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dalbrowser.transfer.equality.READ_BOTH", limit)
    sha = await put(fs, size)
    await kill(fs, "after", "copy")
    object.__setattr__(fs.op.info(), "local", False)
    view = await go_on(fs)
    saw(view)
    if size <= limit:
        assert view.words == "done (verified (md5))", view.error
        await require_moved(fs, sha)
        return
    assert view.state is JobState.NEEDS_ANSWER
    assert "may be what an earlier try of this transfer made" in view.error
    assert fs.wire.count("read") == 0
    assert await fs.op.exists("from/1.bin")


@pytest.mark.fault("SIGKILL after a copy landed on this machine, of any size")
async def test_on_this_machine_both_are_read_whatever_their_size(
    fs: Rig, saw: Saw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dalbrowser.transfer.equality.READ_BOTH", 1)
    monkeypatch.setattr("dalbrowser.transfer.ownership.READ_BACK", 1)
    sha = await put(fs, LARGE)
    await kill(fs, "after", "copy")
    view = await go_on(fs)
    saw(view)
    assert view.words == "done (verified (md5))", view.error
    await require_moved(fs, sha)


async def test_that_a_large_copy_was_asked_for_is_on_disk_before_it_is(fs: Rig) -> None:
    await put(fs, LARGE)
    seen: list[Any] = []

    async def look(name: str, _path: str, _args: Any) -> None:
        if name == "copy":
            seen.extend(fs.on_disk("SELECT sent FROM job"))

    fs.wire.before = look
    async with fs.engine() as engine:
        await engine.wait(await engine.copy([fs.at("from/1.bin")], fs.at("to/")))
    assert seen == [(1,)]


async def test_small_copies_share_their_commits(fs: Rig) -> None:
    for number in range(100):
        await fs.op.write(f"from/{number}", b"bytes")
    async with fs.engine() as engine:
        ids = await engine.copy([fs.at("from/")], fs.at("to/"))
        (view,) = await engine.wait(ids)
        commits = engine._journal.commits
    assert view.state is JobState.DONE, view.error
    assert fs.wire.count("copy") == 100
    assert commits < 50


@pytest.mark.parametrize("act", ["pause", "cancel"])
async def test_reading_both_can_be_stopped(fs: Rig, act: str) -> None:
    sha = await put(fs, LARGE)
    await kill(fs, "after", "copy")
    reading, seen = asyncio.Event(), list[int]()

    async def hold(name: str, _path: str, _args: Any) -> None:
        if name == "read" and fs.wire.count("read") == 4:
            reading.set()
            await asyncio.Event().wait()

    fs.wire.before = hold
    async with fs.engine() as engine:
        ids = [view.id for view in fs.report.interrupted]
        await engine.resume(ids)
        await asyncio.wait_for(reading.wait(), 20)
        (view,) = engine.jobs()
        seen.append(view.done)
        assert view.state is JobState.VERIFYING
        await asyncio.wait_for(getattr(engine, act)(ids), 10)
        fs.wire.before = None
        (view,) = engine.jobs()
        assert view.state is (JobState.PAUSED if act == "pause" else JobState.CANCELLED)
        if act == "pause":
            await engine.resume(ids)
            (view,) = await engine.wait(ids)
            assert view.state is JobState.DONE, view.error
            await require_moved(fs, sha)
    assert seen == [LARGE // 3]
    assert fs.wire.count("copy") == 0
    assert act == "pause" or await fs.op.exists("from/1.bin")
