"""HTTP/1.1 messages as bytes (RFC 9112): writing a request's head, reading a reply's.

Invariant: strict. What two parsers could read differently (both lengths given, folded
lines, bare line ends in values) is refused, so that no reply can be smuggled into another.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from dalbrowser.storage.net.wire import refuse
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HEAD = 128 * 1024
"""Bytes of the largest reply head taken; S3 user metadata is at most 2 KB."""

_LINE_BREAKS = re.compile("[\r\n\0]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FIELDS = re.compile(r"\r\n([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)")
_BLANKS = frozenset({" ", "\t"})
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: .*)?\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\Z")


def request_head(
    method: str, target: bytes, headers: Sequence[tuple[str, str]], prefix: bytes = b""
) -> bytes:
    """Write a request's head in ASCII; its first line must hold exactly ``target``.

    A ``prefix``, scheme and authority, makes the absolute-form of it, for a proxy.
    """
    target = prefix + target
    first = b"%s %s HTTP/1.1\r\n" % (method.encode(), target)
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = first + fields.encode("ascii") + b"\r\n"
    # Read back as a server does: three words in the first line, the second the target.
    words = first.split(b" ")
    if words != [method.encode(), target, b"HTTP/1.1\r\n"]:
        raise refuse(target, b" ".join(words[1:]))
    ends = len(headers) + 2
    clean = head.count(b"\n") == ends and head.count(b"\r") == ends and b"\0" not in head
    if not clean or not all(map(_is_token, [name for name, _ in headers])):
        broken = [name for name, value in headers if _is_broken(name, value)]
        raise httpx.LocalProtocolError(f"the headers {broken!r} cannot be written")
    return head


@lru_cache(maxsize=512)
def _is_token(name: str) -> bool:
    """Whether ``name`` can be a header's; the same few names come again and again."""
    return _TOKEN.match(name) is not None


def _is_broken(name: str, value: str) -> bool:
    return not _is_token(name) or _LINE_BREAKS.search(value) is not None


@record()
class Head:
    """A reply's head. ``headers`` are by name in lower case, repeated ones joined by commas.

    Their values are UTF-8 where they are, else Latin-1, which every byte is (RFC 9110, 5.5).
    ``length`` is ``None`` for a body in chunks or up to the close.
    """

    status: int
    headers: dict[str, str]
    chunked: bool
    length: int | None
    keep: bool


def reply_head(raw: bytes, method: str) -> Head:
    """Parse a reply's head (without its blank line); raises ``RemoteProtocolError``."""
    first, ended, rest = raw.partition(b"\r\n")
    match = _STATUS_LINE.match(first)
    if match is None:
        raise httpx.RemoteProtocolError("the reply does not begin like HTTP/1.1")
    headers = _fields(ended + rest)
    encoding = headers.get("transfer-encoding", "").lower()
    connection = headers.get("connection", "").lower()
    status = int(match[2])
    length = _length(headers.get("content-length"), encoding)
    if method == "HEAD" or status in {204, 304} or status < 200:
        encoding, length = "", 0
    keep = "close" not in connection and (match[1] == b"1" or "keep-alive" in connection)
    return Head(status, headers, bool(encoding), length, keep)


class _Names(dict[str, str]):
    """Names in lower case, as they were met: servers write the same few, thousands of times."""

    def __missing__(self, name: str) -> str:
        lowered = name.lower()
        if len(self) < 512:
            self[name] = lowered
        return lowered


_names = _Names()


def _fields(lines: bytes) -> dict[str, str]:
    """Parse header lines, each with the line end before it; every byte must belong to one."""
    found = _FIELDS.findall(lines.decode("latin-1"))
    count = len(found)
    if lines.count(b"\r") != count or lines.count(b"\n") != count or b"\0" in lines:
        raise httpx.RemoteProtocolError("a header of the reply is malformed")
    plain = lines.isascii()
    headers: dict[str, str] = {}
    for written, text in found:
        name = _names[written]
        value = text if plain or text.isascii() else _utf8_or_latin1(text)
        if value[-1:] in _BLANKS:
            value = value.rstrip(" \t")
        if name not in headers:
            headers[name] = value
        elif name != "content-length":
            headers[name] = f"{headers[name]}, {value}"
        elif headers[name] != value:
            raise httpx.RemoteProtocolError("the reply says its length in two ways")
    return headers


def _utf8_or_latin1(text: str) -> str:
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return text


def _length(told: str | None, encoding: str) -> int | None:
    if encoding:
        if encoding != "chunked" or told is not None:
            raise httpx.RemoteProtocolError("the reply says its length in two ways")
        return None
    if told is None:
        return None
    if not (told.isascii() and told.isdecimal()):
        raise httpx.RemoteProtocolError("the reply's Content-Length is no number")
    return int(told)


def chunk_size(line: bytes) -> int:
    """Parse the line before a chunk; raises ``RemoteProtocolError``."""
    match = _CHUNK_SIZE.match(line)
    if match is None:
        raise httpx.RemoteProtocolError("a chunk of the reply has no size")
    return int(match[1], 16)
