"""The body of a file that is being read.

Invariant: all bytes come from one state of one file. The descriptor pins the file, so a
replaced one is still read to its end; a file changed in place ends in ``ConditionNotMatch``.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.fs.meta import etag

if TYPE_CHECKING:
    from dalbrowser.storage.services.fs.pool import Pool

BLOCK = 4 * 1024 * 1024
"""The most that one call reads, in bytes: bounded memory, and a cancelled read ends soon."""


class FsReader:
    """Reads ``size`` bytes of an open file from ``start``, and seeks within them."""

    def __init__(self, pool: Pool, fd: int, st: os.stat_result, start: int, size: int) -> None:
        self._pool = pool
        self._fd = fd
        self._etag = etag(st)
        self._start = start
        self._size = size
        self._position = 0
        self._lock = threading.Lock()

    async def read(self, size: int) -> bytes:
        """Return 1 to ``size`` bytes, at most 4 MiB, or ``b""`` at the end."""
        count = min(size, BLOCK, self._size - self._position)
        if count <= 0:
            return b""
        block = await self._pool.run(self._read, self._start + self._position, count)
        self._position += len(block)
        return block

    def _read(self, offset: int, count: int) -> bytes:
        with self._lock:
            if self._fd < 0:
                raise StorageError(ErrorKind.INVALID_INPUT, "This reader is closed.")
            block = os.pread(self._fd, count, offset)
            if etag(os.fstat(self._fd)) != self._etag:
                raise StorageError(
                    ErrorKind.CONDITION_NOT_MATCH,
                    "The file was changed while it was read; read it again from the start.",
                )
            return block

    async def seek(self, offset: int, whence: int) -> int:
        """Move within the body; right of its end is allowed and reads empty."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}.get(whence)
        if base is None or base + offset < 0:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"Offset {offset} with whence {whence} is left of the range's first byte.",
            )
        self._position = base + offset
        return self._position

    async def aclose(self) -> None:
        """Close the file; waits for a read that a cancelled caller left running."""
        if self._fd >= 0:
            await self._pool.release(self.close)

    def close(self) -> None:
        """Close the file, in this thread."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
