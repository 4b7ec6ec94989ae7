"""Strict HTTP/1.1: what two parsers could read differently is refused."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalbrowser.storage.net.framing import chunk_size, reply_head, request_head


@pytest.mark.parametrize(
    ("raw", "method", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", "GET", (200, 5, False, True)),
        (b"HTTP/1.1 200\r\ncontent-length:5 ", "GET", (200, 5, False, True)),
        (b"HTTP/1.1 200 K\r\nContent-Length: 5\r\nContent-Length: 5", "GET", (200, 5, False, True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD", (200, 0, False, True)),
        (b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked", "GET", (204, 0, False, True)),
        (b"HTTP/1.1 304 No\r\nContent-Length: 5", "GET", (304, 0, False, True)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "GET", (200, None, True, True)),
        (b"HTTP/1.1 200 OK\r\nConnection: close", "GET", (200, None, False, False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1", "GET", (200, 1, False, False)),
        (
            b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive",
            "GET",
            (200, 1, False, True),
        ),
    ],
)
def test_heads(raw: bytes, method: str, expected: tuple[int, int | None, bool, bool]) -> None:
    head = reply_head(raw, method)
    assert (head.status, head.length, head.chunked, head.keep) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH",
        b"HTTP/2 200 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded",
        b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 5",
        b"HTTP/1.1 200 OK\r\nno colon",
        b"HTTP/1.1 200 OK\r\nA: b\r\nno colon\r\nC: d",
        b"HTTP/1.1 200 OK\r\n: no name",
        b"HTTP/1.1 200 OK\r\nA: b\0c",
        b"HTTP/1.1 200 OK\r\nA: b\rC: d",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nA: b",
    ],
)
def test_malformed_heads(raw: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        reply_head(raw, "GET")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_refused(raw: bytes) -> None:
    try:
        reply_head(raw, "GET")
    except httpx.RemoteProtocolError:
        return
    assert raw.startswith(b"HTTP/1.")


@pytest.mark.parametrize("line", [b"", b"-1", b"0x5", b"5 5", b"g", b"1" * 16, b"+5"])
def test_chunk_sizes_that_are_none(line: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        chunk_size(line)


def test_chunk_sizes() -> None:
    assert [chunk_size(line) for line in (b"0", b"1F", b"a;x=y", b"5 ")] == [0, 31, 10, 5]


@pytest.mark.parametrize(
    ("name", "value"),
    [("a", "b\r\nevil: 1"), ("a", "b\n"), ("a", "\0"), ("a b", "c"), ("", "c")],
)
def test_headers_cannot_be_injected(name: str, value: str) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        request_head("GET", b"/", [(name, value)])


@pytest.mark.parametrize("value", ["a\r\nx-b: c", "a\nb", "a\rb", "a\0b"])
def test_a_value_with_a_line_end_is_not_written(value: str) -> None:
    with pytest.raises(httpx.LocalProtocolError, match="x-a"):
        request_head("GET", b"/", [("host", "h"), ("x-a", value)])


def test_the_headers_as_text() -> None:
    lines = [b'ETag: "a" ', b"X-M: 1", b"x-m: 2", b"U: " + "é".encode(), b"l:\xe9\t", b"e:"]
    head = reply_head(b"\r\n".join([b"HTTP/1.1 200 OK", *lines]), "GET")
    assert head.headers == {"etag": '"a"', "x-m": "1, 2", "u": "é", "l": "é", "e": ""}
