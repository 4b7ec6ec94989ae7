"""The client against a server that lies: every failure is a sentence, and no secret leaves."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net.client import ClientOptions, HttpClient
from dalbrowser.storage.net.message import HttpRequest, Origin
from dalbrowser.storage.net.observe import HIDDEN, redact_headers, redact_url
from tests.servers import lying
from tests.servers.lying import LyingServer
from tests.servers.process import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.storage.types import HttpExchange
    from tests.servers.ceph import Ceph
    from tests.servers.s3_server import S3Server


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient(ClientOptions(connect=2, idle=0.3))
    yield made
    await made.aclose()


@pytest.fixture
async def server() -> AsyncIterator[LyingServer]:
    async with LyingServer() as running:
        yield running


def ask(server: LyingServer, method: str = "GET", **more: object) -> HttpRequest:
    return HttpRequest(method, Origin.parse(server.endpoint), "/x", **more)  # type: ignore[arg-type]


async def read(client: HttpClient, request: HttpRequest, limit: int = 1 << 20) -> bytes:
    return await (await client.send(request)).read_all(limit)


async def failure(client: HttpClient, request: HttpRequest) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await read(client, request)
    return caught.value


async def test_what_is_sent(client: HttpClient, server: LyingServer) -> None:
    blocks = [b"one", memoryview(b"two"), bytearray(b"three" * 400_000)]
    server.answer = lying.reply(201, b"fine", {"X-A": "b"})
    reply = await client.send(ask(server, "PUT", headers={"x-b": "c"}, body=blocks))
    assert (reply.status, reply.headers["x-a"]) == (201, "b")
    assert await reply.read_all(10) == b"fine"
    (seen,) = server.seen
    assert seen.body == b"".join(bytes(block) for block in blocks)
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["x-b"] == "c"
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"
    assert "expect" not in seen.headers


async def test_stored_bytes_are_not_decoded(client: HttpClient, server: LyingServer) -> None:
    server.answer = lying.reply(200, b"\x1f\x8bnot gzip", {"Content-Encoding": "gzip"})
    assert await read(client, ask(server)) == b"\x1f\x8bnot gzip"


async def test_short_body(client: HttpClient, server: LyingServer) -> None:
    server.answer = lying.reply(200, b"short", claim=10, then_close=True)
    error = await failure(client, ask(server))
    assert (error.kind, error.status) == (ErrorKind.CONTENT_INCOMPLETE, ErrorStatus.TEMPORARY)


async def test_long_body_is_an_error_and_never_the_next_answer(
    client: HttpClient, server: LyingServer
) -> None:
    smuggled = b"too much" + lying.response(200, {}, 4) + b"evil"
    server.answer = lying.reply(200, smuggled, claim=3)
    error = await failure(client, ask(server))
    assert (error.kind, error.status) == (ErrorKind.CONTENT_TRUNCATED, ErrorStatus.TEMPORARY)
    server.answer = lying.reply(200, b"next")
    assert await read(client, ask(server)) == b"next"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lying.silence(), ErrorKind.UNEXPECTED),
        (lying.hang_up(), ErrorKind.UNEXPECTED),
        (lying.reply(200, b"never all", claim=99), ErrorKind.UNEXPECTED),
    ],
    ids=["silence", "hang up", "stall"],
)
async def test_silence_and_hanging_up_are_temporary(
    client: HttpClient, server: LyingServer, answer: lying.Answer, kind: ErrorKind
) -> None:
    server.answer = answer
    error = await failure(client, ask(server))
    assert (error.kind, error.status) == (kind, ErrorStatus.TEMPORARY)
    assert "127.0.0.1" in error.message


async def test_never_ending_body_is_given_up(client: HttpClient, server: LyingServer) -> None:
    server.answer = lying.never_ending()
    error = await failure(client, ask(server))
    assert error.kind is ErrorKind.UNEXPECTED
    assert "1048576 bytes" in error.message


async def test_a_body_given_up_frees_its_connection(
    client: HttpClient, server: LyingServer
) -> None:
    server.answer = lying.never_ending()
    for _ in range(5):
        reply = await client.send(ask(server))
        assert await reply.next()
        await reply.aclose()
        await reply.aclose()
        assert await reply.next() is None
    server.answer = lying.reply(200, b"ok")
    assert await read(client, ask(server)) == b"ok"


async def test_redirects_are_not_followed(client: HttpClient, server: LyingServer) -> None:
    async with LyingServer() as other:
        server.answer = lying.reply(307, b"", {"Location": f"{other.endpoint}/stolen"})
        reply = await client.send(ask(server, headers={"authorization": "secret"}))
        assert reply.status == 307
        await reply.aclose()
        assert other.seen == []


async def test_no_cookie_is_kept(client: HttpClient, server: LyingServer) -> None:
    server.answer = lying.reply(200, b"", {"Set-Cookie": "id=1; Path=/"})
    for _ in range(2):
        await read(client, ask(server))
    assert all("cookie" not in seen.headers for seen in server.seen)


async def test_dead_endpoint_and_unknown_host(client: HttpClient) -> None:
    for endpoint, words in (
        (f"http://127.0.0.1:{free_ports(1)[0]}", "Nothing answers at"),
        ("http://no-such-host.invalid", "not known"),
    ):
        error = await failure(client, HttpRequest("GET", Origin.parse(endpoint), "/"))
        assert (error.kind, error.status) == (ErrorKind.UNEXPECTED, ErrorStatus.TEMPORARY)
        assert words in error.message
        assert "Check the endpoint" in error.message


async def test_tls_failures(client: HttpClient, ceph_s3_tls: S3Server) -> None:
    error = await failure(client, HttpRequest("GET", Origin.parse(ceph_s3_tls.endpoint), "/"))
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert "not trusted" in error.message
    assert "CA certificate" in error.message
    speaks_first = await asyncio.start_server(_speak_clear_text, "127.0.0.1", 0)
    async with speaks_first:
        port = speaks_first.sockets[0].getsockname()[1]
        error = await failure(client, HttpRequest("GET", Origin("https", "127.0.0.1", port), "/"))
    assert error.kind is ErrorKind.CONFIG_INVALID
    assert "http://" in error.message


async def _speak_clear_text(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def test_private_ca(ceph_s3_tls: S3Server, tmp_path: Path) -> None:
    request = HttpRequest("GET", Origin.parse(ceph_s3_tls.endpoint), "/")
    trusting = HttpClient(ClientOptions(ca_file=ceph_s3_tls.ca))
    assert (await trusting.send(request)).status == 200
    await trusting.aclose()
    blind = HttpClient(ClientOptions(verify=False))
    assert (await blind.send(request)).status == 200
    await blind.aclose()
    (tmp_path / "bad.pem").write_text("no certificate")
    for name in ("bad.pem", "missing.pem"):
        wrong = HttpClient(ClientOptions(ca_file=str(tmp_path / name)))
        error = await failure(wrong, request)
        assert error.kind is ErrorKind.CONFIG_INVALID
        assert name in error.message
        await wrong.aclose()


async def test_cancelling_frees_the_connection(client: HttpClient, server: LyingServer) -> None:
    arrived = asyncio.Event()

    async def take_it(_: lying.Seen, __: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    server.answer = take_it
    task = asyncio.create_task(client.send(ask(server)))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.answer = lying.reply(200, b"ok")
    assert await read(client, ask(server)) == b"ok"


async def test_a_closed_client_says_so(server: LyingServer) -> None:
    client = HttpClient()
    await client.aclose()
    await client.aclose()
    error = await failure(client, ask(server))
    assert "closed" in error.message


async def test_exchanges_are_observed_without_secrets(
    client: HttpClient, server: LyingServer
) -> None:
    seen: list[HttpExchange] = []
    client.observe(seen.append)
    server.answer = lying.reply(200, b"12345", {"x-amz-request-id": "r1", "Set-Cookie": "s3cret"})
    request = ask(
        server,
        "PUT",
        headers={"authorization": "s3cret", "x-amz-security-token": "s3cret", "x-a": "plain"},
        body=[b"abc"],
    )
    request.target = "/x?X-Amz-Signature=s3cret&a=b"
    await read(client, request)
    server.answer = lying.hang_up()
    await failure(client, ask(server))
    first, second = seen
    assert (first.method, first.status, first.sent, first.received) == ("PUT", 200, 3, 5)
    assert first.request_id == "r1"
    assert first.seconds >= 0
    assert "s3cret" not in f"{first.url}{first.request_headers}{first.response_headers}"
    assert ("x-a", "plain") in first.request_headers
    assert second.status is None
    assert second.error


def test_redaction() -> None:
    assert redact_headers([("Authorization", "a"), ("X-Api-Key", "b"), ("ETag", "c")]) == (
        ("Authorization", HIDDEN),
        ("X-Api-Key", HIDDEN),
        ("ETag", "c"),
    )
    assert redact_url("http://h/p?X-Amz-Credential=abc&x=1&sig=d") == (
        f"http://h/p?X-Amz-Credential={HIDDEN}&x=1&sig={HIDDEN}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3.example.com",
        "127.0.0.1:9000",
        "ftp://x",
        "http://",
        "http://x:port",
        "s3://b",
        "http://é..a",
    ],
)
def test_endpoints_that_cannot_be_used(text: str) -> None:
    with pytest.raises(StorageError) as caught:
        Origin.parse(text)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    assert "Write it like" in caught.value.message


def test_credentials_in_an_endpoint_are_refused_and_not_repeated() -> None:
    with pytest.raises(StorageError) as caught:
        Origin.parse("http://key:s3cret@host")
    assert "s3cret" not in str(caught.value)


def test_authority() -> None:
    assert Origin.parse("https://h").authority == "h"
    assert Origin.parse("https://h:80").authority == "h:80"
    assert Origin.parse("http://[::1]:90").authority == "[::1]:90"
    assert str(Origin.parse("https://Bücher.example")) == "https://xn--bcher-kva.example"
    assert Origin.parse("http://b.localhost").connect_host == "localhost"
    assert ssl.HAS_TLSv1_2


async def test_who_answers_in_a_proven_servers_place_is_waited_out(ceph_cluster: Ceph) -> None:
    """As a hotel's network does until somebody has logged in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ceph_cluster.folder / "server.pem", ceph_cluster.folder / "server.key")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    (port,) = free_ports(1)
    request = HttpRequest("GET", Origin.parse(f"https://127.0.0.1:{port}"), "/x")
    client = HttpClient(ClientOptions(connect=2, ca_file=ceph_cluster.https.ca))
    for tls, message, status in (
        (None, "Check the port", ErrorStatus.PERMANENT),
        (context, "", None),
        (None, "log in first", ErrorStatus.TEMPORARY),
        (context, "", None),
    ):
        async with await asyncio.start_server(answer, "127.0.0.1", port, ssl=tls):
            if status is None:
                assert await read(client, request) == b"ok"
                continue
            error = await failure(client, request)
            assert (error.status, message in error.message) == (status, True)
    await client.aclose()
