"""Options that only some servers have, on Ceph: tags, classes, encryption, versions, links."""

from __future__ import annotations

import base64
import hashlib
import urllib.error
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import (
    OpCopy,
    OpDelete,
    OpList,
    OpPresign,
    OpRead,
    OpStat,
    OpWrite,
)
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.servers.raw import RawS3
from tests.unit.s3.conftest import s3_config
from tests.unit.s3.test_objects import get, listed, put

if TYPE_CHECKING:
    from dalbrowser.storage.types import PresignedRequest
    from tests.servers.s3_server import S3Server


def fetch(link: PresignedRequest, body: bytes | None = None) -> tuple[int, bytes]:
    """Use a link as a stranger would: with the standard library, and no keys."""
    request = urllib.request.Request(  # noqa: S310
        link.url, data=body, method=link.method, headers=dict(link.headers)
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


async def test_headers_and_metadata_come_back(ceph: S3) -> None:
    meta = {"plain": "a b", "wide": "żółć 😀", "edge": " x "}
    await put(
        ceph,
        "k",
        b"1",
        content_type="text/plain; charset=utf-8",
        content_disposition='attachment; filename="a.txt"',
        content_encoding="gzip",
        cache_control="max-age=7",
        user_metadata=meta,
        storage_class="STANDARD_IA",
        tags={"k&1": "v=2 ü"},
    )
    found = await ceph.stat("k", OpStat())
    assert found.content_type == "text/plain; charset=utf-8"
    assert found.content_disposition == 'attachment; filename="a.txt"'
    assert (found.content_encoding, found.cache_control) == ("gzip", "max-age=7")
    assert dict(found.user_metadata) == meta
    assert found.storage_class == "STANDARD_IA"
    assert [e.metadata.storage_class for e in await listed(ceph, "")] == ["STANDARD_IA"]


async def test_tags_are_kept(ceph: S3, ceph_s3: S3Server, ceph_bucket: str) -> None:
    await put(ceph, "k", b"1", tags={"a&b": "v=2 ü+"})
    with RawS3(ceph_s3) as raw:
        tagging = raw.send("GET", ceph_bucket, "k", query={"tagging": ""}).body.decode()
    assert "<Key>a&amp;b</Key><Value>v=2 ü+</Value>" in tagging


async def test_headers_that_cannot_be_sent_are_refused(ceph: S3) -> None:
    for options in (
        {"content_type": "a\r\nx-amz-acl: public-read"},
        {"content_disposition": "ü"},
        {"user_metadata": {"a b": "c"}},
    ):
        with pytest.raises(StorageError) as caught:
            await put(ceph, "k", b"1", **options)
        assert caught.value.kind is ErrorKind.INVALID_INPUT
    assert await listed(ceph, "") == []


async def test_customer_keys(ceph_s3: S3Server, ceph_bucket: str) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    with_key = S3(s3_config(ceph_s3, ceph_bucket, sse_customer_key=key))
    without = S3(s3_config(ceph_s3, ceph_bucket))
    try:
        await put(with_key, "k", b"secret" * 1000)
        assert await get(with_key, "k") == b"secret" * 1000
        assert (await with_key.stat("k", OpStat())).content_length == 6000
        await put(with_key, "big", bytes(6 << 20), chunk=5 << 20)
        assert await get(with_key, "big") == bytes(6 << 20)
        with pytest.raises(StorageError):
            await get(without, "k")
    finally:
        await with_key.aclose()
        await without.aclose()


async def test_conditions(ceph: S3) -> None:
    first = await put(ceph, "k", b"1", if_not_exists=True)
    for options in ({"if_not_exists": True}, {"if_match": '"0123456789abcdef0123456789abcdef"'}):
        with pytest.raises(StorageError) as caught:
            await put(ceph, "k", b"2", **options)
        assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await get(ceph, "k") == b"1"
    await put(ceph, "k", b"3", if_match=first.etag)
    for args in (OpRead(if_match=first.etag), OpRead(if_none_match=_etag(b"3"))):
        with pytest.raises(StorageError) as caught:
            await get(ceph, "k", args)
        assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await get(ceph, "k", OpRead(if_match=_etag(b"3"))) == b"3"


async def test_conditions_hold_for_a_multipart_write_too(ceph: S3) -> None:
    await put(ceph, "k", b"precious")
    with pytest.raises(StorageError) as caught:
        await put(ceph, "k", bytes(6 << 20), chunk=5 << 20, if_not_exists=True)
    assert caught.value.kind is ErrorKind.CONDITION_NOT_MATCH
    assert await get(ceph, "k") == b"precious"


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


async def test_versions(ceph: S3, ceph_s3: S3Server, ceph_bucket: str) -> None:
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    with RawS3(ceph_s3) as raw:
        assert raw.send("PUT", ceph_bucket, query={"versioning": ""}, body=body).status == 200
    ids = [(await put(ceph, "d/k +", str(n).encode())).version for n in range(5)]
    await put(ceph, "d/other", b"x")
    assert await get(ceph, "d/k +", OpRead(version=ids[1])) == b"1"
    assert (await ceph.stat("d/k +", OpStat(version=ids[0]))).version == ids[0]
    await ceph.delete("d/k +", OpDelete())
    with pytest.raises(StorageError) as caught:
        await get(ceph, "d/k +")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    for limit in (None, 1, 2):
        rows = await listed(ceph, "d/", versions=True, limit=limit)
        assert [(e.path, e.metadata.version) for e in rows] == [
            *(("d/k +", version) for version in reversed(ids)),
            ("d/other", rows[-1].metadata.version),
        ]
        marked = await listed(ceph, "d/", versions=True, deleted=True, limit=limit)
        assert [e.metadata.is_deleted for e in marked] == [True] + [False] * 6
        assert [e.path for e in await listed(ceph, "d/", deleted=True, limit=limit)] == [
            "d/k +",
            "d/other",
        ]
    assert [e.path for e in await listed(ceph, "d/")] == ["d/other"]
    await ceph.copy("d/k +", "d/back", OpCopy(source_version=ids[2]))
    assert await get(ceph, "d/back") == b"2"
    await ceph.delete("d/k +", OpDelete(version=ids[4]))
    left = await listed(ceph, "d/k", versions=True)
    assert [e.metadata.version for e in left] == list(reversed(ids[:4]))
    (outcome,) = await ceph.delete_batch([("d/k +", OpDelete(version=ids[3]))])
    assert (outcome.version, outcome.error) == (ids[3], None)


async def test_links(ceph: S3) -> None:
    key = "d/ü +%2F a//b?#"
    soon = timedelta(minutes=5)
    write = await ceph.presign(
        key, OpPresign(operation=OpWrite(content_type="text/x-l"), expires=soon)
    )
    assert fetch(write, b"by link") == (200, b"")
    read = await ceph.presign(key, OpPresign(operation=OpRead(), expires=soon))
    assert fetch(read) == (200, b"by link")
    assert (await ceph.stat(key, OpStat())).content_type == "text/x-l"
    changed = type(read)(read.method, read.url.replace("a//b", "a//c"), read.headers)
    assert fetch(changed)[0] == 403
    override = OpRead(override_content_type="text/html", override_content_disposition="inline")
    shown = await ceph.presign(key, OpPresign(operation=override, expires=soon))
    assert "response-content-type=text%2Fhtml" in shown.url
    assert fetch(shown) == (200, b"by link")
    stat = await ceph.presign(key, OpPresign(operation=OpStat(), expires=soon))
    assert fetch(stat)[0] == 200
    delete = await ceph.presign(key, OpPresign(operation=OpDelete(), expires=soon))
    assert fetch(delete)[0] == 204
    assert fetch(read)[0] == 404
    for expires in (timedelta(0), timedelta(days=8)):
        with pytest.raises(StorageError) as caught:
            await ceph.presign(key, OpPresign(operation=OpRead(), expires=expires))
        assert caught.value.kind is ErrorKind.INVALID_INPUT


async def test_links_carry_the_token_of_temporary_keys() -> None:
    async with LyingServer(lying.reply()) as server:
        s3 = S3(s3_config_of(server, session_token="a token"))
        link = await s3.presign("k", OpPresign(operation=OpRead(), expires=timedelta(hours=1)))
        await s3.aclose()
    assert "X-Amz-Security-Token=a%20token" in link.url
    assert "a%20token" not in repr(link)


def s3_config_of(server: LyingServer, **more: str) -> S3Config:
    return S3Config(**server.s3.operator_config("bucket"), **more)  # type: ignore[arg-type]


async def test_a_listing_asks_what_it_should() -> None:
    page = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    async with LyingServer(lying.reply(body=page)) as server:
        s3 = S3(s3_config_of(server, root="r"))
        await (await s3.list("d/", OpList(limit=5000, start_after="d/x y"))).next_page()
        await (await s3.list("", OpList(recursive=True))).next_page()
        await s3.aclose()
    assert [seen.query for seen in server.seen] == [
        b"delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=r%2Fd%2F"
        b"&start-after=r%2Fd%2Fx%20y",
        b"encoding-type=url&list-type=2&prefix=r%2F",
    ]
