"""Rate limits on the wire: kept both ways over HTTP, and lifted in the middle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.transfer import ConflictPolicy, JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.s3_server import S3Server

PART = 5 * MiB
OPTIONS = {"part_floor": PART, "multipart_above": PART, "ranges_above": 2 * MiB}


async def test_the_limits_are_kept_and_lifted(
    rclone_s3: S3Server, rclone_bucket: str, tmp_path: Path
) -> None:
    rig = Rig(
        tmp_path, "s3", rclone_s3.operator_config(rclone_bucket), rclone_bucket, dict(OPTIONS)
    )
    sha = make_file(tmp_path / "file", 2 * PART)
    clock = asyncio.get_running_loop().time
    async with rig.engine(limit_up=8 * MiB, limit_down=10 * MiB) as engine:
        begun = clock()
        number = await engine.upload_file(
            tmp_path / "file", rig.at("file"), ConflictPolicy.OVERWRITE
        )
        assert (await engine.wait([number]))[0].state is JobState.DONE
        # Ten MiB at eight a second; a little may have passed at once.
        assert clock() - begun > 1.0
        begun = clock()
        number = await engine.download_file(rig.at("file"), tmp_path / "here")
        assert (await engine.wait([number]))[0].state is JobState.DONE
        assert clock() - begun > 0.8
        await engine.set_rate_limits(256 * 1024, None)
        number = await engine.upload_file(
            tmp_path / "file", rig.at("again"), ConflictPolicy.OVERWRITE
        )
        assert not engine.jobs()[-1].state.is_settled
        await engine.set_rate_limits(None, None)
        async with asyncio.timeout(20):
            assert (await engine.wait([number]))[0].state is JobState.DONE
    await rig.op.aclose()
    assert sha_of(tmp_path / "here") == sha
