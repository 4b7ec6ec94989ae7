"""The body of a memory object: reads, seeks and streams natively.

Invariant: positions are relative to the range that was opened.
"""

from __future__ import annotations

from dalbrowser.storage.oio.body import seek_target

_BLOCK = 1024 * 1024


class MemoryBody:
    """A view of bytes that do not change."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    async def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes."""
        block = self._data[self._at : self._at + max(size, 0)]
        self._at += len(block)
        return bytes(block)

    async def next(self) -> bytes | None:
        """Return the next block of at most 1 MiB."""
        return await self.read(_BLOCK) or None

    async def seek(self, offset: int, whence: int) -> int:
        """Move; right of the end reads empty."""
        self._at = seek_target(offset, whence, at=self._at, size=len(self._data))
        return self._at

    async def aclose(self) -> None:
        """Let the bytes go."""
        self._data = memoryview(b"")
