"""A transfer whose process is killed with SIGKILL, several times, at moments drawn by lot.

``DALBROWSER_KILLS`` sets how many kills each test makes in all (4 by default).
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
    from tests.servers.s3_server import S3Server

KILLS = int(os.environ.get("DALBROWSER_KILLS", "4"))
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

    def __init__(self, rig: Rig, action: str, path: str, key: str) -> None:
        self.rig = rig
        self.lot = random.Random(f"{action}-{rig.scheme}")
        plan = {
            "scheme": rig.scheme,
            "config": rig.config,
            "bucket": rig.bucket,
            "options": OPTIONS,
            "action": action,
            "path": path,
            "key": key,
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

    async def until_done(self) -> dict[str, Any]:
        """Kill it again and again, then let it end."""
        said: dict[str, Any] | None = None
        for _ in range(KILLS):
            said = await self.run(kill_after=self.lot.randrange(0, 6))
            if said is not None:
                return said
            self.after_kill()
        said = await self.run(kill_after=None)
        assert said is not None
        return said

    def after_kill(self) -> None:
        """What must hold after every kill."""


class DownloadStory(Story):
    target: Path

    def after_kill(self) -> None:
        assert not self.target.exists() or self.target.stat().st_size == SIZE


@pytest.fixture(params=["fs", "rclone"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """A rig over a folder, and over a real S3 server."""
    if request.param == "fs":
        (tmp_path / "store").mkdir()
        return Rig(tmp_path, "fs", {"root": str(tmp_path / "store")})
    server: S3Server = request.getfixturevalue("rclone_s3")
    bucket: str = request.getfixturevalue("rclone_bucket")
    return Rig(tmp_path, "s3", server.operator_config(bucket), bucket)


async def test_upload(service: Rig) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    story = Story(service, "upload", str(service.folder / "big.bin"), "up/big.bin")

    said = await story.until_done()

    assert said["state"] == "done", said
    assert said["resent"] <= KILLS * IN_FLIGHT * PART, said
    assert await service.sha("up/big.bin") == sha
    assert await service.uploads_left() == []
    await service.op.aclose()


async def test_one_kill_sends_again_at_most_what_was_in_flight(service: Rig) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    story = Story(service, "upload", str(service.folder / "big.bin"), "up/big.bin")

    assert await story.run(kill_after=4) is None
    said = await story.run(kill_after=None)

    assert said is not None
    assert said["state"] == "done", said
    assert said["resent"] <= IN_FLIGHT * PART, said
    assert await service.sha("up/big.bin") == sha
    assert await service.uploads_left() == []
    await service.op.aclose()


async def test_download(service: Rig) -> None:
    sha = make_file(service.folder / "big.bin", SIZE)
    await service.op.write("big.bin", (service.folder / "big.bin").read_bytes())
    target = service.folder / "here" / "big.bin"
    target.parent.mkdir()
    story = DownloadStory(service, "download", str(target), "big.bin")
    story.target = target

    said = await story.until_done()

    assert said["state"] == "done", said
    assert sha_of(target) == sha
    assert [path.name for path in target.parent.iterdir()] == ["big.bin"]
    await service.op.aclose()
