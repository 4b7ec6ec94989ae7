"""A network that spoils one exchange in five: everything arrives, nothing is corrupt.

``DALBROWSER_FAULT_SEED`` begins another lot of what is spoiled.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator, RetryLayer
from dalbrowser.transfer import JobState
from tests.faults.proxy import EXPIRED, FAULTS, spoiling
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.servers.rclone import rclone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Saw
    from tests.servers.s3_server import S3Server

USUAL = 7
SEED = int(os.environ.get("DALBROWSER_FAULT_SEED", USUAL))
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


@pytest.mark.fault("one exchange in five is reset, cut, late, lost, 500, 503, 429", on="rclone")
@pytest.mark.parametrize("retries", [True, False], ids=["with retry layer", "without"])
async def test_one_exchange_in_five_is_spoiled(
    rclone_s3: S3Server, rclone_bucket: str, tmp_path: Path, retries: bool, saw: Saw
) -> None:
    async with spoiling(rclone_s3.endpoint, 0.2, seed=SEED) as proxy:
        server = dataclasses.replace(rclone_s3, endpoint=proxy.endpoint)
        config = server.operator_config(rclone_bucket)
        rig = Rig(tmp_path, "s3", config, rclone_bucket, dict(OPTIONS))
        if retries:
            rig.op = rig.op.layer(RetryLayer())
        shas = make_tree(tmp_path / "tree")
        async with rig.engine() as engine:
            ids = await engine.upload([tmp_path / "tree"], rig.at(""))
            await engine.wait(ids)
            rows = [v for v in engine.jobs() if v.state is not JobState.DONE]
            assert rows == [], [(v.name, v.state, v.error) for v in rows]
            (tmp_path / "here").mkdir()
            ids = await engine.download([(rig.at("tree/"), None)], tmp_path / "here")
            view = (await engine.wait(ids))[0]
            assert (view.state, view.files_done) == (JobState.DONE, len(shas)), view.error
            files = [v for v in engine.jobs() if not v.is_folder]
        await rig.op.aclose()
    if SEED == USUAL:
        assert set(proxy.spoiled) >= set(FAULTS), proxy.spoiled
    # Whoever repeats a request, the engine or the layer below it: the row counts it.
    again = sum(view.attempts for view in files)
    assert again > 5, proxy.spoiled
    assert all(view.integrity == "verified (md5)" for view in files)
    assert {path.name: sha_of(path) for path in (tmp_path / "here" / "tree").iterdir()} == shas
    await require_whole(rclone_s3, rclone_bucket, tmp_path / "here", shas)
    saw(files[0])
    saw("all whole, retries counted")


def make_tree(folder: Path) -> dict[str, str]:
    """One large file and thirty small ones; returns their digests by name."""
    folder.mkdir()
    shas = {"big": make_file(folder / "big", 6 * PART + 11)}
    for number in range(30):
        name = f"f{number:02}"
        shas[name] = make_file(folder / name, 1000 + number, number)
    return shas


async def require_whole(server: S3Server, bucket: str, folder: Path, shas: dict[str, str]) -> None:
    """See over an undisturbed link what the server holds."""
    direct = Rig(folder, "s3", server.operator_config(bucket), bucket)
    for name, sha in shas.items():
        assert await direct.sha(f"tree/{name}") == sha
    assert await direct.uploads_left() == []
    await direct.op.aclose()


@pytest.mark.fault("with one exchange in five the credentials expire, until renewed", on="rclone")
async def test_credentials_that_expire_again_and_again(
    rclone_s3: S3Server, rclone_bucket: str, tmp_path: Path, saw: Saw
) -> None:
    # Few at once: keys that end after five requests let sixteen jobs look, and none send.
    async with spoiling(rclone_s3.endpoint, 0.2, seed=SEED, faults=(EXPIRED,)) as proxy:
        server = dataclasses.replace(rclone_s3, endpoint=proxy.endpoint)
        config = server.operator_config(rclone_bucket)
        rig = Rig(tmp_path, "s3", {**config, "session_token": "0"}, rclone_bucket, dict(OPTIONS))
        rig.op = rig.op.layer(RetryLayer())
        shas = make_tree(tmp_path / "tree")
        async with rig.engine(small_files=1, large_files=1, parts_per_file=2) as engine:
            ids = await engine.upload([tmp_path / "tree"], rig.at(""))
            view, renewed, before = (await engine.wait(ids))[0], 0, list[Operator]()
            for waiting in [v for v in engine.jobs() if v.state is JobState.WAITING_CREDENTIALS][
                :1
            ]:
                saw(waiting)
            while view.state is not JobState.DONE:
                wrong = [v.error for v in engine.jobs() if v.state is JobState.FAILED]
                assert wrong == []
                renewed += 1
                assert renewed < 100
                before.append(rig.op)
                rig.op = Operator("s3", **{**config, "session_token": str(renewed)})
                await engine.resume(ids)
                view = (await engine.wait(ids))[0]
            saw(view)
        for op in (*before, rig.op):
            await op.aclose()
    assert len(proxy.expired) >= renewed > 2
    (tmp_path / "here").mkdir()
    await require_whole(rclone_s3, rclone_bucket, tmp_path / "here", shas)
    saw("all whole")


@pytest.mark.fault("nobody answers, later the server is back", on="rclone")
async def test_server_that_goes_away_and_comes_back(tmp_path: Path, saw: Saw) -> None:
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
        saw(next(v for v in engine.jobs() if v.state is JobState.WAITING_NETWORK))
        with rclone(folder=data, port=port) as server:
            await rig.op.aclose()
            rig.op = Operator("s3", **server.operator_config("bucket"))
            view = (await engine.wait([number]))[0]
            assert view.words == "done (verified (md5))", view.error
            saw(view)
            assert await rig.sha("big") == sha
            await rig.op.aclose()
