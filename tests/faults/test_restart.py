"""The server's process dies in the middle of a transfer and is started again on its port."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from dalbrowser.transfer import JobState
from tests.faults.rig import MiB, Rig, make_file, sha_of
from tests.servers.raw import RawS3
from tests.servers.rclone import rclone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from dalbrowser.transfer import JobView
    from tests.faults.conftest import Saw
    from tests.servers.ceph import Ceph

PART = 5 * MiB
SIZE = 3 * PART + 77
OPTIONS = {
    "part_floor": PART,
    "multipart_above": PART,
    "ranges_above": PART,
    "range_size": PART,
    "parts_per_file": 2,
    "backoff_base": 0.05,
    "backoff_cap": 0.2,
}


async def both_ways(
    rig: Rig,
    saw: Saw,
    kill: Callable[[], Awaitable[object]],
    start: Callable[[], Awaitable[object]],
) -> None:
    """Kill the server in an upload, then in a download; each waits, and goes on."""
    sha = make_file(rig.folder / "big", SIZE)
    rig.wire.before = None
    for operation, begin in (("write_multipart", "up"), ("read", "down")):
        rig.meanwhile(operation, 2, kill)
        async with rig.engine() as engine:
            if begin == "up":
                number = await engine.upload_file(rig.folder / "big", rig.at("big"))
            else:
                number = await engine.download_file(rig.at("big"), rig.folder / "copy")

            def job(number: int = number) -> JobView:
                return next(view for view in engine.jobs() if view.id == number)

            while job().state not in (JobState.WAITING_NETWORK, JobState.RETRYING):
                assert job().state.is_active, job().error
                await rig.next_event()
            waiting = job()
            assert waiting.error, "a person must read why it waits"
            saw(waiting.state.word)
            await start()
            view = (await engine.wait([number]))[0]
        assert view.state is JobState.DONE, view.error
        assert view.attempts > 0
        saw(view)
    assert await rig.sha("big") == sha
    assert sha_of(rig.folder / "copy") == sha
    assert await rig.uploads_left() == []


@pytest.mark.fault("the server is killed and starts again, up and down", on="ceph")
async def test_gateway(ceph_cluster: Ceph, tmp_path: Path, saw: Saw) -> None:
    with RawS3(ceph_cluster.http) as raw:
        raw.create_bucket("restart")
    config = ceph_cluster.http.operator_config("restart")
    rig = Rig(tmp_path, "s3", config, "restart", dict(OPTIONS))
    gateway = ceph_cluster.gateway

    async def start() -> None:
        # On this thread: it ends with the one that started it, and other tests go on with it.
        gateway.start()

    try:
        await both_ways(rig, saw, lambda: asyncio.to_thread(gateway.kill), start)
    finally:
        await rig.op.aclose()


@pytest.mark.fault("the server is killed and starts again, up and down", on="rclone")
async def test_rclone_which_forgets_its_uploads(tmp_path: Path, saw: Saw) -> None:
    data = tmp_path / "data"
    (data / "bucket").mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(rclone(folder=data))
        keys = server.access_key, server.secret_key
        port = int(server.endpoint.rsplit(":", 1)[1])
        rig = Rig(tmp_path, "s3", server.operator_config("bucket"), "bucket", dict(OPTIONS))

        async def kill() -> None:
            await asyncio.to_thread(stack.close)

        async def start() -> None:
            again = rclone(folder=data, port=port, keys=keys)
            await asyncio.to_thread(stack.enter_context, again)

        await both_ways(rig, saw, kill, start)
        await rig.op.aclose()
