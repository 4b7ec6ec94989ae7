"""Uploads that a real server refuses before anything of them exists: cancelling ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import JobState
from tests.faults.rig import MiB, Rig, make_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Saw
    from tests.servers.s3_server import S3Server

WRONG: dict[str, dict[str, str]] = {
    "bucket": {"bucket": "no-such-bucket-here"},
    "secret": {"secret_access_key": "not-the-secret"},
    "endpoint": {"endpoint": "http://127.0.0.1:9"},
}


@pytest.mark.fault("an upload is refused from the start, and cancelled", on="rclone")
@pytest.mark.parametrize("wrong", list(WRONG))
async def test_cancelled_at_once(
    rclone_s3: S3Server, rclone_bucket: str, tmp_path: Path, wrong: str, saw: Saw
) -> None:
    config = {**rclone_s3.operator_config(rclone_bucket), **WRONG[wrong]}
    rig = Rig(tmp_path, "s3", config, config["bucket"])
    make_file(tmp_path / "big", 2 * MiB)
    async with rig.engine(patience=0.0) as engine:
        number = await engine.upload_file(tmp_path / "big", rig.at("big"))
        view = (await engine.wait([number]))[0]
        assert view.state in (JobState.FAILED, JobState.WAITING_CREDENTIALS), view.words
        saw(f"wrong {wrong}: {view.words}")
        for _ in range(2 if wrong == "endpoint" else 1):
            await engine.cancel([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.CANCELLED, view.error
    saw(view)
    assert rig.on_disk("SELECT * FROM upload") == []
    await rig.op.aclose()
