"""Listing pages: every key, size and field comes out as the server wrote it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage import Operator
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.services.s3 import replies
from dalbrowser.storage.services.s3.ahead import AheadLister, Source
from dalbrowser.storage.types import Entry, Metadata, Page
from tests.servers.lying import LyingServer, error, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

OBJECT = (
    "<Contents><Key>{key}</Key><LastModified>2026-11-21T21:40:21.411Z</LastModified>"
    "<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><Owner><ID>o</ID></Owner>"
    "<StorageClass>STANDARD</StorageClass><Type>Normal</Type></Contents>"
)


def page(objects: str, *, encoded: bool, more: str = "") -> bytes:
    encoding = "<EncodingType>url</EncodingType>" if encoded else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{encoding}<IsTruncated>false</IsTruncated>{objects}{more}</ListBucketResult>"
    ).encode()


visible = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1
)


@given(st.lists(st.tuples(visible, st.integers(0, 1 << 50)), max_size=6))
def test_keys_come_out_as_they_are(rows: list[tuple[str, int]]) -> None:
    text = "".join(OBJECT.format(key=escape(k), etag="e", size=n) for k, n in rows)
    body = page(text, encoded=False)
    entries, token = replies.listing(body, "")
    assert token is None
    assert [(e.path, e.metadata.content_length) for e in entries] == rows


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=6))
def test_encoded_keys_come_out_decoded(keys: list[str]) -> None:
    for safe in ("", "/"):
        text = "".join(OBJECT.format(key=quote(k, safe=safe), etag="e", size=1) for k in keys)
        body = page(text.replace("%20", "+"), encoded=True)
        entries, _ = replies.listing(body, "")
        assert [entry.path for entry in entries] == keys


@pytest.mark.parametrize(
    ("objects", "keys"),
    [
        ("<Contents><Key><![CDATA[a<b]]></Key><Size>1</Size><ETag>e</ETag></Contents>", ["a<b"]),
        ("<Contents><!-- <Key>no</Key> --><Key>a</Key><Size>1</Size></Contents>", ["a"]),
        ("<Contents><Key>&#x61;</Key><Size>1</Size><ETag>e</ETag></Contents>", ["a"]),
        ('<Contents a="b"><Key>a</Key><Size>1</Size><ETag>e</ETag></Contents>', ["a"]),
        ("<Contents><Size>1</Size><Key a='b'>a</Key><ETag>e</ETag></Contents>", ["a"]),
        ("<Contents>\n <Key>a</Key>\n <Size>1</Size>\n</Contents>\n" * 3, ["a", "a", "a"]),
    ],
)
def test_however_the_page_is_written(objects: str, keys: list[str]) -> None:
    entries, _ = replies.listing(page(objects, encoded=False), "")
    assert [(e.path, e.metadata.content_length) for e in entries] == [(key, 1) for key in keys]


def test_every_field_of_an_object() -> None:
    body = page(OBJECT.format(key="a", etag="0f", size=7), encoded=False)
    (entry,) = replies.listing(body, "")[0]
    found = entry.metadata
    assert (found.etag, found.content_length, found.storage_class) == ('"0f"', 7, "STANDARD")
    assert found.last_modified == datetime(2026, 11, 21, 21, 40, 21, 411000, tzinfo=UTC)
    (bare,) = replies.listing(page("<Contents><Key>a</Key></Contents>", encoded=False), "")[0]
    assert (bare.path, bare.metadata.content_length, bare.metadata.etag) == ("a", None, None)


def test_a_size_of_any_length_is_survived() -> None:
    text = OBJECT.format(key="a", etag="1", size="9" * 5000)
    (entry,) = replies.listing(page(text, encoded=False), "")[0]
    assert entry.metadata.content_length is None


@pytest.mark.parametrize("cut", range(1, 400, 13))
def test_a_page_that_was_cut_is_an_error(cut: int) -> None:
    body = page(OBJECT.format(key="a", etag="1", size=1) * 2, encoded=True)
    with pytest.raises(StorageError):
        replies.listing(body[:-cut], "")


def test_root_is_cut_off_and_prefixes_are_in_their_place() -> None:
    text = "".join(OBJECT.format(key=f"r/{name}", etag="1", size=1) for name in ("a", "c"))
    more = "<CommonPrefixes><Prefix>r/b/</Prefix></CommonPrefixes>"
    entries, _ = replies.listing(page(text, encoded=False, more=more), "r/")
    assert [entry.path for entry in entries] == ["a", "b/", "c"]


class Pages:
    """Numbered pages up to ``last``, each naming the next; what was asked for is kept."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.asked: list[str | None] = []
        self.read_now = asyncio.Event()
        self.read_now.set()
        self.third = asyncio.Event()
        self.bad: set[str | None] = set()

    async def get(self, token: str | None) -> bytes:
        self.asked.append(token)
        if len(self.asked) == 3:
            self.third.set()
        if token in self.bad:
            raise StorageError(ErrorKind.UNEXPECTED, "Try again.", status=ErrorStatus.TEMPORARY)
        return (token or "0").encode()

    async def read(self, text: bytes) -> tuple[Page, str | None]:
        await self.read_now.wait()
        number = int(text)
        token = str(number + 1) if number < self.last else None
        return Page([Entry(str(number), Metadata())]), token

    def source(self, glance: Callable[[bytes], str | None] | None = None) -> Source:
        return Source(self.get, self.read, glance or (lambda _: None))


async def rest_of(lister: AheadLister) -> list[str]:
    found: list[str] = []
    while (page := await lister.next_page()) is not None:
        found += [entry.path for entry in page.entries]
    return found


async def test_pages_are_fetched_ahead_in_order_and_given_up_cleanly() -> None:
    pages = Pages(last=5)
    lister = AheadLister(pages.source())
    assert await lister.next_page() is not None
    await asyncio.sleep(0)
    assert pages.asked == [None]
    assert await lister.next_page() is not None
    await asyncio.sleep(0)
    assert pages.asked == [None, "1", "2"]
    assert await rest_of(lister) == ["2", "3", "4", "5"]
    assert pages.asked == [None, "1", "2", "3", "4", "5"]
    stopped = AheadLister(pages.source())
    await stopped.next_page()
    await stopped.next_page()
    await stopped.aclose()
    assert await stopped.next_page() is None


async def test_the_next_page_is_asked_for_while_this_one_is_parsed() -> None:
    pages = Pages(last=5)
    lister = AheadLister(pages.source(lambda text: str(int(text) + 1)))
    await lister.next_page()
    pages.read_now.clear()
    second = asyncio.create_task(lister.next_page())
    await pages.third.wait()
    assert not second.done()
    pages.read_now.set()
    assert await second is not None
    assert await rest_of(lister) == ["2", "3", "4", "5"]
    assert pages.asked[:6] == [None, "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("guess", ["4", "1", "9"])
async def test_a_glance_that_was_wrong_changes_nothing(guess: str) -> None:
    pages = Pages(last=5)
    lister = AheadLister(pages.source(lambda _: guess))
    assert await rest_of(lister) == ["0", "1", "2", "3", "4", "5"]


async def test_a_page_that_failed_ahead_can_be_asked_for_again() -> None:
    pages = Pages(last=3)
    pages.bad = {"2"}
    lister = AheadLister(pages.source(lambda text: str(int(text) + 1)))
    await lister.next_page()
    await lister.next_page()
    with pytest.raises(StorageError):
        await lister.next_page()
    pages.bad.clear()
    assert await rest_of(lister) == ["2", "3"]


async def test_a_server_that_turns_in_circles_is_an_error() -> None:
    async def read(_: bytes) -> tuple[Page, str | None]:
        return Page([]), "same"

    lister = AheadLister(Source(Pages(1).get, read))
    await lister.next_page()
    with pytest.raises(StorageError, match="twice"):
        await lister.next_page()


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (b"<R><NextContinuationToken>1/a+b==</NextContinuationToken></R>", "1/a+b=="),
        (b"<R><NextContinuationToken>a&amp;b</NextContinuationToken></R>", None),
        (b"<R><NextContinuationToken></NextContinuationToken></R>", None),
        (b"<R></R>", None),
    ],
)
def test_the_token_at_a_glance(body: bytes, token: str | None) -> None:
    assert replies.likely_token(body) == token


async def test_a_server_that_never_saw_an_upload_has_none() -> None:
    """As rclone says it; a bucket that is missing stays an error."""
    answers = in_turn(error(404, "NoSuchUpload"), error(404, "NoSuchBucket"))
    async with (
        LyingServer(answers) as server,
        Operator("s3", **server.s3.operator_config("bucket")) as op,
    ):
        assert [upload async for upload in op.list_multiparts("a/")] == []
        with pytest.raises(StorageError) as caught:
            assert [upload async for upload in op.list_multiparts("a/")] == []
    assert caught.value.context["code"] == "NoSuchBucket"
