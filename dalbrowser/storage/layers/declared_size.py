"""Writers that hold what was declared: sizes, emptiness, one block only.

Invariant: a write of another size than the one declared is never committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError, unsupported

if TYPE_CHECKING:
    from dalbrowser.storage.capability import Capability
    from dalbrowser.storage.layers.error_context import Where
    from dalbrowser.storage.options import OpWrite
    from dalbrowser.storage.types import Data, Metadata, Part, RawPartWriter, RawWriter


class SizedWriter:
    """A ``RawWriter`` that enforces ``content_length`` and the service's own limits."""

    def __init__(self, inner: RawWriter, where: Where, cap: Capability, args: OpWrite) -> None:
        self._inner = inner
        self._where = where
        self._cap = cap
        self._args = args
        self._taken = 0

    async def write(self, data: Data) -> None:
        """Take ``data``, unless it is more than was declared or may be."""
        size = memoryview(data).nbytes
        if size:
            with self._where:
                _require_room(self._cap, self._args, self._taken + size)
                if self._taken and not self._cap.write_can_multi:
                    raise unsupported("writing in several blocks", "give the whole object at once")
        await self._inner.write(data)
        self._taken += size

    async def close(self) -> Metadata:
        """Commit, unless bytes are missing."""
        with self._where:
            _require_all(self._cap, self._args, self._taken)
        return await self._inner.close()

    async def abort(self) -> None:
        """Leave nothing behind."""
        await self._inner.abort()


def require_declared(cap: Capability, args: OpWrite, size: int) -> None:
    """Raise what ``SizedWriter`` would of one block of ``size`` bytes that is everything."""
    _require_room(cap, args, size)
    _require_all(cap, args, size)


def _require_room(cap: Capability, args: OpWrite, size: int) -> None:
    """Raise when ``size`` bytes are more than was declared, or than an object may have."""
    if args.content_length is not None and size > args.content_length:
        raise StorageError(
            ErrorKind.CONTENT_TRUNCATED,
            f"{args.content_length} bytes were declared and {size} given; declare the right size.",
        )
    if cap.write_total_max_size is not None and size > cap.write_total_max_size:
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"{size} bytes are more than the {cap.write_total_max_size} an object may have here;"
            " split it.",
        )


def _require_all(cap: Capability, args: OpWrite, size: int) -> None:
    """Raise when ``size`` bytes, which are all, are fewer than was declared or may be."""
    if args.content_length is not None and size < args.content_length:
        raise StorageError(
            ErrorKind.CONTENT_INCOMPLETE,
            f"{args.content_length} bytes were declared and {size} given; give the rest, or"
            " declare the right size.",
        )
    if not size and not (cap.write_can_empty or args.append):
        raise unsupported("writing an empty object")


class SizedPartWriter:
    """A ``RawPartWriter`` that takes exactly ``size`` bytes."""

    def __init__(self, inner: RawPartWriter, where: Where, size: int) -> None:
        self._inner = inner
        self._where = where
        self._size = size
        self._taken = 0

    async def write(self, data: Data) -> None:
        """Take ``data``, or raise ``ContentTruncated`` when it is more than declared."""
        size = memoryview(data).nbytes
        if self._taken + size > self._size:
            with self._where:
                raise StorageError(
                    ErrorKind.CONTENT_TRUNCATED,
                    f"The part was declared with {self._size} bytes and was given"
                    f" {self._taken + size}; declare the right size.",
                )
        await self._inner.write(data)
        self._taken += size

    async def close(self) -> Part:
        """Send the part, or raise ``ContentIncomplete`` when bytes are missing."""
        if self._taken != self._size:
            with self._where:
                raise StorageError(
                    ErrorKind.CONTENT_INCOMPLETE,
                    f"The part was declared with {self._size} bytes and was given {self._taken};"
                    " write the rest, or declare the right size.",
                )
        return await self._inner.close()

    async def abort(self) -> None:
        """Give the part up."""
        await self._inner.abort()
