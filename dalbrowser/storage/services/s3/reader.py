"""The body of a GET, and where in the object it lies.

Invariant: a reply to a ranged request is used only where it says that it is that range.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.s3 import headers
from dalbrowser.storage.types import ReadReply

if TYPE_CHECKING:
    from dalbrowser.storage.net.client import HttpReply
    from dalbrowser.storage.types import ByteRange, Metadata

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z")


class Body:
    """A ``RawReader`` and ``StreamBody`` over a reply."""

    def __init__(self, reply: HttpReply) -> None:
        self._reply = reply
        self._left = b""

    async def read(self, size: int) -> bytes:
        """Return 1 to ``size`` bytes, or ``b""`` at the end."""
        block = self._left or await self._reply.next() or b""
        self._left = block[size:]
        return block[:size] if self._left else block

    async def next(self) -> bytes | None:
        """Return the next block as it came from the wire, or ``None`` at the end."""
        if self._left:
            block, self._left = self._left, b""
            return block
        return await self._reply.next()

    async def aclose(self) -> None:
        """Give up the body and its connection."""
        self._left = b""
        await self._reply.aclose()


class NoBody:
    """The body of an empty range, for which no request is made."""

    async def read(self, size: int) -> bytes:
        """Return nothing."""
        return b""

    async def next(self) -> bytes | None:
        """Return nothing."""
        return None

    async def aclose(self) -> None:
        """Do nothing."""


def opened(reply: HttpReply, wanted: ByteRange) -> ReadReply:
    """Return the body of a 200 or 206; raises ``Unexpected`` when it is another range."""
    size = reply.content_length
    text = reply.headers.get("content-range", "")
    # rclone serve s3 answers ranges with 200, and Content-Range says that it is one.
    if reply.status == 200 and not text:
        metadata = headers.metadata(reply.headers)
        whole = wanted.is_full or (size is not None and wanted.resolve(size) == (0, size))
        if not whole:
            raise _wrong_range(wanted, "the whole object")
        return ReadReply(metadata, Body(reply), 0, size)
    match = _CONTENT_RANGE.match(text)
    if match is None:
        raise _wrong_range(wanted, f"Content-Range {text!r}")
    start, end = int(match[1]), int(match[2]) + 1
    total = None if match[3] == "*" else int(match[3])
    if total is None:
        fits = start == wanted.start and wanted.last is None
    else:
        fits = (start, end) == wanted.resolve(total)
    if not fits or (size is not None and size != end - start):
        raise _wrong_range(wanted, f"{text} with {size} bytes")
    metadata = headers.metadata(reply.headers, length=total)
    if end - start != total:
        # A part's own, or one that speaks of bytes that do not come: neither covers these.
        metadata.checksums = {}
    return ReadReply(metadata, Body(reply), start, end - start)


def empty(metadata: Metadata, offset: int) -> ReadReply:
    """Return the reply to an empty range."""
    return ReadReply(metadata, NoBody(), offset, 0)


def _wrong_range(wanted: ByteRange, got: str) -> StorageError:
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"The server was asked for {wanted.to_header()} and answered with {got};"
        " it does not honour ranges. Read the whole object instead.",
    )
