"""The writer of one part of a multipart upload, for services that send a part in one request.

Invariant: exactly the declared number of bytes is sent or nothing is; a failed ``close``
may be called again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.types import Data, Part


class BufferedPartWriter:
    """A ``RawPartWriter`` that gathers ``size`` bytes and sends them with one call of ``send``.

    A part given as one block is not copied when it is ``bytes``.
    """

    def __init__(self, size: int, send: Callable[[Data], Awaitable[Part]]) -> None:
        self._size = size
        self._send = send
        self._blocks: list[bytes] = []
        self._taken = 0

    async def write(self, data: Data) -> None:
        """Take all of ``data``, or raise ``ContentTruncated`` when it is more than declared."""
        block = bytes(data)
        if self._taken + len(block) > self._size:
            raise StorageError(
                ErrorKind.CONTENT_TRUNCATED,
                f"The part was declared with {self._size} bytes and was given"
                f" {self._taken + len(block)}; declare the right size.",
            )
        if block:
            self._blocks.append(block)
            self._taken += len(block)

    async def close(self) -> Part:
        """Send the part, or raise ``ContentIncomplete`` when bytes are missing."""
        if self._taken != self._size:
            raise StorageError(
                ErrorKind.CONTENT_INCOMPLETE,
                f"The part was declared with {self._size} bytes and was given {self._taken};"
                " write the rest, or declare the right size.",
            )
        if len(self._blocks) > 1:
            self._blocks = [b"".join(self._blocks)]
        part = await self._send(self._blocks[0] if self._blocks else b"")
        self._blocks = []
        return part

    async def abort(self) -> None:
        """Forget the data."""
        self._blocks = []
