"""An endpoint may have a path of its own: every request goes below it, and signs it.

A path that is dropped in silence leads to another place of the same host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpDelete, OpList
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers.lying import LyingServer, reply

if TYPE_CHECKING:
    from typing import Any

PAGE = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
BUCKETS = b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"


def service(server: LyingServer, path: str, bucket: str = "bucket") -> S3:
    config: dict[str, Any] = server.s3.operator_config(bucket)
    config["endpoint"] += path
    return S3(S3Config(**config, exact_keys="send"))


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("", b""),
        ("/", b""),
        ("/storage/v1/s3", b"/storage/v1/s3"),
        ("/storage/v1/s3/", b"/storage/v1/s3"),
        ("/a%20b/%C3%BC", b"/a%20b/%C3%BC"),
        ("/bucket", b""),
        ("/s3/bucket/", b"/s3"),
    ],
)
async def test_requests_go_below_the_endpoints_path(
    recorder: LyingServer, path: str, base: bytes
) -> None:
    s3 = service(recorder, path)
    try:
        await s3.delete("a/../b", OpDelete())
        recorder.answer = reply(body=PAGE)
        await (await s3.list("", OpList())).next_page()
    finally:
        await s3.aclose()
    assert [seen.path for seen in recorder.seen] == [base + b"/bucket/a/../b", base + b"/bucket"]


@pytest.mark.parametrize(("path", "sent"), [("/v1/s3", b"/v1/s3"), ("", b"/"), ("/", b"/")])
async def test_buckets_are_listed_below_it(recorder: LyingServer, path: str, sent: bytes) -> None:
    recorder.answer = reply(body=BUCKETS)
    s3 = service(recorder, path, bucket="")
    try:
        assert await s3.list_buckets() == []
    finally:
        await s3.aclose()
    assert [seen.path for seen in recorder.seen] == [sent]


def test_paths_on_one_host_are_two_servers(recorder: LyingServer) -> None:
    one, other = (service(recorder, path).info() for path in ("/one", "/two"))
    assert one.server != other.server


@pytest.mark.parametrize("path", ["?a=b", "/s3?x", "#top", "//s3", "/a//b", "/a/../b", "/%2E%2E"])
async def test_what_is_no_plain_path_is_refused(recorder: LyingServer, path: str) -> None:
    with pytest.raises(StorageError) as caught:
        service(recorder, path)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    assert recorder.seen == []
