"""Requests through a SOCKS 5 proxy: what it is asked, and what it may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net.client import ClientOptions, HttpClient
from dalbrowser.storage.net.message import HttpRequest, Origin
from dalbrowser.storage.net.proxy import parse
from dalbrowser.transfer.failures import Wait, wait_for
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.servers.socks import SocksProxy

if TYPE_CHECKING:
    from tests.servers.ceph import Ceph

HUSH = "hush-hush"


async def read(proxy: SocksProxy, origin: str, **more: object) -> bytes:
    options: dict[str, object] = {"connect": 0.5, "idle": 1, "proxy": proxy.url, **more}
    client = HttpClient(ClientOptions(**options))  # type: ignore[arg-type]
    try:
        for _ in range(2):
            reply = await client.send(HttpRequest("GET", Origin.parse(origin), "/a/../b"))
            body = await reply.read_all(1 << 20)
        return body
    finally:
        await client.aclose()


async def failure(
    proxy: SocksProxy, origin: str = "http://s3.test", **more: object
) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await read(proxy, origin, **more)
    assert proxy.url in caught.value.message
    assert HUSH not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("host", ["s3.test", "10.1.2.3", "[fd00::1]"])
async def test_names_and_addresses_in_the_clear(host: str) -> None:
    bare = host.strip("[]")
    async with (
        LyingServer(lying.reply(200, b"ok")) as server,
        SocksProxy({bare: server.port}) as proxy,
    ):
        assert await read(proxy, f"http://{host}:81") == b"ok"
    assert proxy.asked == [(bare, 81)]
    # It passes bytes on, so nothing is said to it in HTTP.
    assert [seen.target for seen in server.seen] == [b"/a/../b"] * 2
    assert "cache-control" not in server.seen[0].headers


async def test_an_answer_of_the_service_is_its_own() -> None:
    async with (
        LyingServer(lying.reply(404, b"no", {"Content-Type": "text/html"})) as server,
        SocksProxy({"s3.test": server.port}) as proxy,
    ):
        assert await read(proxy, "http://s3.test") == b"no"


async def test_tls_and_a_password(ceph_cluster: Ceph) -> None:
    port = int(ceph_cluster.https.endpoint.rpartition(":")[2])
    async with SocksProxy(known=f"me:{HUSH}".encode()) as proxy:
        given = {"proxy_user": "me", "proxy_password": HUSH, "ca_file": ceph_cluster.https.ca}
        found = await read(proxy, f"https://127.0.0.1:{port}", **given)
        assert found.startswith(b"<?xml")
        assert proxy.asked == [("127.0.0.1", port)]
        error = await failure(proxy, f"https://other.test:{port}", **given)
        assert error.kind is ErrorKind.CONFIG_INVALID
        assert "certificate of https://other.test" in error.message


@pytest.mark.parametrize("given", [{}, {"proxy_user": "me", "proxy_password": f"{HUSH}!"}])
async def test_a_password_that_is_missing_or_wrong(given: dict[str, str]) -> None:
    async with SocksProxy(known=f"me:{HUSH}".encode()) as proxy:
        error = await failure(proxy, **given)
    assert (error.kind, error.status) == (ErrorKind.CONFIG_INVALID, ErrorStatus.PERMANENT)
    assert "'proxy_password'" in error.message
    assert ("does not take those given" in error.message) is bool(given)


@pytest.mark.parametrize(
    ("code", "wait", "words"),
    [
        (1, Wait.NETWORK, "did not say why"),
        (2, Wait.NONE, "rules"),
        (4, Wait.NETWORK, "host cannot be reached"),
        (5, Wait.NETWORK, "nothing answers there"),
        (99, Wait.NETWORK, "code 99"),
    ],
)
async def test_what_it_refuses(code: int, wait: Wait, words: str) -> None:
    async with SocksProxy() as proxy:
        proxy.answer = code
        error = await failure(proxy)
    assert wait_for(error) is wait
    assert "s3.test:80: " in error.message
    assert words in error.message


@pytest.mark.parametrize(
    ("instead", "wait"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Wait.NONE),
        (b"", Wait.NETWORK),
        (b"\x05", Wait.NETWORK),
    ],
)
async def test_what_is_no_socks_proxy(instead: bytes, wait: Wait) -> None:
    async with SocksProxy() as proxy:
        proxy.instead = instead
        assert wait_for(await failure(proxy)) is wait


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h"])
def test_its_spellings(scheme: str) -> None:
    assert str(parse(f"{scheme}://p", "X")) == "socks5://p:1080"
