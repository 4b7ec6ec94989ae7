"""A copy made in parts has what a copy by one request has: headers, metadata, class, tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage import Operator
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.options import OpCreateMultipart
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.servers.raw import RawS3
from tests.unit.s3.conftest import s3_config

if TYPE_CHECKING:
    from dalbrowser.storage import AccessorInfo, Metadata
    from tests.servers.s3_server import S3Server

MIB = 1 << 20
BEGUN = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"


class SmallCopies(LayeredAccessor):
    """The service, said to copy 5 MiB by one request at most."""

    def info(self) -> AccessorInfo:
        found = self.inner.info()
        native = replace(found.native, copy_max_size=5 * MIB)
        return replace(found, native=native, capability=native)


def facts(found: Metadata) -> tuple[object, ...]:
    return (
        found.content_type,
        found.content_disposition,
        found.cache_control,
        dict(found.user_metadata),
        found.storage_class,
        found.content_length,
    )


async def test_a_copy_in_parts_is_like_a_copy(ceph_s3: S3Server, ceph_bucket: str) -> None:
    service = S3(s3_config(ceph_s3, ceph_bucket))
    async with Operator.from_accessor(SmallCopies(service)) as op:
        await op.write(
            "source",
            bytes(6 * MIB),
            content_type="text/x-test",
            content_disposition="inline",
            cache_control="max-age=7",
            user_metadata={"k": "żółć"},
            storage_class="STANDARD_IA",
            tags={"a&b": "v=2 ü+", "empty": ""},
        )
        await op.copy("source", "parts", chunk=5 * MIB)
        by_parts, source = await op.stat("parts"), await op.stat("source")
        assert by_parts.etag is not None
        assert by_parts.etag.endswith('-2"')
        assert facts(by_parts) == facts(source)
        await op.write("written", bytes(6 * MIB), chunk=5 * MIB, tags={"x": "y"})
        await op.write("plain", bytes(6 * MIB))
        await op.copy("plain", "plain2")
    with RawS3(ceph_s3) as raw:
        tags = [
            raw.send("GET", ceph_bucket, key, query={"tagging": ""}).body
            for key in ("source", "parts", "plain2", "written")
        ]
    assert tags[0] == tags[1]
    assert "<Key>a&amp;b</Key><Value>v=2 ü+</Value>" in tags[0].decode()
    assert b"<Key>" not in tags[2]
    assert b"<Key>x</Key><Value>y</Value>" in tags[3]


@pytest.mark.parametrize("refusal", [(403, "AccessDenied"), (404, "NoSuchTagSet")])
async def test_tags_that_cannot_be_read_do_not_forbid_the_copy(refusal: tuple[int, str]) -> None:
    answer = lying.in_turn(lying.error(*refusal), lying.reply(body=BEGUN.encode()))
    async with LyingServer(answer) as server:
        s3 = S3(S3Config(**server.s3.operator_config("bucket")))  # type: ignore[arg-type]
        args = OpCreateMultipart(tags_from="source", tags_version="7")
        assert await s3.create_multipart("target", args) == "u"
        await s3.aclose()
        assert [seen.query for seen in server.seen] == [b"tagging=&versionId=7", b"uploads="]
        assert "x-amz-tagging" not in server.seen[1].headers
