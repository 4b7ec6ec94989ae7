"""A network that spoils one exchange in five: everything arrives, nothing is corrupt."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator, RetryLayer
from dalbrowser.transfer import JobState
from tests.faults.proxy import FAULTS, spoiling
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.servers.rclone import rclone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.s3_server import S3Server

PART = 5 * MiB
OPTIONS = {
    "part_floor": PART,
    "multipart_above": PART,
    "ranges_above": 2 * MiB,
    "range_size": 1 * MiB,
    "backoff_base": 0.02,
    "backoff_cap": 0.2,
    "attempts": 30,
}


@pytest.mark.parametrize("retries", [True, False], ids=["with retry layer", "without"])
async def test_one_exchange_in_five_is_spoiled(
    rclone_s3: S3Server, rclone_bucket: str, tmp_path: Path, retries: bool
) -> None:
    async with spoiling(rclone_s3.endpoint, 0.2, seed=7) as proxy:
        server = dataclasses.replace(rclone_s3, endpoint=proxy.endpoint)
        config = server.operator_config(rclone_bucket)
        rig = Rig(tmp_path, "s3", config, rclone_bucket, dict(OPTIONS))
        if retries:
            rig.op = rig.op.layer(RetryLayer())
        (tmp_path / "tree").mkdir()
        shas = {"big": make_file(tmp_path / "tree" / "big", 6 * PART + 11)}
        for number in range(30):
            name = f"f{number:02}"
            shas[name] = make_file(tmp_path / "tree" / name, 1000 + number, number)
        async with rig.engine() as engine:
            ids = await engine.upload([tmp_path / "tree"], rig.at(""))
            view = (await engine.wait(ids))[0]
            rows = [v for v in engine.jobs() if v.state is not JobState.DONE]
            assert rows == [], [(v.name, v.state, v.error) for v in rows]
            (tmp_path / "here").mkdir()
            ids = await engine.download([(rig.at("tree/"), None)], tmp_path / "here")
            view = (await engine.wait(ids))[0]
            assert (view.state, view.files_done) == (JobState.DONE, 31), view.error
            files = [v for v in engine.jobs() if not v.is_folder]
        await rig.op.aclose()
    assert set(proxy.spoiled) >= set(FAULTS), proxy.spoiled
    if not retries:
        assert sum(view.attempts for view in files) > 5
    assert all(view.integrity == "verified (md5)" for view in files)
    assert {path.name: sha_of(path) for path in (tmp_path / "here" / "tree").iterdir()} == shas
    direct = Rig(tmp_path / "here", "s3", rclone_s3.operator_config(rclone_bucket), rclone_bucket)
    for name, sha in shas.items():
        assert await direct.sha(f"tree/{name}") == sha
    assert await direct.uploads_left() == []
    await direct.op.aclose()


async def test_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    sha = make_file(tmp_path / "big", 4 * PART)
    with rclone(folder=data) as server:
        config = server.operator_config("bucket")
        (data / "bucket").mkdir(exist_ok=True)
        port = int(server.endpoint.rsplit(":", 1)[1])
        rig = Rig(tmp_path, "s3", config, "bucket", dict(OPTIONS))
    # Nobody answers now; the job waits for the network, and goes on once it is there.
    async with rig.engine() as engine:
        number = await engine.upload_file(tmp_path / "big", rig.at("big"))
        while JobState.WAITING_NETWORK not in {v.state for v in engine.jobs()}:
            await rig.next_event()
        with rclone(folder=data, port=port) as server:
            await rig.op.aclose()
            rig.op = Operator("s3", **server.operator_config("bucket"))
            view = (await engine.wait([number]))[0]
            assert view.words == "done (verified (md5))", view.error
            assert await rig.sha("big") == sha
            await rig.op.aclose()
