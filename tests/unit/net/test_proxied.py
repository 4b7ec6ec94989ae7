"""Requests through a proxy: what reaches it, what it may answer, and TLS that is the origin's."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net.client import ClientOptions, HttpClient
from dalbrowser.storage.net.message import HttpRequest, Origin
from dalbrowser.transfer.failures import Wait, wait_for
from tests.servers import lying
from tests.servers.forward import ForwardProxy, says, stalls
from tests.servers.lying import LyingServer
from tests.servers.process import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dalbrowser.storage.types import HttpExchange
    from tests.servers.ceph import Ceph

HUSH = "hush-hush"
SECRET = base64.b64encode(f"me:{HUSH}".encode()).decode()
CLEAR = Origin.parse("http://s3.test")
SECURE = Origin.parse("https://s3.test")


@asynccontextmanager
async def client_of(proxy: str, **more: object) -> AsyncIterator[HttpClient]:
    options: dict[str, object] = {"connect": 2, "idle": 1, "proxy": proxy, **more}
    made = HttpClient(ClientOptions(**options))  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.aclose()


@pytest.fixture
async def proxy() -> AsyncIterator[ForwardProxy]:
    async with ForwardProxy() as running:
        yield running


async def read(
    client: HttpClient, origin: Origin, target: str = "/x", method: str = "GET"
) -> bytes:
    return await (await client.send(HttpRequest(method, origin, target))).read_all(1 << 20)


async def failure(proxy: str, origin: Origin, method: str = "GET", **more: object) -> StorageError:
    async with client_of(proxy, **more) as client:
        with pytest.raises(StorageError) as caught:
            await read(client, origin, method=method)
    error: BaseException | None = caught.value
    while error is not None:
        assert HUSH not in str(error)
        assert SECRET not in str(error)
        error = error.__cause__ or error.__context__
    return caught.value


# In the clear: absolute-form.


@pytest.mark.parametrize("target", ["/", "/b/a/../b", "/b//./%2e%2E/?a=b&c=%20", "/http://x/?y"])
async def test_the_target_is_sent_byte_for_byte_behind_the_origin(target: str) -> None:
    async with LyingServer() as server, client_of(server.endpoint) as client:
        server.answer = lying.reply(200, b"ok")
        for _ in range(2):
            assert await read(client, CLEAR, target) == b"ok"
        assert await read(client, Origin.parse("http://[::1]:81"), target) == b"ok"
    first, again, other = server.seen
    assert first.target == again.target == b"http://s3.test" + target.encode()
    assert other.target == b"http://[::1]:81" + target.encode()
    assert (first.headers["host"], other.headers["host"]) == ("s3.test", "[::1]:81")
    assert "proxy-authorization" not in first.headers


async def test_a_target_that_is_none_is_not_sent() -> None:
    async with LyingServer() as server, client_of(server.endpoint) as client:
        for target in ("/a b", "http://evil.test/", "/a\r\nx: y", "@evil.test/"):
            with pytest.raises(StorageError) as caught:
                await read(client, CLEAR, target)
            assert caught.value.kind is ErrorKind.INVALID_INPUT
    assert server.seen == []


async def test_what_only_the_proxy_is_told() -> None:
    exchanges: list[HttpExchange] = []
    async with (
        LyingServer() as server,
        client_of(server.endpoint, proxy_user="me", proxy_password=HUSH) as client,
    ):
        client.observe(exchanges.append)
        await read(client, CLEAR)
        await read(client, CLEAR, method="PUT")
    got, put = server.seen
    assert (
        got.headers["proxy-authorization"]
        == put.headers["proxy-authorization"]
        == f"Basic {SECRET}"
    )
    # What is public may be kept by a proxy; in a PUT the header would be stored with the object.
    assert got.headers["cache-control"] == "no-cache, no-transform"
    assert "cache-control" not in put.headers
    assert len(exchanges) == 2
    assert SECRET not in repr(exchanges)
    assert HUSH not in repr(exchanges)


async def test_connections_to_a_proxy_are_used_again() -> None:
    ports: set[int] = set()

    async def note(_: lying.Seen, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        writer.write(lying.response(200, {}, 2) + b"ok")

    async with LyingServer(note) as server, client_of(server.endpoint) as client:
        for _ in range(5):
            await read(client, CLEAR)
    assert len(ports) == 1


PAGE = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("status", "headers", "expected", "wait"),
    [
        (404, PAGE, ErrorStatus.PERMANENT, Wait.NONE),
        (404, {"Content-Type": "text/plain; charset=x"}, ErrorStatus.PERMANENT, Wait.NONE),
        (403, PAGE, ErrorStatus.PERMANENT, Wait.NONE),
        (403, {"X-Squid-Error": "ERR_ACCESS_DENIED 0"}, ErrorStatus.PERMANENT, Wait.NONE),
        (404, {"Proxy-Status": "p; error=dns_error"}, ErrorStatus.PERMANENT, Wait.NONE),
        (500, PAGE, ErrorStatus.TEMPORARY, Wait.NETWORK),
        (502, PAGE, ErrorStatus.TEMPORARY, Wait.NETWORK),
        (302, PAGE, ErrorStatus.TEMPORARY, Wait.NETWORK),
        (511, PAGE, ErrorStatus.TEMPORARY, Wait.NETWORK),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_answer_of_the_proxy_is_not_the_services(
    status: int, headers: dict[str, str], expected: ErrorStatus, wait: Wait, method: str
) -> None:
    async with LyingServer(lying.reply(status, b"<html>no</html>", headers)) as server:
        address = server.endpoint
        error = await failure(address, CLEAR, method)
    assert (error.kind, error.status) == (ErrorKind.UNEXPECTED, expected)
    assert wait_for(error) is wait
    assert address in error.message
    assert str(status) in error.message


@pytest.mark.parametrize(
    "headers", [{"x-amz-request-id": "1", **PAGE}, {"Content-Type": "application/xml"}, {}]
)
async def test_an_answer_of_the_service_comes_through(headers: dict[str, str]) -> None:
    answer = lying.reply(404, b"", headers)
    async with LyingServer(answer) as server, client_of(server.endpoint) as client:
        reply = await client.send(HttpRequest("GET", CLEAR, "/x"))
        assert reply.status == 404
        await reply.aclose()


BASIC = b'Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm="a, b"\r\n'
OTHER = b"Proxy-Authenticate: Negotiate, NTLM\r\nProxy-Authenticate: Digest realm=x, nonce=y\r\n"


@pytest.mark.parametrize("origin", [CLEAR, SECURE], ids=str)
@pytest.mark.parametrize(
    ("offered", "given", "words"),
    [
        (BASIC, {}, ["Give them", "'proxy_password'"]),
        (b"", {}, ["Give them"]),
        (BASIC, {"proxy_user": "me", "proxy_password": HUSH}, ["does not take those given"]),
        (
            OTHER,
            {"proxy_user": "me", "proxy_password": HUSH},
            ["Negotiate, NTLM, Digest,", "cntlm"],
        ),
    ],
)
async def test_a_proxy_that_wants_a_password(
    proxy: ForwardProxy, origin: Origin, offered: bytes, given: dict[str, str], words: list[str]
) -> None:
    proxy.instead = says(b"HTTP/1.1 407 No\r\n" + offered + b"Content-Length: 2\r\n\r\nno")
    error = await failure(proxy.url, origin, **given)
    assert (error.kind, error.status) == (ErrorKind.CONFIG_INVALID, ErrorStatus.PERMANENT)
    assert proxy.url in error.message
    assert "407" in error.message
    for word in words:
        assert word in error.message


@pytest.mark.parametrize("origin", [CLEAR, SECURE], ids=str)
async def test_a_proxy_that_says_401_to_a_wrong_password(
    proxy: ForwardProxy, origin: Origin
) -> None:
    proxy.instead = says(b"HTTP/1.0 401 Unauthorized\r\nContent-Type: text/html\r\n\r\nno")
    error = await failure(proxy.url, origin, proxy_user="me", proxy_password=HUSH)
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert "(401). It does not take those given" in error.message


# Tunnels.


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", ErrorStatus.PERMANENT, "403 Forbidden"),
        (b"HTTP/1.0 405 no\r\n\r\n", ErrorStatus.PERMANENT, "405 Method Not Allowed"),
        (b"HTTP/1.1 503 no\r\nContent-Length: 9\r\n\r\n", ErrorStatus.TEMPORARY, "503"),
        (b"HTTP/1.1 500 no\r\n\r\n", ErrorStatus.TEMPORARY, "500"),
        (b"HTTP/1.1 302 no\r\nLocation: http://login\r\n\r\n", ErrorStatus.TEMPORARY, "log in"),
        (b"\x05\x00\r\n\r\n", ErrorStatus.PERMANENT, "as an HTTP proxy does"),
        (b"HTTP/1.1 200 fine\r\n\r\nhello", ErrorStatus.TEMPORARY, "sent bytes"),
        (b"HTTP/1.1 200 fine\r\n\r\n", ErrorStatus.TEMPORARY, "broke"),
        (b"HTTP/1.1 2", ErrorStatus.TEMPORARY, "broke"),
        (b"", ErrorStatus.TEMPORARY, "broke"),
    ],
)
async def test_a_tunnel_that_is_not_opened(
    proxy: ForwardProxy, answer: bytes, status: ErrorStatus, words: str
) -> None:
    proxy.instead = says(answer)
    error = await failure(proxy.url, SECURE)
    permanent = status is ErrorStatus.PERMANENT
    kind = ErrorKind.CONFIG_INVALID if permanent else ErrorKind.UNEXPECTED
    assert (error.kind, error.status) == (kind, status)
    assert wait_for(error) is (Wait.NONE if permanent else Wait.NETWORK)
    assert words in error.message
    assert proxy.url in error.message
    assert [asked.line for asked in proxy.asked] == ["CONNECT s3.test:443 HTTP/1.1"]
    assert proxy.asked[0].headers["host"] == "s3.test:443"


async def test_garbage_in_place_of_tls(proxy: ForwardProxy) -> None:
    proxy.instead = says(b"HTTP/1.1 200 fine\r\n\r\n", then_close=False)

    async def garbage(
        _: object, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 200 fine\r\n\r\n")
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    proxy.instead = garbage
    error = await failure(proxy.url, SECURE)
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert "did not answer in TLS" in error.message


async def test_a_proxy_that_is_not_there() -> None:
    (port,) = free_ports(1)
    for origin in (CLEAR, SECURE):
        error = await failure(f"http://127.0.0.1:{port}", origin)
        assert wait_for(error) is Wait.NETWORK
        assert f"The proxy http://127.0.0.1:{port} (from this connection)" in error.message
    error = await failure("http://nowhere.invalid:1", CLEAR)
    assert wait_for(error) is Wait.NETWORK
    assert "not known by that name" in error.message


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 fine\r\n\r\n"], ids=["CONNECT", "TLS"])
async def test_a_tunnel_that_stalls_ends_with_the_deadline(
    proxy: ForwardProxy, answer: bytes
) -> None:
    proxy.instead = says(answer, then_close=False) if answer else stalls()
    error = await failure(proxy.url, SECURE, connect=0.3)
    assert wait_for(error) is Wait.NETWORK
    assert "in time" in error.message
    await until(lambda: proxy.open == 0)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 fine\r\n\r\n"], ids=["CONNECT", "TLS"])
async def test_cancelling_closes_what_is_half_open(proxy: ForwardProxy, answer: bytes) -> None:
    proxy.instead = says(answer, then_close=False) if answer else stalls()
    async with client_of(proxy.url) as client:
        task = asyncio.ensure_future(read(client, SECURE))
        await until(lambda: bool(proxy.asked))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: proxy.open == 0)


async def until(seen: object) -> None:
    assert callable(seen)
    async with asyncio.timeout(5):
        while not seen():  # noqa: ASYNC110 - a number that another task counts
            await asyncio.sleep(0.005)


# TLS through a tunnel, against a real server.


def secure(cluster: Ceph, host: str = "127.0.0.1") -> tuple[Origin, int]:
    port = int(cluster.https.endpoint.rpartition(":")[2])
    return Origin.parse(f"https://{host}:{port}"), port


async def test_a_tunnel_is_used_again(ceph_cluster: Ceph, proxy: ForwardProxy) -> None:
    origin, port = secure(ceph_cluster)
    async with client_of(
        proxy.url, ca_file=ceph_cluster.https.ca, proxy_user="me", proxy_password=HUSH
    ) as client:
        for _ in range(3):
            assert b"ListAllMyBuckets" in await read(client, origin, "/")
    (asked,) = proxy.asked
    assert asked.line == f"CONNECT 127.0.0.1:{port} HTTP/1.1"
    assert asked.headers["proxy-authorization"] == f"Basic {SECRET}"


async def test_the_certificate_must_be_the_origins(ceph_cluster: Ceph, proxy: ForwardProxy) -> None:
    _, port = secure(ceph_cluster)
    other = Origin.parse(f"https://other.test:{port}")
    error = await failure(proxy.url, other, ca_file=ceph_cluster.https.ca)
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert "certificate of https://other.test" in error.message
    error = await failure(proxy.url, secure(ceph_cluster)[0])
    assert "is not trusted" in error.message
    assert "of the proxy where it opens TLS" in error.message
    assert all(asked.is_tunnel for asked in proxy.asked)


def own_tls(cluster: Ceph) -> ssl.SSLContext:
    """Return what a server of this process needs to have the cluster's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cluster.folder / "server.pem", cluster.folder / "server.key")
    return context


@pytest.fixture
async def tls_proxy(ceph_cluster: Ceph) -> AsyncIterator[ForwardProxy]:
    async with ForwardProxy(tls=own_tls(ceph_cluster)) as running:
        yield running


async def test_tls_within_tls(ceph_cluster: Ceph, tls_proxy: ForwardProxy) -> None:
    origin, _ = secure(ceph_cluster)
    clear = Origin.parse(ceph_cluster.http.endpoint)
    # That the service need not prove who it is says nothing of the proxy.
    async with client_of(tls_proxy.url, ca_file=ceph_cluster.https.ca, verify=False) as client:
        for _ in range(2):
            assert b"ListAllMyBuckets" in await read(client, origin, "/")
    assert tls_proxy.links == 1
    async with client_of(tls_proxy.url, ca_file=ceph_cluster.https.ca) as client:
        assert b"ListAllMyBuckets" in await read(client, clear, "/")
    assert tls_proxy.asked[-1].line == f"GET {clear}/ HTTP/1.1"


async def test_a_tunnel_within_tls_that_breaks(tls_proxy: ForwardProxy, ceph_cluster: Ceph) -> None:
    for answer in (b"", b"HTTP/1.1 200 fine\r\n\r\n"):
        tls_proxy.instead = says(answer)
        error = await failure(tls_proxy.url, SECURE, ca_file=ceph_cluster.https.ca)
        assert wait_for(error) is Wait.NETWORK
        assert f"The proxy {tls_proxy.url}" in error.message


async def test_tls_within_tls_that_breaks_in_a_body(
    ceph_cluster: Ceph, tls_proxy: ForwardProxy, caplog: pytest.LogCaptureFixture
) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1 << 16):
            pass
        writer.close()

    body = [b"x" * (1 << 20)] * 16
    origin = await asyncio.start_server(swallow, "127.0.0.1", 0, ssl=own_tls(ceph_cluster))
    where = Origin.parse(f"https://127.0.0.1:{origin.sockets[0].getsockname()[1]}")
    async with client_of(tls_proxy.url, ca_file=ceph_cluster.https.ca) as client:
        tls_proxy.cut_after = 5 << 20
        with pytest.raises(StorageError) as caught:
            await client.send(HttpRequest("PUT", where, "/b/k", body=body))
        assert wait_for(caught.value) is Wait.NETWORK
        assert b"ListAllMyBuckets" in await read(client, secure(ceph_cluster)[0], "/")
    origin.close()
    await origin.wait_closed()
    assert tls_proxy.cuts == 1
    assert caplog.text == ""


async def test_a_proxy_whose_own_certificate_is_not_trusted(
    ceph_cluster: Ceph, tls_proxy: ForwardProxy
) -> None:
    error = await failure(tls_proxy.url, secure(ceph_cluster)[0], verify=False)
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert f"The proxy {tls_proxy.url} (from this connection) shows a TLS" in error.message
    assert tls_proxy.asked == []


async def test_tls_to_a_proxy_that_speaks_none(ceph_cluster: Ceph, proxy: ForwardProxy) -> None:
    url = proxy.url.replace("http:", "https:")
    proxy.instead = says(b"")
    error = await failure(url, secure(ceph_cluster)[0], connect=0.3)
    assert url in error.message


async def test_what_breaks_behind_a_proxy_names_both() -> None:
    async with LyingServer(lying.hang_up()) as server:
        error = await failure(server.endpoint, CLEAR)
        assert f"http://s3.test (through the proxy {server.endpoint}) broke" in error.message
        server.answer = lying.silence()
        error = await failure(server.endpoint, CLEAR, idle=0.2)
        assert f"http://s3.test (through the proxy {server.endpoint}) fell silent" in error.message
        server.answer = lying.reply(200, b"ab", claim=9, then_close=True)
        error = await failure(server.endpoint, CLEAR)
        assert error.kind is ErrorKind.CONTENT_INCOMPLETE
        assert server.endpoint in error.message
