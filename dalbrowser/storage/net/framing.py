"""HTTP/1.1 messages as bytes (RFC 9112): writing a request's head, reading a reply's.

Invariant: strict. What two parsers could read differently (both lengths given, folded
lines, bare line ends in values) is refused, so that no reply can be smuggled into another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import httpx

from dalbrowser.storage.net.wire import refuse

MAX_HEAD = 128 * 1024
"""Bytes of the largest reply head taken; S3 user metadata is at most 2 KB."""

_LINE_BREAKS = re.compile(rb"[\r\n\0]")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FIELDS = re.compile(rb"\r\n([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)")
_READ_HERE = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: .*)?\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\Z")


def request_head(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Write a request's head; its first line must hold exactly ``target``."""
    lines = [b"%s %s HTTP/1.1" % (method, target)]
    for name, value in headers:
        if not _is_token(name):
            raise httpx.LocalProtocolError(f"the header {name!r} cannot be written")
        lines.append(b"%s: %s" % (name, value))
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    # Read back as a server does: three words in the first line, the second the target.
    words = head[: head.index(b"\r\n")].split(b" ")
    if words != [method, target, b"HTTP/1.1"]:
        raise refuse(target, b" ".join(words[1:]))
    ends = len(lines) + 1
    if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
        broken = [name for name, value in headers if _LINE_BREAKS.search(value)]
        raise httpx.LocalProtocolError(f"the headers {broken!r} cannot be written")
    return head


@lru_cache(maxsize=512)
def _is_token(name: bytes) -> bool:
    """Whether ``name`` can be a header's; the same few names come again and again."""
    return _TOKEN.match(name) is not None


@dataclass(frozen=True, slots=True)
class Head:
    """A reply's head, its names in lower case.

    ``length`` is ``None`` for a body in chunks or up to the close.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
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
    lengths: set[bytes] = set()
    encoding = connection = b""
    for name, value in headers:
        if name not in _READ_HERE:
            continue
        if name == b"content-length":
            lengths.add(value)
        elif name == b"transfer-encoding":
            encoding += value.lower()
        else:
            connection += value.lower()
    status = int(match[2])
    length = _length(lengths, encoding)
    if method == "HEAD" or status in {204, 304} or status < 200:
        encoding, length = b"", 0
    keep = b"close" not in connection and (match[1] == b"1" or b"keep-alive" in connection)
    return Head(status, headers, bool(encoding), length, keep)


def _fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Parse header lines, each with the line end before it; every byte must belong to one."""
    found = _FIELDS.findall(lines)
    count = len(found)
    if lines.count(b"\r") != count or lines.count(b"\n") != count or b"\0" in lines:
        raise httpx.RemoteProtocolError("a header of the reply is malformed")
    return [(name.lower(), value.rstrip(b" \t")) for name, value in found]


def text_of(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return a reply's headers as text by name in lower case; repeated ones joined by commas.

    Values are UTF-8 where they are, else Latin-1, which every byte is (RFC 9110, 5.5).
    """
    found: dict[str, str] = {}
    for raw_name, raw in headers:
        name = raw_name.decode("ascii").lower()
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            value = raw.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _length(lengths: set[bytes], encoding: bytes) -> int | None:
    if encoding:
        if encoding != b"chunked" or lengths:
            raise httpx.RemoteProtocolError("the reply says its length in two ways")
        return None
    if len(lengths) > 1 or any(not value.isdigit() for value in lengths):
        raise httpx.RemoteProtocolError("the reply's Content-Length is no number")
    return int(lengths.pop()) if lengths else None


def chunk_size(line: bytes) -> int:
    """Parse the line before a chunk; raises ``RemoteProtocolError``."""
    match = _CHUNK_SIZE.match(line)
    if match is None:
        raise httpx.RemoteProtocolError("a chunk of the reply has no size")
    return int(match[1], 16)
