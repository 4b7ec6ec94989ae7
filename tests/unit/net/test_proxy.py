"""Which proxy an origin goes through: variables, exceptions, addresses, and what is refused."""

from __future__ import annotations

import base64
import os

import pytest

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import proxy as module
from dalbrowser.storage.net.message import Origin
from dalbrowser.storage.net.proxy import Exempt, Proxies, parse

HUSH = "hush-hush"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUEST_METHOD", raising=False)


async def through(origin: str, proxies: Proxies | None = None) -> str:
    route = await (proxies or Proxies()).route(Origin.parse(origin))
    return f"{route.proxy} from {route.proxy.source}" if route.proxy else "direct"


@pytest.mark.parametrize(
    ("variables", "origin", "found"),
    [
        ({}, "https://s3.test", "direct"),
        ({"HTTPS_PROXY": "http://p:1"}, "https://s3.test", "http://p:1 from HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://s3.test", "direct"),
        ({"http_proxy": "p:1"}, "http://s3.test", "http://p:1 from http_proxy"),
        ({"HTTP_PROXY": "p"}, "http://s3.test", "http://p:80 from HTTP_PROXY"),
        ({"HTTP_PROXY": "p", "REQUEST_METHOD": "GET"}, "http://s3.test", "direct"),
        ({"http_proxy": "p", "REQUEST_METHOD": "GET"}, "http://a.b", "http://p:80 from http_proxy"),
        ({"https_proxy": "a:1", "HTTPS_PROXY": "b"}, "https://a.b", "http://a:1 from https_proxy"),
        ({"https_proxy": "", "HTTPS_PROXY": "b:2"}, "https://s3.test", "direct"),
        ({"ALL_PROXY": "https://p"}, "https://s3.test", "https://p:443 from ALL_PROXY"),
        ({"all_proxy": "a:1", "http_proxy": "b:2"}, "http://s3.test", "http://b:2 from http_proxy"),
        ({"https_proxy": "http://[::1]:8/"}, "https://s3.test", "http://[::1]:8 from https_proxy"),
        ({"all_proxy": "p:1", "no_proxy": "test"}, "https://s3.test", "direct"),
        ({"all_proxy": "p:1", "NO_PROXY": ".test:443"}, "https://s3.test", "direct"),
        ({"all_proxy": "p:1", "no_proxy": "test:80"}, "https://s3", "http://p:1 from all_proxy"),
        ({"all_proxy": "p:1", "no_proxy": "s3:80"}, "https://s3", "http://p:1 from all_proxy"),
        ({"all_proxy": "p:1"}, "http://127.3.2.1:9000", "direct"),
        ({"all_proxy": "p:1"}, "http://[::1]:9000", "direct"),
        ({"all_proxy": "p:1"}, "http://localhost:9000", "direct"),
        ({"all_proxy": "p:1"}, "http://bucket.localhost:9000", "direct"),
        ({"all_proxy": "p:1"}, "http://notlocalhost", "http://p:1 from all_proxy"),
    ],
)  # fmt: skip
async def test_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], origin: str, found: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert await through(origin) == found


@pytest.mark.parametrize(
    ("text", "host", "covered"),
    [
        ("*", "s3.test", True),
        ("", "s3.test", False),
        (",, ,", "s3.test", False),
        ("s3.test", "S3.Test.", True),
        ("test", "s3.test", True),
        (".test", "s3.test", True),
        ("*.test", "s3.test", True),
        ("est", "s3.test", False),
        ("a.test, s3.test", "s3.test", True),
        ("a.test s3.test", "s3.test", True),
        ("s3.test.example", "s3.test", False),
        ("10.0.0.0/8", "10.200.3.4", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.1.2.3/8", "10.200.3.4", True),
        ("192.168.1.7", "192.168.1.7", True),
        ("192.168.1.7", "192.168.1.70", False),
        ("192.168.1.7:443", "192.168.1.7", True),
        ("192.168.1.7:80", "192.168.1.7", False),
        ("fd00::/8", "fd12::1", True),
        ("[fd12::1]:443", "fd12::1", True),
        ("[fd12::1]:80", "fd12::1", False),
        ("fd12::1", "fd12:0::1", True),
        ("1", "10.0.0.1", False),
        (".", "s3.test", False),
    ],
)
def test_what_no_proxy_covers(text: str, host: str, covered: bool) -> None:
    assert Exempt(text).covers(host, 443) is covered


async def test_a_connection_decides_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://environment:1")
    monkeypatch.setenv("no_proxy", "*")
    own = Proxies("http://own:2")
    assert await through("https://s3.test", own) == "http://own:2 from this connection"
    # It was said of this very endpoint, which may be this computer's only to the proxy.
    assert await through("http://localhost", own) == "http://own:2 from this connection"
    monkeypatch.delenv("no_proxy")
    assert await through("https://s3.test", Proxies(" None ")) == "direct"
    assert await through("https://s3.test") == "http://environment:1 from https_proxy"


async def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = Proxies()
    monkeypatch.setenv("https_proxy", "one:1")
    assert await through("https://s3.test", proxies) == "http://one:1 from https_proxy"
    monkeypatch.setenv("https_proxy", "two:2")
    assert await through("https://s3.test", proxies) == "http://one:1 from https_proxy"
    proxies.forget()
    assert await through("https://s3.test", proxies) == "http://two:2 from https_proxy"


async def test_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def bypass(host: str) -> bool:
        asked.append(host)
        return host == "inside.test"

    monkeypatch.setattr(module, "getproxies", lambda: {"https": "http://system:8"})
    monkeypatch.setattr(module, "proxy_bypass", bypass)
    assert await through("https://s3.test") == "http://system:8 from the system"
    assert await through("https://inside.test") == "direct"
    assert await through("https://127.0.0.1") == "direct"
    assert asked == ["s3.test", "inside.test"]


def decoded(authorization: str) -> bytes:
    kind, _, text = authorization.partition(" ")
    assert kind == "Basic"
    return base64.b64decode(text)


@pytest.mark.parametrize(
    ("address", "known"),
    [
        (f"http://me:{HUSH}@p:1", f"me:{HUSH}"),
        (f"me:{HUSH}@p:1", f"me:{HUSH}"),
        (f"http://CORP%5Cme:%2F%3A%40{HUSH}@p:1", f"CORP\\me:/:@{HUSH}"),
        (f"http://me@corp.test:{HUSH}@p:1", f"me@corp.test:{HUSH}"),
        ("http://m%C3%A9@p:1", "mé:"),
    ],
)
def test_the_password_is_decoded_and_hidden(address: str, known: str) -> None:
    proxy = parse(address, "X")
    assert decoded(proxy.authorization) == known.encode()
    assert (proxy.host, proxy.port) == ("p", 1)
    for text in (str(proxy), repr(proxy), f"{proxy}"):
        assert HUSH not in text
        assert proxy.authorization.split()[1] not in text


def test_no_password_no_header() -> None:
    assert parse("http://p:1", "X").authorization == ""
    assert parse("http://@p:1", "X").authorization == ""


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("socks4a://p", "socks5://"),
        ("ftp://p", "http://"),
        ("http://", "address"),
        ("http://p:99999", "address"),
        ("http://p:x", "address"),
        ("http://p q:1", "address"),
        ("http://p\r\nx: y:1", "address"),
        ("http://wpad/proxy.pac", "follow"),
        (f"http://me:12/{HUSH}@p:1", "%2F"),
        (f"http://me:12#{HUSH}@p:1", "%23"),
        (f"http://me:12?{HUSH}@p:1", "%3F"),
        (f"http://me:{HUSH}/@p:1", "%2F"),
        (f"http://me:{HUSH}#@p:1", "%23"),
    ],
)
def test_addresses_that_make_no_sense(address: str, word: str) -> None:
    with pytest.raises(StorageError) as caught:
        parse(address, "HTTPS_PROXY")
    error: BaseException | None = caught.value
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    assert "HTTPS_PROXY" in caught.value.message
    assert word in caught.value.message
    while error is not None:
        assert HUSH not in str(error)
        error = error.__context__


@pytest.mark.parametrize("address", [f"http://me:{HUSH}@p:1", f"me:{HUSH}@p:1", "me@p:1"])
def test_a_connection_keeps_no_password_in_its_address(address: str) -> None:
    with pytest.raises(StorageError) as caught:
        Proxies(address)
    assert "'proxy_password'" in caught.value.message
    assert HUSH not in caught.value.message


async def test_user_and_password_beside_the_address() -> None:
    route = await Proxies("p:1", "m:é", HUSH).route(Origin.parse("https://s3.test"))
    assert route.proxy is not None
    assert decoded(route.proxy.authorization) == f"m:é:{HUSH}".encode()
    assert HUSH not in repr(route)


async def test_a_host_that_could_be_taken_for_another() -> None:
    for host in ("s3.test\\@evil.test", "s3 .test"):
        with pytest.raises(StorageError) as caught:
            await Proxies("p:1").route(Origin("http", host, 80))
        assert caught.value.kind is ErrorKind.CONFIG_INVALID
