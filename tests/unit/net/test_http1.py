"""The transport: chunks, early answers, reuse of connections, back-pressure and deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.net import link as link_module
from dalbrowser.storage.net.client import ClientOptions, HttpClient
from dalbrowser.storage.net.link import Link
from dalbrowser.storage.net.message import HttpRequest, Origin
from tests.servers import lying
from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient(ClientOptions(connect=2, idle=0.5, connections=4))
    yield made
    await made.aclose()


@pytest.fixture
async def server() -> AsyncIterator[LyingServer]:
    async with LyingServer() as running:
        yield running


def ask(server: LyingServer, method: str = "GET", body: tuple[bytes, ...] = ()) -> HttpRequest:
    return HttpRequest(method, Origin.parse(server.endpoint), "/x", {}, body)


def raw_answer(data: bytes, pieces: int = 0, *, close: bool = False) -> lying.Answer:
    """Answer with these very bytes, in one go or ``pieces`` bytes at a time."""

    async def answer(_: lying.Seen, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(data), pieces or len(data)):
            writer.write(data[at : at + (pieces or len(data))])
            await writer.drain()
        if close:
            writer.close()

    return answer


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("pieces", [0, 1, 2, 7])
async def test_chunks(client: HttpClient, server: LyingServer, pieces: int) -> None:
    body = b"5\r\nhello\r\n1;ext=1\r\n \r\n005\r\nworld\r\n0\r\nTrailer: x\r\n\r\n"
    server.answer = raw_answer(CHUNKED + body, pieces)
    for _ in range(2):
        reply = await client.send(ask(server))
        assert await reply.read_all(100) == b"hello world"
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (CHUNKED + b"5\r\nhel", ErrorKind.CONTENT_INCOMPLETE),
        (CHUNKED + b"5\r\nhello\r\n", ErrorKind.CONTENT_INCOMPLETE),
        (CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n", ErrorKind.CONTENT_INCOMPLETE),
        (CHUNKED + b"zz\r\n", ErrorKind.CONTENT_INCOMPLETE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", ErrorKind.CONTENT_INCOMPLETE),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ErrorKind.UNEXPECTED),
        (b"220 ftp.example.com\r\n\r\n", ErrorKind.UNEXPECTED),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000, ErrorKind.UNEXPECTED),
    ],
)
async def test_broken_replies(
    client: HttpClient, server: LyingServer, data: bytes, kind: ErrorKind
) -> None:
    server.answer = raw_answer(data, close=True)
    with pytest.raises(StorageError) as caught:
        await (await client.send(ask(server))).read_all(1000)
    assert (caught.value.kind, caught.value.status) == (kind, ErrorStatus.TEMPORARY)


async def test_interim_replies_are_passed_over(client: HttpClient, server: LyingServer) -> None:
    server.answer = raw_answer(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nok"
    )
    reply = await client.send(ask(server))
    assert (reply.status, await reply.read_all(10)) == (201, b"ok")


async def test_a_body_up_to_the_close(client: HttpClient, server: LyingServer) -> None:
    server.answer = raw_answer(b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True)
    assert await (await client.send(ask(server))).read_all(100) == b"all of it"


async def test_connections_are_used_again(server: LyingServer, client: HttpClient) -> None:
    ports: set[int] = set()

    async def note(_: lying.Seen, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        writer.write(lying.response(200, {}, 2) + b"ok")

    server.answer = note
    for _ in range(5):
        await (await client.send(ask(server))).read_all(10)
    assert len(ports) == 1
    replies = await asyncio.gather(*(client.send(ask(server)) for _ in range(3)))
    for reply in replies:
        await reply.read_all(10)
    assert len(ports) == 3


async def test_a_connection_that_the_server_closed_is_not_used(
    server: LyingServer, client: HttpClient
) -> None:
    server.answer = lying.reply(200, b"ok", then_close=True)
    for _ in range(3):
        assert await (await client.send(ask(server))).read_all(10) == b"ok"
        await asyncio.sleep(0)


async def test_at_most_so_many_at_once(server: LyingServer, client: HttpClient) -> None:
    at_once = most = 0

    async def count(_: lying.Seen, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _turn in range(20):
            await asyncio.sleep(0)
        at_once -= 1
        writer.write(lying.response(200, {}, 0))

    server.answer = count
    await asyncio.gather(*(client.send(ask(server)) for _ in range(20)))
    assert most <= 4
    assert len(server.seen) == 20


async def test_an_early_answer_counts(client: HttpClient) -> None:
    """A server that refuses before it has read the body is heard, not waited for."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(lying.response(403, {"Connection": "close"}, 2) + b"no")
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            while await reader.read(1 << 16):
                continue
        writer.close()
        over.set()

    over = asyncio.Event()
    running = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with running:
        origin = Origin("http", "127.0.0.1", running.sockets[0].getsockname()[1])
        body = [bytes(1 << 20)] * 64
        reply = await client.send(HttpRequest("PUT", origin, "/x", {}, body))
        assert (reply.status, await reply.read_all(10)) == (403, b"no")
        await over.wait()


@pytest.mark.parametrize("half_closes", [False, True])
async def test_an_early_answer_counts_where_the_body_is_not_taken(
    client: HttpClient, *, half_closes: bool
) -> None:
    """A body that nobody takes any more is not waited for once the answer is there."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await full.wait()
        writer.write(lying.response(403, {}, 2) + b"no")
        await writer.drain()
        if half_closes:
            writer.write_eof()
        await heard.wait()
        writer.close()
        over.set()

    full, heard, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, full.set)
    running = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with running:
        origin = Origin("http", "127.0.0.1", running.sockets[0].getsockname()[1])
        body = [bytes(1 << 20)] * 64
        reply = await client.send(HttpRequest("PUT", origin, "/x", {}, body))
        assert (reply.status, await reply.read_all(10)) == (403, b"no")
        heard.set()
        await over.wait()


async def test_a_body_goes_on_after_an_interim_reply(client: HttpClient) -> None:
    """100 Continue says go on; who stops there waits for an answer that cannot come."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()
            body = await reader.readexactly(8 << 20)
            writer.write(lying.response(200, {}, 1) + (b"1" if body == sent else b"0"))
            await writer.drain()
        writer.close()
        over.set()

    over = asyncio.Event()
    sent = bytes(range(256)) * (8 << 12)
    running = await asyncio.start_server(take, "127.0.0.1", 0)
    async with running:
        origin = Origin("http", "127.0.0.1", running.sockets[0].getsockname()[1])
        for _ in range(2):
            reply = await client.send(HttpRequest("PUT", origin, "/x", {}, [sent]))
            assert (reply.status, await reply.read_all(10)) == (200, b"1")
        await over.wait()


async def test_a_connection_with_an_unsent_rest_is_not_used_again(client: HttpClient) -> None:
    """The next request would be taken for the rest of the body that was refused."""
    gone: list[asyncio.Event] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = asyncio.Event()
        gone.append(over)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(lying.response(503, {}, 2) + b"no")
        await heard.wait()
        writer.close()
        over.set()

    heard = asyncio.Event()
    running = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with running:
        origin = Origin("http", "127.0.0.1", running.sockets[0].getsockname()[1])
        body = [bytes(1 << 19)] * 8
        for _ in range(2):
            reply = await client.send(HttpRequest("PUT", origin, "/x", {}, body))
            assert (reply.status, await reply.read_all(10)) == (503, b"no")
        heard.set()
        assert len(gone) == 2
        await asyncio.gather(*(over.wait() for over in gone))


async def test_a_server_that_takes_no_bytes(client: HttpClient) -> None:
    async def ignore(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gone.wait()
        writer.close()
        over.set()

    gone, over = asyncio.Event(), asyncio.Event()
    running = await asyncio.start_server(ignore, "127.0.0.1", 0)
    async with running:
        origin = Origin("http", "127.0.0.1", running.sockets[0].getsockname()[1])
        with pytest.raises(StorageError) as caught:
            await client.send(HttpRequest("PUT", origin, "/x", {}, [bytes(1 << 20)] * 64))
        gone.set()
        await over.wait()
    assert caught.value.status is ErrorStatus.TEMPORARY
    assert "silent" in caught.value.message


async def test_a_slow_reader_holds_the_server_back(client: HttpClient, server: LyingServer) -> None:
    written = 0

    async def pour(_: lying.Seen, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(lying.response(200, {}, 256 << 20))
        for _block in range(256):
            writer.write(bytes(1 << 20))
            await writer.drain()
            written += 1

    server.answer = pour
    reply = await client.send(ask(server))
    for _ in range(200):
        await asyncio.sleep(0)
    assert written < 64
    size = 0
    while (block := await reply.next()) is not None:
        size += len(block)
    assert size == 256 << 20


async def test_large_bodies_arrive_whole(client: HttpClient, server: LyingServer) -> None:
    blocks = tuple(bytes([n]) * (n * 70_001) for n in range(1, 30))
    await (await client.send(ask(server, "PUT", blocks))).read_all(10)
    assert server.seen[0].body == b"".join(blocks)


async def test_a_name_whose_first_address_refuses(
    client: HttpClient, server: LyingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.endpoint.rpartition(":")[2])
    asked: list[tuple[str, int]] = []

    class Loop:
        """The running loop, with a resolver of its own."""

        def __getattr__(self, name: str) -> object:
            return getattr(running, name)

        async def getaddrinfo(self, host: str, number: int, **_: object) -> list[object]:
            asked.append((host, number))
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            # Nothing listens at the first address: the loopback network has many.
            return [(*kind, ("127.0.0.99", port)), (*kind, ("127.0.0.1", port))]

    running = asyncio.get_running_loop()
    monkeypatch.setattr("dalbrowser.storage.net.http1.asyncio.get_running_loop", Loop)
    server.answer = raw_answer(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n")
    origin = Origin.parse(f"http://twice.test:{port}")
    reply = await client.send(HttpRequest("GET", origin, "/x", {}))
    assert await reply.read_all(100) == b"hello"
    assert asked == [("twice.test", port)]


async def test_a_name_that_nobody_knows(client: HttpClient) -> None:
    with pytest.raises(StorageError) as caught:
        await client.send(HttpRequest("GET", Origin.parse("http://nowhere.invalid"), "/x", {}))
    assert "nowhere.invalid" in caught.value.message


async def test_a_connection_that_went_while_it_was_written_to_can_be_put_away() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    _, link = await loop.create_connection(lambda: Link(loop), sock=ours)
    writing = asyncio.ensure_future(link.write(b"x" * (4 << 20), 5))
    await asyncio.sleep(0)
    # The peer says no more, yet takes what is still on its way.
    theirs.shutdown(socket.SHUT_WR)
    taken = 0
    while not link.lost.done():
        with contextlib.suppress(BlockingIOError):
            taken += len(theirs.recv(1 << 20))
        await asyncio.sleep(0)
    link.abort()
    await writing
    assert taken
    theirs.close()


async def test_a_connection_that_slept_with_the_computer_is_not_used_again(
    client: HttpClient, server: LyingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports: list[int] = []

    async def note(_: lying.Seen, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        writer.write(lying.response(200, {}, 2) + b"ok")

    server.answer = note
    for slept in (0.0, 1.0, 3600.0):
        now = link_module.clock() + slept
        monkeypatch.setattr("dalbrowser.storage.net.http1.clock", lambda now=now: now)
        await (await client.send(ask(server))).read_all(10)
    assert ports[0] == ports[1] != ports[2]
