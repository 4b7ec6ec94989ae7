"""What covers the bytes of a body on their way: a signed Content-MD5, or the signature itself.

A part, or a small object, whose MD5 is known is hashed once and not twice. These tests show
that this gives nothing away: a real server refuses other bytes, and a Content-MD5 made to fit
them.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.net.sigv4 import UNSIGNED_PAYLOAD
from dalbrowser.storage.options import OpCreateMultipart, OpStat, OpWrite, OpWriteMultipart
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.unit.s3.conftest import s3_config

if TYPE_CHECKING:
    from tests.servers.lying import Seen
    from tests.servers.s3_server import S3Server

SENT = b"what was read from the disk"
OTHER = b"what became of it on its way"[: len(SENT)]


def md5_of(data: bytes) -> bytes:
    return hashlib.md5(data).digest()


def content_md5(data: bytes) -> str:
    return base64.b64encode(md5_of(data)).decode()


async def send_part(s3: S3, upload: str, data: bytes, md5: bytes | None) -> None:
    args = OpWriteMultipart(upload_id=upload, number=1, size=len(data), md5=md5)
    writer = await s3.write_multipart("k", args)
    await writer.write(data)
    await writer.close()


async def part_as_sent(config: S3Config, upload: str, md5: bytes | None = None) -> Seen:
    """Return the request for a part of ``SENT``, caught on its way."""
    async with LyingServer(lying.reply(headers={"etag": '"e"'})) as server:
        s3 = S3(S3Config(**{**_fields(config), "endpoint": server.endpoint}))  # type: ignore[arg-type]
        await send_part(s3, upload, SENT, md5)
        await s3.aclose()
        return server.seen[0]


def _fields(config: S3Config) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


@pytest.mark.parametrize(
    ("more", "md5", "covered"),
    [
        ({}, True, {"md5"}),
        ({}, False, {"sha256"}),
        ({"payload_signing": "always"}, True, {"md5", "sha256"}),
        ({"content_md5": "always"}, True, {"md5", "sha256"}),
        ({"content_md5": "never"}, True, {"sha256"}),
    ],
)
async def test_a_part_is_covered_once(more: dict[str, str], md5: bool, covered: set[str]) -> None:
    config = S3Config(
        access_key_id="key",
        secret_access_key="secret",
        bucket="b",
        region="r",
        **more,  # type: ignore[arg-type]
    )
    seen = await part_as_sent(config, "u", md5_of(SENT) if md5 else None)
    signed = seen.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert (seen.headers.get("content-md5") == content_md5(SENT)) is ("md5" in covered)
    assert ("content-md5" in signed) is ("md5" in covered)
    hashed = hashlib.sha256(SENT).hexdigest() if "sha256" in covered else UNSIGNED_PAYLOAD
    assert seen.headers["x-amz-content-sha256"] == hashed


async def whole_as_sent(config: S3Config, md5: bytes | None) -> Seen:
    """Return the request for an object of ``SENT``, caught on its way."""
    async with LyingServer(lying.reply(headers={"etag": '"e"'})) as server:
        s3 = S3(S3Config(**{**_fields(config), "endpoint": server.endpoint}))  # type: ignore[arg-type]
        await s3.write_whole("k", OpWrite(md5=md5), SENT)
        await s3.aclose()
        return server.seen[0]


async def test_a_small_object_whose_md5_is_known_is_hashed_once(
    ceph: S3, ceph_s3: S3Server, ceph_bucket: str
) -> None:
    config = s3_config(ceph_s3, ceph_bucket)
    plain = await whole_as_sent(config, None)
    assert plain.headers["x-amz-content-sha256"] == hashlib.sha256(SENT).hexdigest()
    seen = await whole_as_sent(config, md5_of(SENT))
    assert seen.headers["x-amz-content-sha256"] == UNSIGNED_PAYLOAD
    assert replay(ceph_s3, seen, OTHER, content_md5(SENT)) == 400
    assert replay(ceph_s3, seen, OTHER, content_md5(OTHER)) == 403
    assert replay(ceph_s3, seen, SENT, content_md5(SENT)) == 200
    assert (await ceph.stat("k", OpStat())).etag == f'"{md5_of(SENT).hex()}"'


async def test_every_server_refuses_an_object_with_the_md5_of_other_bytes(s3: S3) -> None:
    for again in (False, True):
        with pytest.raises(StorageError, match="damaged"):
            await s3.write_whole("w", OpWrite(md5=md5_of(SENT)), OTHER, again=again)
    with pytest.raises(StorageError):
        await s3.stat("w", OpStat())


async def test_every_server_refuses_a_part_with_the_md5_of_other_bytes(s3: S3) -> None:
    upload = await s3.create_multipart("k", OpCreateMultipart())
    with pytest.raises(StorageError, match="damaged"):
        await send_part(s3, upload, OTHER, md5_of(SENT))


def replay(server: S3Server, seen: Seen, body: bytes, md5: str) -> int:
    """Send a request once more, with another body and Content-MD5; returns the status."""
    place = urlsplit(server.endpoint)
    link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    headers = {**seen.headers, "content-md5": md5, "content-length": str(len(body))}
    try:
        link.request("PUT", seen.target.decode(), body, headers)
        reply = link.getresponse()
        reply.read()
        return reply.status
    finally:
        link.close()


async def test_bytes_changed_on_their_way_are_refused(
    ceph: S3, ceph_s3: S3Server, ceph_bucket: str
) -> None:
    upload = await ceph.create_multipart("k", OpCreateMultipart())
    seen = await part_as_sent(s3_config(ceph_s3, ceph_bucket), upload, md5_of(SENT))
    assert seen.headers["x-amz-content-sha256"] == UNSIGNED_PAYLOAD
    assert replay(ceph_s3, seen, OTHER, content_md5(SENT)) == 400
    assert replay(ceph_s3, seen, OTHER, content_md5(OTHER)) == 403
    assert replay(ceph_s3, seen, SENT, content_md5(SENT)) == 200
