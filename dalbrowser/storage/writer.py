"""The public write handle: ``close`` is the only commit.

Invariant: leaving the context by an exception, or without ``close`` having succeeded,
aborts and leaves nothing behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from types import TracebackType

    from dalbrowser.storage.context import RawAccess
    from dalbrowser.storage.options import OpWrite
    from dalbrowser.storage.types import Data, Metadata, RawWriter


class Writer:
    """Writes one object. Use it as an async context manager, which closes it.

    ``buffer`` in bytes gathers small blocks before they are handed to the service.
    """

    def __init__(
        self, access: RawAccess, path: str, args: OpWrite, *, buffer: int | None = None
    ) -> None:
        if buffer is not None and buffer < 1:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"buffer={buffer} must be at least 1.",
                operation="write",
                path=path,
            )
        self._access = access
        self._path = path
        self._args = args
        self._limit = buffer
        self._buffer = bytearray()
        self._raw: RawWriter | None = None
        self._metadata: Metadata | None = None
        self._ended = False
        self.written = 0
        """Bytes taken so far."""

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            await self._abort_after(error)
        elif not self._ended:
            try:
                await self.close()
            except BaseException as failure:
                await self._abort_after(failure)
                raise

    @property
    def metadata(self) -> Metadata | None:
        """What the service said of the new object; ``None`` before ``close`` succeeded."""
        return self._metadata

    async def write(self, data: Data) -> None:
        """Take all of ``data``; the buffer may be reused once this returns.

        A call that raises has taken nothing of it.
        """
        raw = await self._open()
        size = memoryview(data).nbytes
        if self._limit is None:
            if size:
                await raw.write(data)
        elif len(self._buffer) + size < self._limit:
            self._buffer += data
        elif not self._buffer:
            await raw.write(data)
        else:
            before = len(self._buffer)
            self._buffer += data
            try:
                await self._flush(raw)
            except BaseException:
                # A copy: a view of the old one may live on in the traceback and pin its size.
                self._buffer = self._buffer[:before]
                raise
        self.written += size

    async def close(self) -> Metadata:
        """Commit and return what the service said of the new object."""
        if self._metadata is not None:
            return self._metadata
        raw = await self._open()
        await self._flush(raw)
        self._metadata = await raw.close()
        self._ended = True
        return self._metadata

    async def abort(self) -> None:
        """Give the write up and leave nothing behind; does nothing after a commit."""
        if self._metadata is not None:
            return
        self._ended = True
        self._buffer = bytearray()
        raw, self._raw = self._raw, None
        if raw is not None:
            await raw.abort()

    async def _abort_after(self, error: BaseException) -> None:
        """Abort without hiding why."""
        try:
            await self.abort()
        except StorageError as failure:
            error.add_note(f"Aborting the write failed too, so parts may be left over: {failure}")

    async def _open(self) -> RawWriter:
        if self._ended:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                "The writer is already closed; open another one.",
                operation="write",
                path=self._path,
            )
        if self._raw is None:
            self._raw = await self._access.write(self._path, self._args)
        return self._raw

    async def _flush(self, raw: RawWriter) -> None:
        if self._buffer:
            await raw.write(self._buffer)
            self._buffer = bytearray()
