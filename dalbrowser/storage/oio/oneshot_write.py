"""The writer of services that take an object in one request only.

Invariant: nothing leaves before ``close``; a failed ``close`` may be called again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.types import Data, Metadata


class OneShotWriter:
    """A ``RawWriter`` that keeps everything in memory and puts it with one call of ``put``.

    ``limit`` in bytes bounds the memory; more raises ``InvalidInput`` before any request.
    """

    def __init__(
        self, put: Callable[[Data], Awaitable[Metadata]], *, limit: int | None = None
    ) -> None:
        self._put = put
        self._limit = limit
        self._blocks: list[bytes] = []
        self._size = 0
        self._closed = False

    async def write(self, data: Data) -> None:
        """Keep ``data``."""
        self._require_open()
        block = bytes(data)
        if self._limit is not None and self._size + len(block) > self._limit:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"The object would be larger than the {self._limit} bytes this service takes.",
            )
        if block:
            self._blocks.append(block)
            self._size += len(block)

    async def close(self) -> Metadata:
        """Put the object."""
        self._require_open()
        if len(self._blocks) > 1:
            self._blocks = [b"".join(self._blocks)]
        metadata = await self._put(self._blocks[0] if self._blocks else b"")
        self._closed = True
        self._blocks = []
        return metadata

    async def abort(self) -> None:
        """Forget the data; nothing was sent."""
        self._closed = True
        self._blocks = []

    def _require_open(self) -> None:
        if self._closed:
            raise StorageError(
                ErrorKind.INVALID_INPUT, "The writer is already closed; open another one."
            )
