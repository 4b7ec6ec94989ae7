"""A transfer whose process is killed with SIGKILL, several times, at moments drawn by lot.

``DALBROWSER_KILLS`` sets how many kills each test makes in all (by default 2 of a command
and 1 of a window), ``DALBROWSER_KILL_SERVICES`` on which services (``fs,ceph``;
``rclone`` is the third),
``DALBROWSER_KILL_PROCESSES`` of whom (``command,window``: the engine on a process's own
loop, or in its thread behind a window), ``DALBROWSER_KILL_SEED`` begins another lot.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.conftest import on_service
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.conftest import Saw

ASKED = os.environ.get("DALBROWSER_KILLS")
KILLS = {name: int(ASKED or few) for name, few in (("command", 2), ("window", 1))}
SERVICES = os.environ.get("DALBROWSER_KILL_SERVICES", "fs,ceph").split(",")
PROCESSES = os.environ.get("DALBROWSER_KILL_PROCESSES", "command,window").split(",")
PART = 5 * MiB
SIZE = 8 * PART + 12345
IN_FLIGHT = 4
OPTIONS: dict[str, Any] = {
    "part_floor": PART,
    "range_size": 2 * MiB,
    "ranges_above": 4 * MiB,
    "event_interval": 0.002,
    "backoff_base": 0.05,
}
ROOT = Path(__file__).parents[2]


class Story:
    """One transfer under the driver, begun, killed, gone on with."""

    lines = 9
    """It is killed before it has told so many things; about as many as it tells."""

    lot = random.Random(os.environ.get("DALBROWSER_KILL_SEED", "4"))

    def __init__(
        self,
        rig: Rig,
        action: str,
        *,
        path: str,
        key: str,
        process: str = "command",
        streamed: bool = False,
    ) -> None:
        self.rig = rig
        self.path = path
        self.key = key
        self.kills = 0
        plan = {
            "scheme": rig.scheme,
            "config": rig.config,
            "bucket": rig.bucket,
            "options": OPTIONS,
            "action": action,
            "path": path,
            "key": key,
            "streamed": streamed,
            "process": process,
        }
        (rig.folder / "driver.json").write_text(json.dumps(plan))

    async def run(self, *, kill_after: int | None) -> dict[str, Any] | None:
        """Run the driver; kill it some lines later, or let it end and return what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.driver", str(self.rig.folder),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        said: dict[str, Any] | None = None
        lines = 0
        async for line in process.stdout:
            if line.startswith(b"{"):
                said = json.loads(line)
            lines += 1
            if kill_after is not None and lines > kill_after:
                # Between two events, too.
                await asyncio.sleep(self.lot.random() * 0.02)
                if process.returncode is None:
                    process.kill()
                break
        await process.stdout.read()
        code = await process.wait()
        assert said is not None or code == -signal.SIGKILL, f"it ended by itself, with {code}"
        return said

    async def until_done(self, most: int) -> dict[str, Any]:
        """Kill it again and again, at most ``most`` times, then let it end."""
        while self.kills < most:
            said = await self.run(kill_after=self.lot.randrange(0, self.lines))
            if said is not None:
                return said
            self.kills += 1
            self.after_kill()
            await self.after_kill_remote()
        said = await self.run(kill_after=None)
        assert said is not None
        return said

    def after_kill(self) -> None:
        """What must hold here after every kill."""

    async def after_kill_remote(self) -> None:
        """What must hold on the service after every kill."""


class DownloadStory(Story):
    def after_kill(self) -> None:
        target = Path(self.path)
        assert not target.exists() or target.stat().st_size == SIZE


class MoveStory(Story):
    lines = 4

    async def after_kill_remote(self) -> None:
        """The source may be gone only when the target is whole."""
        if not await self.rig.op.exists(self.key):
            name = self.key.rpartition("/")[2]
            assert (await self.rig.op.stat(self.path + name)).content_length == SIZE


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over a folder, and over real S3 servers."""
    rig = on_service(request, request.param, tmp_path)
    yield rig
    await rig.op.aclose()


@pytest.fixture(params=PROCESSES)
def process(request: pytest.FixtureRequest) -> str:
    """Who is killed: a command, or the window with its engine's thread."""
    return str(request.param)


@pytest.mark.fault("SIGKILL during an upload")
async def test_upload(service: Rig, process: str, saw: Saw) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    wanted, kills, number = KILLS[process], 0, 0
    while kills < wanted:
        number += 1
        path, key = service.folder / f"{number}.bin", f"up/{number}.bin"
        path.hardlink_to(service.folder / "big.bin")
        story = Story(service, "upload", path=str(path), key=key, process=process)

        said = await story.until_done(wanted - kills)

        assert said["state"] == "done", said
        assert said["resent"] <= story.kills * IN_FLIGHT * PART, said
        assert await service.sha(key) == sha
        assert await service.uploads_left() == []
        kills += story.kills
        saw(words(said))
    saw(f"{process}: {kills} kills, {number} files whole, no upload left")


@pytest.mark.fault("SIGKILL once, in the middle of an upload")
async def test_one_kill_sends_again_at_most_what_was_in_flight(service: Rig, saw: Saw) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    story = Story(service, "upload", path=str(service.folder / "big.bin"), key="up/big.bin")

    assert await story.run(kill_after=4) is None
    said = await story.run(kill_after=None)

    assert said is not None
    assert said["state"] == "done", said
    assert said["resent"] <= IN_FLIGHT * PART, said
    assert await service.sha("up/big.bin") == sha
    assert await service.uploads_left() == []
    saw(words(said) + ", at most what was in flight sent again")


@pytest.mark.fault("SIGKILL during a download")
async def test_download(service: Rig, process: str, saw: Saw) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    await service.op.write("big.bin", (service.folder / "big.bin").read_bytes())
    wanted, kills, number = KILLS[process], 0, 0
    while kills < wanted:
        number += 1
        folder = service.folder / f"here{number}"
        folder.mkdir()
        target = folder / "big.bin"
        story = DownloadStory(service, "download", path=str(target), key="big.bin", process=process)

        said = await story.until_done(wanted - kills)

        assert said["state"] == "done", said
        assert sha_of(target) == sha
        target.unlink()
        assert list(folder.iterdir()) == []
        kills += story.kills
        saw(words(said))
    saw(f"{process}: {kills} kills, {number} files whole, no half file")


@pytest.mark.fault("SIGKILL during a move on the server")
async def test_move(service: Rig, process: str, saw: Saw) -> None:
    await moves(service, saw, process, streamed=False)


@pytest.mark.fault("SIGKILL during a move through this machine")
async def test_streamed_move(service: Rig, saw: Saw) -> None:
    await moves(service, saw, "command", streamed=True)


async def moves(service: Rig, saw: Saw, process: str, *, streamed: bool) -> None:
    """Move files until enough processes were killed over it."""
    sha = make_file(service.folder / "big.bin", SIZE)
    wanted, kills, number = KILLS[process], 0, 0
    while kills < wanted:
        number += 1
        key = f"from/{number}.bin"
        await service.op.write(key, (service.folder / "big.bin").read_bytes())
        story = MoveStory(service, "move", path="to/", key=key, streamed=streamed, process=process)

        said = await story.until_done(wanted - kills)

        assert said["state"] == "done", said
        assert await service.sha(f"to/{number}.bin") == sha
        assert not await service.op.exists(key)
        assert await service.uploads_left() == []
        kills += story.kills
        saw(words(said))
    saw(f"{process}: {kills} kills, {number} objects whole, no source gone early")


def words(said: dict[str, Any]) -> str:
    """Return how the driver says that it ended."""
    return f"{said['state']} ({said['integrity']})" if said["integrity"] else str(said["state"])
