"""The writer of services that append natively at an offset.

Invariant: bytes are appended at the offset where the last append ended, so a request that
is sent twice is refused by the service and never doubles a byte. A call that raises has
taken nothing of its data. What was appended stays: an append cannot be aborted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from dalbrowser.storage.types import Data, Metadata


class AppendBackend(Protocol):
    """What a service gives to ``AppendWriter``."""

    async def offset(self) -> int:
        """Return the object's present size in bytes, 0 when it does not exist."""
        ...

    async def append(self, offset: int, data: Data) -> Metadata:
        """Append ``data`` (may be empty) at ``offset``; fail when the object does not end there."""
        ...


class AppendWriter:
    """A ``RawWriter`` over an ``AppendBackend``; appends blocks of at least ``chunk`` bytes."""

    def __init__(self, backend: AppendBackend, *, chunk: int = 1) -> None:
        self._backend = backend
        self._chunk = max(1, chunk)
        self._offset: int | None = None
        self._buffer = bytearray()
        self._metadata: Metadata | None = None
        self._deferred: Exception | None = None
        self._closed = False

    async def write(self, data: Data) -> None:
        """Take all of ``data``, appending once a chunk has come together."""
        self._require_open()
        if self._deferred is not None:
            error, self._deferred = self._deferred, None
            raise error
        if len(self._buffer) >= self._chunk:
            await self._flush()
        self._buffer += data
        if len(self._buffer) >= self._chunk:
            try:
                await self._flush()
            except Exception as error:
                self._deferred = error

    async def close(self) -> Metadata:
        """Append what is left; an append of nothing creates an empty object."""
        self._require_open()
        self._deferred = None
        if self._buffer or self._metadata is None:
            await self._flush()
        self._closed = True
        if self._metadata is None:
            raise StorageError(ErrorKind.UNEXPECTED, "The append returned no metadata.")
        return self._metadata

    async def abort(self) -> None:
        """Drop what was not yet appended."""
        self._closed = True
        self._buffer = bytearray()

    async def _flush(self) -> None:
        if self._offset is None:
            self._offset = await self._backend.offset()
        self._metadata = await self._backend.append(self._offset, self._buffer)
        self._offset += len(self._buffer)
        self._buffer = bytearray()

    def _require_open(self) -> None:
        if self._closed:
            raise StorageError(
                ErrorKind.INVALID_INPUT, "The writer is already closed; open another one."
            )
