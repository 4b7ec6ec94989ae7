"""A transfer whose process is killed with SIGKILL, several times, at moments drawn by lot.

``DALBROWSER_KILLS`` sets how many kills each test makes in all (3 by default), and
``DALBROWSER_KILL_SERVICES`` on which services (``fs,rclone``; ``ceph`` is the third).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.s3_server import S3Server

KILLS = int(os.environ.get("DALBROWSER_KILLS", "3"))
SERVICES = os.environ.get("DALBROWSER_KILL_SERVICES", "fs,rclone").split(",")
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

    lot = random.Random(4)

    def __init__(
        self, rig: Rig, action: str, *, path: str, key: str, streamed: bool = False
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
        await process.wait()
        return said

    async def until_done(self, most: int) -> dict[str, Any]:
        """Kill it again and again, at most ``most`` times, then let it end."""
        while self.kills < most:
            said = await self.run(kill_after=self.lot.randrange(0, 6))
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
    async def after_kill_remote(self) -> None:
        """The source may be gone only when the target is whole."""
        if not await self.rig.op.exists(self.key):
            name = self.key.rpartition("/")[2]
            assert (await self.rig.op.stat(self.path + name)).content_length == SIZE


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over a folder, and over real S3 servers."""
    if request.param == "fs":
        (tmp_path / "store").mkdir()
        rig = Rig(tmp_path, "fs", {"root": str(tmp_path / "store")})
    else:
        server: S3Server = request.getfixturevalue(f"{request.param}_s3")
        bucket: str = request.getfixturevalue(f"{request.param}_bucket")
        rig = Rig(tmp_path, "s3", server.operator_config(bucket), bucket)
    yield rig
    await rig.op.aclose()


async def test_upload(service: Rig) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    kills = number = 0
    while kills < KILLS:
        number += 1
        key = f"up/{number}.bin"
        story = Story(service, "upload", path=str(service.folder / "big.bin"), key=key)

        said = await story.until_done(KILLS - kills)

        assert said["state"] == "done", said
        assert said["resent"] <= story.kills * IN_FLIGHT * PART, said
        assert await service.sha(key) == sha
        assert await service.uploads_left() == []
        kills += story.kills


async def test_one_kill_sends_again_at_most_what_was_in_flight(service: Rig) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    story = Story(service, "upload", path=str(service.folder / "big.bin"), key="up/big.bin")

    assert await story.run(kill_after=4) is None
    said = await story.run(kill_after=None)

    assert said is not None
    assert said["state"] == "done", said
    assert said["resent"] <= IN_FLIGHT * PART, said
    assert await service.sha("up/big.bin") == sha
    assert await service.uploads_left() == []


async def test_download(service: Rig) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    await service.op.write("big.bin", (service.folder / "big.bin").read_bytes())
    folder = service.folder / "here"
    folder.mkdir()
    kills = number = 0
    while kills < KILLS:
        number += 1
        target = folder / f"{number}.bin"
        story = DownloadStory(service, "download", path=str(target), key="big.bin")

        said = await story.until_done(KILLS - kills)

        assert said["state"] == "done", said
        assert sha_of(target) == sha
        target.unlink()
        assert list(folder.iterdir()) == []
        kills += story.kills


@pytest.mark.parametrize("streamed", [False, True], ids=["by the server", "streamed"])
async def test_move(service: Rig, streamed: bool) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    kills = number = 0
    while kills < KILLS:
        number += 1
        key = f"from/{number}.bin"
        await service.op.write(key, (service.folder / "big.bin").read_bytes())
        story = MoveStory(service, "move", path="to/", key=key, streamed=streamed)

        said = await story.until_done(KILLS - kills)

        assert said["state"] == "done", said
        assert await service.sha(f"to/{number}.bin") == sha
        assert not await service.op.exists(key)
        assert await service.uploads_left() == []
        kills += story.kills
