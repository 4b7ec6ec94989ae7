"""Checksums, which Ceph 16 and rclone do not keep: sent, kept, and read back."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpStat
from dalbrowser.storage.services.s3 import S3, S3Config
from dalbrowser.storage.services.s3.core import digest_of
from tests.servers.lying import LyingServer
from tests.unit.s3.test_objects import get, listed, put

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server


def sum_of(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


async def test_what_cannot_be_computed_is_refused_before_anything_is_sent() -> None:
    async with LyingServer() as server:
        s3 = S3(S3Config(**server.s3.operator_config("bucket")))  # type: ignore[arg-type]
        with pytest.raises(StorageError) as caught:
            await put(s3, "a", b"1", checksum="crc64nvme")
        await s3.aclose()
        assert server.seen == []
    assert caught.value.kind is ErrorKind.UNSUPPORTED


async def test_crc32_is_what_it_is() -> None:
    # The check value of CRC-32/ISO-HDLC, "123456789" (Rocksoft catalogue).
    assert await digest_of("crc32", [b"1234", b"56789"]) == bytes.fromhex("cbf43926")


async def test_checksums_come_back(moto_s3: S3Server, moto_bucket: str) -> None:
    s3 = S3(S3Config(**moto_s3.operator_config(moto_bucket)))  # type: ignore[arg-type]
    try:
        written = await put(s3, "a", b"summed", checksum="sha256")
        assert written.checksums == {"sha256": sum_of(b"summed")}
        assert (await s3.stat("a", OpStat())).checksums == {"sha256": sum_of(b"summed")}
        data = bytes(range(256)) * 4096 * 6
        await put(s3, "b", data, checksum="sha256", chunk=5 << 20)
        assert await get(s3, "b") == data
        assert [entry.path for entry in await listed(s3, "")] == ["a", "b"]
    finally:
        await s3.aclose()
