"""Tags that Ceph takes only for a finished object: put by whichever process finishes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import Operator
from dalbrowser.transfer import JobState
from dalbrowser.transfer.uploading import upload
from tests.faults.rig import MiB, Rig, make_file
from tests.servers.raw import RawS3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.s3_server import S3Server

TAGS = {"a&b": "v=2 ü+"}
PUT = "<Key>a&amp;b</Key><Value>v=2 ü+</Value>"


def tags_of(server: S3Server, bucket: str, key: str) -> str:
    with RawS3(server) as raw:
        return raw.send("GET", bucket, key, query={"tagging": ""}).body.decode()


def config_of(server: S3Server, bucket: str) -> dict[str, Any]:
    return {**server.operator_config(bucket), "preset": "ceph"}


async def test_an_upload_that_another_operator_completes(
    ceph_s3: S3Server, ceph_bucket: str
) -> None:
    config = config_of(ceph_s3, ceph_bucket)
    async with Operator("s3", **config) as first, Operator("s3", **config) as second:
        begun = await first.create_multipart("f", tags=TAGS)
        part = await begun.write(1, b"bytes")
        resumed = second.into_multipart("f", begun.upload_id)
        await resumed.complete([part], tags=TAGS)
    assert PUT in tags_of(ceph_s3, ceph_bucket, "f")


@pytest.mark.parametrize("moment", ["write_multipart", "complete_multipart", "completed"])
async def test_an_upload_that_goes_on_after_a_restart(
    tmp_path: Path,
    ceph_s3: S3Server,
    ceph_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    real: Callable[..., dict[str, Any]] = upload.write_options
    monkeypatch.setattr(
        upload, "write_options", lambda *args, **more: real(*args, **more) | {"tags": TAGS}
    )
    options: dict[str, Any] = {"multipart_above": 5 * MiB, "part_floor": 5 * MiB}
    rig = Rig(tmp_path, "s3", config_of(ceph_s3, ceph_bucket), ceph_bucket, options)
    make_file(tmp_path / "f", 6 * MiB)
    reached = asyncio.Event()

    async def stop(name: str, _path: str, _args: Any) -> None:
        if name == moment:
            reached.set()
            await asyncio.Event().wait()

    async def finished(name: str, path: str, args: Any) -> None:
        """Join the parts, as if the answer and this process had been lost before the tags."""
        if name == "complete_multipart":
            with RawS3(ceph_s3) as raw:
                parts = await rig.op.into_multipart(path, args.upload_id).list_parts()
                listed = "".join(
                    f"<Part><PartNumber>{part.number}</PartNumber><ETag>{part.etag}</ETag></Part>"
                    for part in parts
                )
                body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
                query = {"uploadId": args.upload_id}
                assert raw.send("POST", ceph_bucket, path, query=query, body=body).status == 200
            reached.set()
            await asyncio.Event().wait()

    rig.wire.before = finished if moment == "completed" else stop
    async with rig.engine(parts_per_file=1) as engine:
        number = await engine.upload_file(tmp_path / "f", rig.at("f"))
        await reached.wait()
    await rig.op.aclose()
    after = Rig(tmp_path, "s3", config_of(ceph_s3, ceph_bucket), ceph_bucket, options)
    async with after.engine() as engine:
        await engine.resume([number])
        view = (await engine.wait([number]))[0]
    assert view.state is JobState.DONE, view.error
    assert PUT in tags_of(ceph_s3, ceph_bucket, "f")
    await after.op.aclose()
