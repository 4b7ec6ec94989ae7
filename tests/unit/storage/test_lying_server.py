"""Servers that lie, seen through the whole operator: no wrong byte is handed on as success.

Each lie is told over real TCP; what the operator answers with and without retries is
compared with what was really stored.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.storage import (
    ByteRange,
    ErrorKind,
    ErrorStatus,
    Operator,
    Part,
    RetryLayer,
    StorageError,
    TimeoutLayer,
)
from dalbrowser.storage.net.pace import set_pace
from tests.servers import lying
from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.servers.lying import Answer, Seen

DATA = os.urandom(300_000)
K = ErrorKind


class Waits:
    """Notes how long retries would wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float, /) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def opened(answer: Answer, **layer: Any) -> AsyncIterator[tuple[Operator, LyingServer]]:
    """An operator on a lying server, with retries where ``layer`` says how."""
    async with LyingServer(answer) as server:
        op = Operator("s3", **server.s3.operator_config("bucket"))
        if layer:
            op = op.layer(TimeoutLayer()).layer(RetryLayer(**layer))
        async with op:
            yield op, server


async def failed(call: Awaitable[object]) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await call
    return caught.value


def asked(seen: Seen) -> tuple[int, int]:
    """Return the range of a request, end exclusive."""
    value = seen.headers.get("range")
    if value is None:
        return 0, len(DATA)
    start, _, end = value.removeprefix("bytes=").partition("-")
    return int(start), int(end) + 1 if end else len(DATA)


def object_answer(sent: Callable[[int], int], etag: Callable[[int], str]) -> Answer:
    """Serve ``DATA``, of which reply ``n`` brings ``sent(n)`` bytes before it hangs up."""
    count = 0

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        start, end = asked(seen)
        headers = {"ETag": etag(count)}
        if "range" in seen.headers:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(DATA)}"
        if seen.headers.get("if-match", headers["ETag"]) != headers["ETag"]:
            await lying.error(412, "PreconditionFailed")(seen, writer)
            return
        block = DATA[start : min(end, start + sent(count))]
        count += 1
        short = len(block) < end - start
        status = 206 if "range" in seen.headers else 200
        await lying.reply(status, block, headers, claim=end - start, then_close=short)(seen, writer)

    return answer


async def test_a_short_body_is_incomplete() -> None:
    async with opened(object_answer(lambda _: 1000, lambda _: '"e"')) as (op, _):
        error = await failed(op.read("k"))
    assert (error.kind, error.status) == (K.CONTENT_INCOMPLETE, ErrorStatus.TEMPORARY)


@pytest.mark.parametrize("options", [{}, {"chunk": 100_000, "concurrent": 3}])
async def test_a_cut_stream_goes_on_at_the_byte_reached(options: dict[str, Any]) -> None:
    answer = object_answer(lambda n: 40_000 + n, lambda _: '"e"')
    async with opened(answer, base=0.001) as (op, server):
        assert await op.read("k", **options) == DATA
        starts = sorted(asked(seen)[0] for seen in server.seen)
        assert len(set(starts)) == len(starts) > 4
        assert {seen.headers.get("if-match") for seen in server.seen[1:]} == {'"e"'}


async def test_a_cut_stream_never_goes_on_with_another_object() -> None:
    answer = object_answer(lambda _: 40_000, lambda n: f'"{n}"')
    async with opened(answer, base=0.001) as (op, _):
        assert (await failed(op.read("k"))).kind is K.CONDITION_NOT_MATCH


async def test_a_long_body_is_never_a_success() -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        headers = {"ETag": '"e"', "Content-Range": "bytes 0-9/300000"}
        await lying.reply(206, DATA[:20], headers, claim=20)(seen, writer)

    async with opened(answer) as (op, _):
        error = await failed(op.read("k", range=ByteRange(0, 10)))
    assert error.kind in {K.CONTENT_TRUNCATED, K.UNEXPECTED}


@pytest.mark.parametrize("what", ["copy", "complete"])
async def test_a_200_with_an_error_is_an_error_and_tried_again(what: str) -> None:
    wrong = lying.reply(200, b"  \n<Error><Code>InternalError</Code></Error>")
    good = b"<CompleteMultipartUploadResult><ETag>e-1</ETag></CompleteMultipartUploadResult>"
    if what == "copy":
        good = b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.method == "HEAD":
            await lying.reply(200, b"", {"ETag": '"e"'}, claim=3)(seen, writer)
        elif seen.method == "GET":
            parts = b"<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"
            await lying.reply(200, parts)(seen, writer)
        else:
            await (wrong if len(failures) < 2 else lying.reply(200, good))(seen, writer)
            failures.append(seen)

    failures: list[Seen] = []
    async with opened(answer, base=0.001) as (op, _):
        if what == "copy":
            await op.copy("a", "b")
        else:
            await op.into_multipart("k", "u").complete([Part(1, 1, '"e"')])
    assert len(failures) == 3


async def test_503_waits_as_long_as_the_server_asks() -> None:
    waits = Waits()
    slow = lying.error(503, "SlowDown", headers={"Retry-After": "7"})
    good = lying.reply(200, b"", {"ETag": '"e"'}, claim=5)
    async with opened(lying.in_turn(slow, slow, good), sleep=waits, base=0.001) as (op, server):
        assert (await op.stat("k")).content_length == 5
        assert len(server.seen) == 3
    assert waits.seconds == [7.0, 7.0]


def bomb() -> bytes:
    """Nine entities of ten of the one before: a billion times ten bytes, in a kilobyte."""
    lines = ['<!ENTITY a0 "lollollol!">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    return f"<!DOCTYPE x [{''.join(lines)}]><ListBucketResult>&a9;</ListBucketResult>".encode()


@pytest.mark.parametrize(
    "body",
    [
        bomb(),
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult>&a;'
        b"</ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key></Contents>",
        b"<html>Log in</html>",
        b"\x00\xff",
        b"<a>" * 100_000,
    ],
    ids=["bomb", "outside", "cut", "html", "bytes", "deep"],
)
async def test_listings_that_are_none(body: bytes) -> None:
    async with opened(lying.reply(200, body)) as (op, _), asyncio.timeout(5):
        for call in (op.list(""), op.list("", recursive=True), op.list_buckets()):
            error = await failed(call)
            assert error.kind is K.UNEXPECTED
            assert "root:" not in str(error)
            assert len(str(error)) < 1000


async def test_ten_megabytes_of_error_are_not_read() -> None:
    body = b"<Error><Code>InternalError</Code>" + b"x" * 10_000_000
    async with opened(lying.reply(500, body)) as (op, _):
        for call in (op.read("k"), op.list(""), op.write("k", b"x")):
            error = await failed(call)
            assert error.status is ErrorStatus.TEMPORARY
            assert len(str(error)) < 1000


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_credentials_follow_no_redirect(status: int) -> None:
    async with LyingServer() as thief:
        there = {"Location": f"{thief.endpoint}/bucket/k"}
        async with opened(lying.reply(status, b"", there), base=0.001) as (op, _):
            for call in (op.read("k"), op.stat("k"), op.write("k", b"x"), op.delete("k")):
                assert (await failed(call)).kind is K.CONFIG_INVALID
        assert thief.seen == []


@pytest.mark.parametrize("status", [200, 403, 500])
async def test_never_ending_answers_are_given_up(status: int) -> None:
    async with opened(lying.never_ending(status)) as (op, _), asyncio.timeout(20):
        for call in (op.list(""), op.copy("a", "b", if_not_exists=False), op.delete("k")):
            try:
                await call
            except StorageError as error:
                assert len(str(error)) < 1000  # noqa: PT017 - a delete that is answered 200 worked
            else:
                assert status == 200


async def test_a_never_ending_range_is_cut_at_its_end() -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if "range" not in seen.headers:
            await lying.never_ending()(seen, writer)
            return
        start, end = asked(seen)
        head = {"Content-Range": f"bytes {start}-{end - 1}/{len(DATA)}", "ETag": '"e"'}
        writer.write(lying.response(206, {**head, "Transfer-Encoding": "chunked"}, None))
        while True:
            writer.write(b"10000\r\n%s\r\n" % bytes(65536))
            await writer.drain()

    async with opened(answer) as (op, _), asyncio.timeout(10):
        error = await failed(op.read("k", range=ByteRange(0, 100_000)))
        assert error.kind in {K.CONTENT_TRUNCATED, K.UNEXPECTED}
        async with op.reader("k") as reader:  # As much as is asked for, and no more.
            assert len(await reader.read(100_000)) <= 100_000


class Slow:
    """A pace at which each block has to wait for longer than a server may be silent."""

    step = 65536

    def __init__(self) -> None:
        self.waited = 0

    async def sending(self, size: int) -> None:
        """Send at any rate."""

    async def received(self, size: int) -> None:
        self.waited += 1
        await asyncio.sleep(0.15)


async def test_a_limit_of_the_rate_is_no_silence_of_the_server() -> None:
    """Many slow downloads beside each other wait for their turns, and none is begun anew."""
    pace = Slow()
    async with opened(lying.reply(200, DATA, {"ETag": '"1"'})) as (op, server):
        set_pace(pace)
        assert await op.layer(TimeoutLayer(between=0.05)).read("a") == DATA
        assert len(server.seen) == 1
    set_pace(None)
    assert pace.waited > 1


async def test_silence_counts_again_once_a_block_has_passed() -> None:
    async def stall(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(lying.response(200, {"ETag": '"1"'}, len(DATA)) + DATA[:1000])
        await writer.drain()
        await heard.wait()

    heard = asyncio.Event()
    async with opened(stall) as (op, server):
        set_pace(Slow())
        error = await failed(op.layer(TimeoutLayer(between=0.05)).read("a"))
        heard.set()
        assert len(server.seen) == 1
    set_pace(None)
    assert error.is_temporary
    assert "0.05 seconds" in error.message
