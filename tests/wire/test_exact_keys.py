"""What leaves is what was meant: the raw request line, for every kind of odd key.

A request whose path came out differently could delete another object.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net.client import HttpClient
from dalbrowser.storage.net.framing import request_head
from dalbrowser.storage.net.http1 import Http1Transport
from dalbrowser.storage.net.message import HttpRequest, Origin
from dalbrowser.storage.net.proxy import Route
from dalbrowser.storage.net.trust import clear_context
from dalbrowser.storage.options import OpCopy, OpDelete, OpPresign, OpRead, OpStat, OpWrite
from dalbrowser.storage.services.s3 import S3, S3Config
from tests.servers.lying import LyingServer, Seen, reply

if TYPE_CHECKING:
    from tests.servers.s3_server import S3Server

ODD_KEYS = [
    "a//b",
    " a ",
    "a/./b",
    "a/../b",
    "..",
    ".",
    "../up",
    "./cur",
    "a/..",
    "/lead",
    "//two",
    "/",
    "trail/",
    "emoji 😀/🗂.txt",
    "caf\u00e9",
    "cafe\u0301",
    "a+b c",
    "a%2Fb",
    "100%",
    "%",
    "%41",
    "%2e%2e/b",
    "q?a=b&c#d",
    "#",
    "?",
    "ctrl\x01\x1f\x7f",
    "tab\tnew\nline\r",
    "back\\slash",
    "quote\"'<>&",
    "~*:|;,@$!()[]{}^`",
    "x" * 1024,
    ("y" * 100 + "/") * 10 + "z" * 14,
    "\ud7ff\ue000\ufffd\U0010ffff",
]


def service(server: S3Server, **more: object) -> S3:
    return S3(S3Config(**server.operator_config("bucket"), exact_keys="send", **more))  # type: ignore[arg-type]


def assert_same(seen: Seen, method: str, key: str) -> None:
    assert seen.method == method
    assert seen.key("bucket") == key.encode()
    assert set(seen.path) <= set(b"/-._~%") | set(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    )


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_every_operation_sends_the_exact_key(recorder: LyingServer, key: str) -> None:
    s3 = service(recorder.s3)
    try:
        await s3.delete(key, OpDelete())
        await (await s3.write(key, OpWrite())).close()
        await s3._head(key, OpStat())
        opened = await s3.read(key, OpRead())
        await opened.body.aclose()
        recorder.answer = reply(body=b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>")
        await s3.copy(key, "target", OpCopy())
        await s3.copy("source", key, OpCopy())
    finally:
        await s3.aclose()
    methods = ["DELETE", "PUT", "HEAD", "GET"]
    for seen, method in zip(recorder.seen, methods, strict=False):
        assert_same(seen, method, key)
    assert httpx.URL("http://x" + recorder.seen[4].headers["x-amz-copy-source"]) is not None
    source = Seen("", recorder.seen[4].headers["x-amz-copy-source"].encode(), {}, b"")
    assert source.key("bucket") == key.encode()
    assert_same(recorder.seen[5], "PUT", key)
    assert len(recorder.seen) == 6


key_texts = st.text(min_size=1, max_size=60).filter(
    lambda text: not any("\ud800" <= c <= "\udfff" for c in text)
)
segments = st.lists(
    st.sampled_from(["", ".", "..", "a", " ", "%2e", "%2E%2E", "+", "?", "#", "é", "b c"]),
    min_size=1,
    max_size=6,
).map("/".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(key_texts, segments).filter(bool), min_size=1, max_size=8))
def test_any_key_is_sent_exactly(keys: list[str]) -> None:
    async def run() -> None:
        async with LyingServer() as recorder:
            s3 = service(recorder.s3)
            for key in keys:
                await s3.delete(key, OpDelete())
            await s3.aclose()
            for seen, key in zip(recorder.seen, keys, strict=True):
                assert_same(seen, "DELETE", key)

    asyncio.run(run())


@settings(max_examples=40, deadline=None)
@given(st.lists(key_texts, min_size=1, max_size=5))
def test_any_prefix_is_sent_exactly(prefixes: list[str]) -> None:
    async def run() -> None:
        page = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        async with LyingServer(reply(body=page)) as recorder:
            s3 = service(recorder.s3)
            for prefix in prefixes:
                await s3._listings.exists(prefix)
            await s3.aclose()
            for seen, prefix in zip(recorder.seen, prefixes, strict=True):
                found = dict(item.split(b"=", 1) for item in seen.query.split(b"&") if b"=" in item)
                assert Seen("", b"/b/" + found[b"prefix"], {}, b"").key("b") == prefix.encode()

    asyncio.run(run())


async def test_lone_surrogates_are_refused_before_sending(recorder: LyingServer) -> None:
    s3 = service(recorder.s3)
    for key in ("\ud800", "a/\udfff"):
        with pytest.raises(StorageError) as caught:
            await s3.delete(key, OpDelete())
        assert caught.value.kind is ErrorKind.INVALID_INPUT
    await s3.aclose()
    assert recorder.seen == []


async def test_a_target_that_is_not_encoded_is_refused(recorder: LyingServer) -> None:
    client = HttpClient()
    origin = Origin.parse(recorder.endpoint)
    for target in ("/a b", "a", "/é", "/a\r\nX: y", "/#", "http://other/"):
        with pytest.raises(StorageError) as caught:
            await client.send(HttpRequest("DELETE", origin, target))
        assert caught.value.kind is ErrorKind.INVALID_INPUT
    await client.aclose()
    assert recorder.seen == []


async def test_the_transport_takes_the_target_and_not_the_url(recorder: LyingServer) -> None:
    """httpx's own reading of this URL is ``/bucket/b``, and deleting that is what must not be."""
    url = httpx.URL(f"{recorder.endpoint}/bucket/a/../b")
    assert url.raw_path == b"/bucket/b"
    transport = Http1Transport(clear_context(), limit=1, keepalive=1)
    request = httpx.Request(
        "DELETE",
        url,
        extensions={
            "target": b"/bucket/a/../b",
            "headers": [("host", "127.0.0.1")],
            "route": Route("http", "127.0.0.1", recorder.port, "127.0.0.1"),
            "timeout": {"connect": 1.0, "read": 1.0, "write": 1.0},
        },
    )
    reply = await transport.handle_async_request(request)
    assert reply.status_code == 200
    await transport.aclose()
    assert [seen.target for seen in recorder.seen] == [b"/bucket/a/../b"]


def test_a_request_line_that_came_out_otherwise_is_refused() -> None:
    assert request_head("GET", b"/a/../b", []).startswith(b"GET /a/../b HTTP/1.1\r\n")
    for method, target in (("GET /x", b"/y"), ("GET", b"/y HTTP/1.1\r\nX: z")):
        for prefix in (b"", b"http://s3.test"):
            with pytest.raises(StorageError, match="nothing was sent"):
                request_head(method, target, [], prefix)
    with pytest.raises(StorageError, match="nothing was sent"):
        request_head("GET", b"/y", [], b"http://s3.test /x")


async def test_every_key_is_sent_exactly_to_a_proxy_too(recorder: LyingServer) -> None:
    """In absolute-form: the proxy gets the origin and then the very target."""
    s3 = S3(
        S3Config(
            endpoint="http://s3.test",
            bucket="bucket",
            credentials="anonymous",
            exact_keys="send",
            proxy=recorder.endpoint,
        )
    )
    for key in ODD_KEYS:
        await s3.delete(key, OpDelete())
    await s3.aclose()
    for seen, key in zip(recorder.seen, ODD_KEYS, strict=True):
        assert seen.target.startswith(b"http://s3.test/")
        path = seen.target.removeprefix(b"http://s3.test")
        assert_same(Seen(seen.method, path, seen.headers, b""), "DELETE", key)


async def test_presigned_url_carries_the_exact_key(recorder: LyingServer) -> None:
    from datetime import timedelta

    s3 = service(recorder.s3)
    for key in ODD_KEYS:
        link = await s3.presign(key, OpPresign(operation=OpRead(), expires=timedelta(minutes=1)))
        assert link.url.startswith(recorder.endpoint)
        target = link.url[len(recorder.endpoint) :].encode()
        assert Seen("GET", target, {}, b"").key("bucket") == key.encode()
    await s3.aclose()
