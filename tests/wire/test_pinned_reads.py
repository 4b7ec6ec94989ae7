"""A read is of one version, also from a server that ignores every condition (rclone 1.75)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from dalbrowser.storage import ByteRange, Operator, StorageError
from dalbrowser.storage.errors import ErrorKind
from dalbrowser.storage.options import OpRead, OpStat
from dalbrowser.storage.services.s3 import S3, S3Config
from dalbrowser.storage.services.s3.headers import require_asked
from tests.servers.raw import RawS3
from tests.wire.test_neighbours import refusal

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server

MIB = 1024 * 1024


async def test_another_version_is_refused_whatever_the_server_says(
    s3_server: S3Server, s3_bucket: str
) -> None:
    s3 = S3(S3Config(**s3_server.operator_config(s3_bucket)))  # type: ignore[arg-type]
    with RawS3(s3_server) as raw:
        raw.send("PUT", s3_bucket, "a", body=b"first version")
        etag = (await s3.stat("a", OpStat())).etag
        opened = await s3.read("a", OpRead(if_match=etag))
        assert opened.size == 13
        await opened.body.aclose()
        raw.send("PUT", s3_bucket, "a", body=b"other version")
        for wanted in (ByteRange(), ByteRange(2, 5), ByteRange(0, 0)):
            call = s3.read("a", OpRead(range=wanted, if_match=etag))
            assert await refusal(call) is ErrorKind.CONDITION_NOT_MATCH
        assert await refusal(s3.stat("a", OpStat(if_match=etag))) is ErrorKind.CONDITION_NOT_MATCH
        now = (await s3.stat("a", OpStat())).etag
        same = s3.stat("a", OpStat(if_none_match=now))
        assert await refusal(same) is ErrorKind.CONDITION_NOT_MATCH
        assert (await s3.stat("a", OpStat(if_none_match=etag))).etag == now
    await s3.aclose()


@pytest.mark.parametrize(
    ("condition", "found", "holds"),
    [
        ("*", '"1"', True),
        ('"1"', '"1"', True),
        ("1", '"1"', True),
        ('"0", "1"', '"1"', True),
        ('"0"', "", True),
        ('"0"', '"1"', False),
        ('"0", "2"', '"1"', False),
        ('"1"', 'W/"1"', False),
    ],
)
def test_a_condition_is_read_as_rfc_9110_says(condition: str, found: str, holds: bool) -> None:
    """A reply that names no ETag cannot be judged, so it holds here."""
    reply = httpx.Headers({"etag": found} if found else {})
    for args, expected in (
        (OpStat(if_match=condition), holds),
        (OpStat(if_none_match=condition), not holds or not found),
    ):
        kind = None
        try:
            require_asked(args, reply)
        except StorageError as error:
            kind = error.kind
        assert kind is (None if expected else ErrorKind.CONDITION_NOT_MATCH)


@pytest.mark.parametrize("preset", ["", "own"])
@pytest.mark.parametrize("chunk", [MIB, None])
async def test_a_reader_never_mixes_two_versions(
    s3_server: S3Server, s3_bucket: str, preset: str, chunk: int | None
) -> None:
    """``own`` is the server's own preset, by which rclone is sent no condition at all."""
    config = s3_server.operator_config(s3_bucket)
    if preset:
        config["preset"] = s3_server.name
    with RawS3(s3_server) as raw:
        raw.send("PUT", s3_bucket, "a", body=b"1" * 4 * MIB)
        async with Operator("s3", **config) as op, op.reader("a", chunk=chunk) as reader:
            assert await reader.read(MIB) == b"1" * MIB
            raw.send("PUT", s3_bucket, "a", body=b"2" * 4 * MIB)
            await reader.seek(2 * MIB)
            with pytest.raises(StorageError) as caught:
                await reader.read(MIB)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
