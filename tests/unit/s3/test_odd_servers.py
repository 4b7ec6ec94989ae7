"""What a server that forgets, repeats, or answers another question may not bring about."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import gzip
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from dalbrowser.storage import Operator, RetryLayer, TimeoutLayer
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.options import OpPresign, OpRead, OpWrite
from dalbrowser.storage.services.s3 import S3, S3Config, errors, replies
from dalbrowser.storage.services.s3.ahead import AheadLister, Source
from dalbrowser.storage.types import Entry, Metadata, Page, Part
from tests.servers.lying import Answer, LyingServer, in_turn, reply, response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.lying import Seen

XML = "http://s3.amazonaws.com/doc/2006-03-01/"


def listing(*keys: str, more: str = "") -> bytes:
    """Return a page of these keys; ``more`` says where the next one is."""
    found = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)
    truncated = "true" if more else "false"
    return (
        f'<ListBucketResult xmlns="{XML}"><IsTruncated>{truncated}</IsTruncated>'
        f"{more}{found}</ListBucketResult>"
    ).encode()


@asynccontextmanager
async def connected(answer: Answer, **more: object) -> AsyncIterator[tuple[Operator, LyingServer]]:
    async with (
        LyingServer(answer) as server,
        Operator("s3", **(server.s3.operator_config("b") | more)) as op,
    ):
        yield op, server


OUTSIDE = [
    ("listing", listing("dir/a", "other/b")),
    ("prefixes", listing("dir/a", more="<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>")),
    ("no key", listing("dir/a", "")),
]


@pytest.mark.parametrize("root", ["", "team"])
@pytest.mark.parametrize(("_name", "page"), OUTSIDE, ids=[name for name, _ in OUTSIDE])
async def test_nothing_outside_what_was_asked_for_is_deleted(
    root: str, _name: str, page: bytes
) -> None:
    """A cache before the server that forgets the query answers with the whole bucket."""
    if root:
        page = page.replace(b"dir/", b"team/dir/")
    async with connected(reply(body=page), root=root, exact_keys="send") as (op, server):
        with pytest.raises(StorageError, match="asked for"):
            await op.remove_all("dir/")
    assert {seen.method for seen in server.seen} <= {"GET", "HEAD"}


async def test_versions_and_uploads_outside_are_refused_too() -> None:
    versions = (
        f'<ListVersionsResult xmlns="{XML}"><Version><Key>other/b</Key><VersionId>1</VersionId>'
        "<IsLatest>true</IsLatest><Size>1</Size></Version></ListVersionsResult>"
    )
    uploads = (
        f'<ListMultipartUploadsResult xmlns="{XML}"><Upload><Key>other/b</Key>'
        "<UploadId>1</UploadId></Upload></ListMultipartUploadsResult>"
    )
    async with connected(reply(body=versions.encode())) as (op, _):
        with pytest.raises(StorageError, match="asked for"):
            await op.list("dir/", versions=True)
    async with connected(reply(body=uploads.encode())) as (op, _):
        with pytest.raises(StorageError, match="asked for"):
            assert [each async for each in op.list_multiparts("dir/")]


@pytest.mark.parametrize("length", [2, 3, 7])
async def test_tokens_that_turn_in_a_circle_are_an_error(length: int) -> None:
    async def get(token: str | None) -> bytes:
        return (token or "0").encode()

    async def read(text: bytes) -> tuple[Page, str | None]:
        number = int(text)
        following = number + 1 if number < 10 else 10 - length + 1
        return Page([Entry(str(number), Metadata())]), str(following)

    lister = AheadLister(Source(get, read))

    async def to_the_end() -> None:
        while await lister.next_page() is not None:
            pass

    with pytest.raises(StorageError, match="twice"):
        await asyncio.wait_for(to_the_end(), 10)
    await lister.aclose()


async def test_a_cancellation_is_heard_while_the_page_ahead_is_given_up() -> None:
    async def get(token: str | None) -> bytes:
        if token != "wrong":
            return (token or "0").encode()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
            await closed.wait()
        return b""

    async def read(text: bytes) -> tuple[Page, str | None]:
        await asyncio.sleep(0)
        return Page([]), str(int(text) + 1)

    given_up, closed = asyncio.Event(), asyncio.Event()
    lister = AheadLister(Source(get, read, lambda _: "wrong"))
    await lister.next_page()

    async def go_on() -> str:
        await lister.next_page()
        return "went on"

    task = asyncio.create_task(go_on())
    async with asyncio.timeout(10):
        await given_up.wait()
    task.cancel()
    asyncio.get_running_loop().call_later(0.05, closed.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    await closed.wait()
    await asyncio.sleep(0)
    await lister.aclose()


async def test_a_page_that_comes_slowly_is_waited_for() -> None:
    """A thousand long keys are megabytes, and a hotel's network brings some kilobytes a second."""
    page = listing(*(f"dir/{number}" for number in range(100)))

    async def slowly(_: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, {}, len(page)))
        for at in range(0, len(page), len(page) // 10):
            writer.write(page[at : at + len(page) // 10])
            await writer.drain()
            await asyncio.sleep(0.03)

    async with connected(slowly, exact_keys="send") as (op, server):
        patient = op.layer(TimeoutLayer(call=0.15)).layer(RetryLayer(attempts=2, base=0.0))
        assert len(await patient.list("dir/")) == 100
    assert len(server.seen) == 1


async def test_a_folder_on_a_server_with_the_old_listing_only() -> None:
    page = listing("dir/a", more="<NextMarker></NextMarker>")
    answer = in_turn(reply(404), reply(404), reply(body=page))
    async with connected(answer, list_version="1", exact_keys="send") as (op, server):
        assert (await op.stat("dir/")).is_dir
    assert all(b"list-type" not in seen.query for seen in server.seen)


@pytest.mark.parametrize(
    "part", ["<PartNumber>1</PartNumber>", "<PartNumber>x</PartNumber><Size>1</Size>", ""]
)
def test_parts_without_numbers_are_an_error_that_says_so(part: str) -> None:
    body = f'<ListPartsResult xmlns="{XML}"><Part>{part}</Part></ListPartsResult>'.encode()
    with pytest.raises(StorageError) as caught:
        replies.parts(body)
    assert caught.value.kind is ErrorKind.UNEXPECTED


def config(**more: object) -> S3Config:
    values: dict[str, object] = {
        "endpoint": "http://127.0.0.1:1",
        "bucket": "b",
        "access_key_id": "a",
        "secret_access_key": "s",
        "region": "us-east-1",
    }
    return S3Config(**(values | more))  # type: ignore[arg-type]


async def test_links_into_a_bucket_whose_reader_pays_say_so() -> None:
    """S3 User Guide, "Using Requester Pays buckets": in a link it is a parameter, signed."""
    s3 = S3(config(requester_pays=True))
    for operation in (OpRead(), OpWrite()):
        link = await s3.presign("k", OpPresign(operation=operation, expires=timedelta(hours=1)))
        query = parse_qs(link.url.partition("?")[2])
        assert query["x-amz-request-payer"] == ["requester"]
        assert link.headers == {}
    plain = await S3(config()).presign("k", OpPresign(operation=OpRead(), expires=timedelta(1)))
    assert "payer" not in plain.url


def unpacking(stored: bytes) -> Answer:
    """Answer as R2 and Google do: what is stored packed comes unpacked to who takes no gzip."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        told = {"ETag": '"1"', "Content-Encoding": "gzip"}
        if seen.headers["accept-encoding"] == "gzip":
            packed = stored if seen.method == "GET" else b""
            writer.write(response(200, told, len(stored)) + packed)
        else:
            body = gzip.decompress(stored)
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            coded = {"ETag": '"1"', "Transfer-Encoding": "chunked"}
            writer.write(response(200, coded, None) + (chunks if seen.method == "GET" else b""))
        await writer.drain()

    return answer


@pytest.mark.parametrize("preset", ["r2", "gcs"])
async def test_what_is_stored_packed_arrives_packed(preset: str) -> None:
    stored = gzip.compress(b"words " * 100)
    async with connected(unpacking(stored), preset=preset, exact_keys="send") as (op, server):
        assert await op.read("k.txt") == stored
        assert (await op.stat("k.txt")).content_length == len(stored)
        assert (await op.read_exactly("k.txt", len(stored)))[1] == stored
    for seen in server.seen:
        # Google changes this header on its way, so that it must not be signed.
        assert "accept-encoding" not in seen.headers["authorization"]


async def test_others_are_asked_for_nothing_packed() -> None:
    async with connected(reply(body=b"plain")) as (op, server):
        await op.read("k")
    async with connected(reply(body=listing("a")), preset="r2") as (op, lists):
        await op.list("")
    assert {seen.headers["accept-encoding"] for seen in (*server.seen, *lists.seen)} == {"identity"}


@pytest.mark.parametrize("size", [0, 5, 6 << 20])
async def test_a_login_page_is_no_object_kept(size: int) -> None:
    """The network of a hotel answers every request with 200 until somebody has logged in."""
    page = reply(
        body=b"<html>Welcome! Please log in.</html>", headers={"Content-Type": "text/html"}
    )
    async with connected(page, exact_keys="send") as (op, _):
        with pytest.raises(StorageError, match="S3 server"):
            await op.write("k", bytes(size), chunk=5 << 20)
        with pytest.raises(StorageError, match="S3 server"):
            await op.copy("a", "b")
        with pytest.raises(StorageError, match="S3 server"):
            await op.list("")


async def test_customer_keys_are_sent_with_every_step_that_may_need_them() -> None:
    """S3 API Reference: needed to complete and to list parts where the upload has checksums."""
    key = base64.b64encode(bytes(32)).decode()
    name = "CompleteMultipartUploadResult"
    done = f'<{name} xmlns="{XML}"><ETag>"1-1"</ETag></{name}>'
    held = f'<ListPartsResult xmlns="{XML}"></ListPartsResult>'
    answers = in_turn(reply(body=held.encode()), reply(body=done.encode()))
    async with connected(answers, sse_customer_key=key) as (op, server):
        upload = op.into_multipart("k", "id")
        assert await upload.list_parts() == []
        await upload.complete([Part(1, 1, '"1"')])
    for seen in server.seen:
        assert seen.headers["x-amz-server-side-encryption-customer-key"] == key, seen.method


@pytest.mark.parametrize("region", ["x@127.0.0.1:9/?", "evil.example/#", "a b", "us\u2028east"])
async def test_a_region_that_is_none_leads_nowhere(region: str) -> None:
    """Amazon's address is made of the region's name, and the next request has credentials."""
    s3 = S3(dataclasses.replace(config(), endpoint="", region=""))
    found = errors.Answer(301, "PermanentRedirect", "", region, "")
    assert not await s3._core._another_try(found, {}, None)
    assert s3._core.region == "us-east-1"
    await s3.aclose()
