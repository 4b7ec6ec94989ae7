"""Checksums, which Ceph 16 and rclone do not keep: sent, kept, joined, and read back from moto.

moto computes an object's own checksum when parts are joined, so it is a witness there; the
values of single requests it believes, so those are compared with published check values.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpCompleteMultipart,
    OpCreateMultipart,
    OpStat,
    OpWriteMultipart,
)
from dalbrowser.storage.services.s3 import S3, S3Config
from dalbrowser.storage.services.s3.checksums import NAMES
from dalbrowser.storage.services.s3.core import digest_of
from dalbrowser.storage.types import Part
from tests.servers import lying
from tests.servers.lying import LyingServer, kept
from tests.unit.s3.test_objects import get, listed, put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.s3_server import S3Server

# "123456789" by the catalogue of parametrised CRC algorithms, and by FIPS 180-4.
CHECK = {
    "crc64nvme": "ae8b14860a799888",
    "crc32c": "e3069283",
    "crc32": "cbf43926",
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}
PART = 5 << 20
_STAT = OpStat()


def of(data: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


def checked(algorithm: str) -> str:
    return base64.b64encode(bytes.fromhex(CHECK[algorithm])).decode()


@asynccontextmanager
async def opened(server: S3Server, bucket: str, **more: str) -> AsyncIterator[S3]:
    s3 = S3(S3Config(**server.operator_config(bucket), **more))  # type: ignore[arg-type]
    try:
        yield s3
    finally:
        await s3.aclose()


@pytest.mark.parametrize("algorithm", NAMES)
async def test_check_values(algorithm: str) -> None:
    assert (await digest_of(algorithm, [b"1234", b"", b"56789"])).hex() == CHECK[algorithm]


@pytest.mark.parametrize("algorithm", NAMES)
async def test_checksums_come_back(moto_s3: S3Server, moto_bucket: str, algorithm: str) -> None:
    async with (
        Operator("s3", **moto_s3.operator_config(moto_bucket)) as op,
        op.reader("a") as reader,
    ):
        written = await op.write("a", b"123456789", checksum=algorithm)
        assert dict(written.checksums) == {algorithm: checked(algorithm)}
        assert dict((await op.stat("a")).checksums) == {algorithm: checked(algorithm)}
        assert await reader.read() == b"123456789"


async def test_the_joined_object_is_covered_as_a_whole(moto_s3: S3Server, moto_bucket: str) -> None:
    data = bytes(range(256)) * (PART // 256) * 2 + b"tail"
    async with opened(moto_s3, moto_bucket) as s3:
        await put(s3, "b", data, checksum="crc64nvme", chunk=PART)
        said = (await s3.stat("b", _STAT)).checksums["crc64nvme"]
        assert base64.b64decode(said) == await digest_of("crc64nvme", [data])
        assert await get(s3, "b") == data
        await put(s3, "c", data, checksum="sha256", chunk=PART)
        parts = [data[:PART], data[PART : 2 * PART], data[2 * PART :]]
        whole = b"".join(hashlib.sha256(part).digest() for part in parts)
        assert (await s3.stat("c", _STAT)).checksums["sha256"].split("-")[0] == of(whole)
        assert [entry.path for entry in await listed(s3, "")] == ["b", "c"]


async def test_parts_keep_theirs(moto_s3: S3Server, moto_bucket: str) -> None:
    async with Operator("s3", **moto_s3.operator_config(moto_bucket), checksum="auto") as op:
        upload = await op.create_multipart("b")
        first = await upload.write(1, bytes(PART))
        last = await upload.write(2, b"123456789")
        assert dict(last.checksums) == {"crc64nvme": checked("crc64nvme")}
        await upload.complete([first, last])
        said = (await op.stat("b")).checksums["crc64nvme"]
        expected = await digest_of("crc64nvme", [bytes(PART), b"123456789"])
        assert base64.b64decode(said) == expected


async def test_what_does_not_exist_is_refused_unsent() -> None:
    async with LyingServer() as server, opened(server.s3, "bucket") as s3:
        with pytest.raises(StorageError, match=r"'md6'.*choose one of auto, crc64nvme") as caught:
            await put(s3, "a", b"1", checksum="md6")
        assert server.seen == []
    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize("given", ["argument", "connection"])
async def test_the_extra_is_named_when_it_is_missing(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)
    config = {"checksum": "crc64nvme"} if given == "connection" else {}
    options = {"checksum": "crc32c"} if given == "argument" else {}
    async with LyingServer(kept()) as server, opened(server.s3, "bucket", **config) as s3:
        with pytest.raises(StorageError, match="extra 'checksums'") as caught:
            await put(s3, "a", b"1", **options)
        assert server.seen == []
        await put(s3, "a", b"123456789", checksum="auto")
        assert server.seen[0].headers["x-amz-checksum-crc32"] == checked("crc32")
    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize("refusal", [(501, "NotImplemented"), (400, "InvalidRequest")])
async def test_auto_falls_back_for_a_server_that_refuses(refusal: tuple[int, str]) -> None:
    answer = lying.in_turn(lying.error(*refusal), lying.reply(headers={"ETag": '"e"'}))
    async with LyingServer(answer) as server, opened(server.s3, "bucket") as s3:
        await put(s3, "a", b"1", checksum="auto")
        await put(s3, "b", b"2", checksum="auto")
    sent = [
        (seen.key("bucket"), "x-amz-checksum-crc64nvme" in seen.headers) for seen in server.seen
    ]
    assert sent == [(b"a", True), (b"a", False), (b"b", False)]
    assert server.seen[1].body == b"1"


async def test_auto_falls_back_for_a_whole_upload() -> None:
    began = lying.reply(
        body=b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    )
    answer = lying.in_turn(
        lying.error(501, "NotImplemented"), began, lying.reply(headers={"ETag": '"e"'})
    )
    async with LyingServer(answer) as server, opened(server.s3, "bucket") as s3:
        upload = await s3.create_multipart("a", OpCreateMultipart(checksum="auto"))
        part = OpWriteMultipart(upload_id=upload, number=1, size=1, checksum="auto")
        writer = await s3.write_multipart("a", part)
        await writer.write(b"1")
        await writer.close()
    announced = [seen.headers.get("x-amz-checksum-algorithm") for seen in server.seen]
    assert announced == ["CRC64NVME", None, None]
    assert server.seen[0].headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert not [name for name in server.seen[2].headers if name.startswith("x-amz-checksum")]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [("sha256", (501, "NotImplemented")), ("auto", (400, "BadDigest")), ("auto", (403, ""))],
)
async def test_neither_a_name_nor_damage_falls_back(asked: str, answer: tuple[int, str]) -> None:
    async with LyingServer(lying.error(*answer)) as server, opened(server.s3, "bucket") as s3:
        with pytest.raises(StorageError):
            await put(s3, "a", b"1", checksum=asked)
    assert len(server.seen) == 1


async def test_an_object_joined_of_other_bytes_is_an_error() -> None:
    body = (
        "<CompleteMultipartUploadResult><ETag>&quot;e-1&quot;</ETag>"
        f"<ChecksumCRC64NVME>{base64.b64encode(bytes(8)).decode()}</ChecksumCRC64NVME>"
        "</CompleteMultipartUploadResult>"
    ).encode()
    part = Part(1, 9, '"e"', {"crc64nvme": checked("crc64nvme")})
    async with LyingServer(lying.reply(body=body)) as server, opened(server.s3, "b") as s3:
        with pytest.raises(StorageError, match="holds other bytes"):
            await s3.complete_multipart("a", [part], OpCompleteMultipart(upload_id="u"))
    sent = server.seen[0].headers
    assert sent["x-amz-checksum-crc64nvme"] == checked("crc64nvme")
    assert sent["x-amz-checksum-type"] == "FULL_OBJECT"


async def test_auto_asks_nothing_of_a_server_without() -> None:
    async with LyingServer(kept()) as server:
        config = {**server.s3.operator_config("b"), "object_checksums": False}
        async with Operator("s3", **config) as op:
            await op.write("a", b"1", checksum="auto")
            with pytest.raises(StorageError) as caught:
                await op.write("a", b"1", checksum="sha256")
        assert caught.value.kind is ErrorKind.UNSUPPORTED
        assert len(server.seen) == 1
        assert not [name for name in server.seen[0].headers if "checksum" in name]
    async with Operator("memory") as op:
        await op.write("a", b"1", checksum="auto")
