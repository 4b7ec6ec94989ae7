"""Services for tests: memory with abilities taken away, and one that breaks on cue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dalbrowser.storage import ErrorKind, ErrorStatus, Operator, StorageError, registry
from dalbrowser.storage.layer import LayeredAccessor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.storage import Accessor, AccessorInfo, DeleteOutcome, Metadata
    from dalbrowser.storage.options import OpCopy, OpDelete, OpList, OpRead, OpStat, OpWrite
    from dalbrowser.storage.types import FullBody, RawLister, RawReader, RawWriter, ReadReply


def temporary(message: str = "The connection was reset; try again.") -> StorageError:
    """Return an error that a retry may cure."""
    return StorageError(ErrorKind.UNEXPECTED, message, status=ErrorStatus.TEMPORARY)


def memory(**config: Any) -> Accessor:
    """Return a raw memory service of its own."""
    return registry.build("memory", config)


class Reduced(LayeredAccessor):
    """A service with only the abilities left to it; counts what reaches it."""

    def __init__(self, inner: Accessor, **flags: Any) -> None:
        super().__init__(inner)
        info = inner.info()
        capability = replace(info.capability, **flags)
        self._info = replace(info, native=capability, capability=capability)
        self.calls: Counter[str] = Counter()
        self.reads: list[OpRead] = []
        self.on_read: Callable[[ReadReply], None] | None = None

    def info(self) -> AccessorInfo:
        return self._info

    async def stat(self, path: str, args: OpStat) -> Metadata:
        self.calls["stat"] += 1
        return await self.inner.stat(path, args)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        self.calls["read"] += 1
        self.reads.append(args)
        reply = await self.inner.read(path, args)
        native = self._info.native
        if not (native.read_can_seek and native.read_can_next):
            reply.body = PlainBody(reply.body, native.read_can_seek, native.read_can_next)
        if self.on_read is not None:
            self.on_read(reply)
        return reply

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        self.calls["write"] += 1
        return await self.inner.write(path, args)

    async def list(self, path: str, args: OpList) -> RawLister:
        self.calls["list"] += 1
        native = self._info.native
        assert native.list_with_recursive or not args.recursive
        assert native.list_with_limit or args.limit is None
        assert native.list_with_start_after or args.start_after is None
        assert native.list_with_prefix or not path or path.endswith("/")
        return await self.inner.list(path, args)

    async def delete(self, path: str, args: OpDelete) -> None:
        self.calls["delete"] += 1
        await self.inner.delete(path, args)

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        self.calls["delete_batch"] += 1
        return await self.inner.delete_batch(items)

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        self.calls["copy"] += 1
        return await self.inner.copy(source, target, args)


class PlainBody:
    """A body from which seek and stream are taken away, as its service says."""

    def __init__(self, inner: RawReader, can_seek: bool, can_next: bool) -> None:
        self._inner: FullBody = inner  # type: ignore[assignment]
        self._can_seek = can_seek
        self._can_next = can_next

    async def read(self, size: int) -> bytes:
        """Read a little less than asked, as sockets do."""
        return await self._inner.read(max(1, size // 2))

    async def next(self) -> bytes | None:
        """Stream small blocks."""
        assert self._can_next, "stream is not native here"
        return await self._inner.read(3) or None

    async def seek(self, offset: int, whence: int) -> int:
        """Seek."""
        assert self._can_seek, "seek is not native here"
        return await self._inner.seek(offset, whence)

    async def aclose(self) -> None:
        """Close."""
        await self._inner.aclose()


class BreakingBody:
    """A body that fails once, after ``after`` bytes."""

    def __init__(self, inner: RawReader, after: int, error: StorageError | None) -> None:
        self._inner: FullBody = inner  # type: ignore[assignment]
        self._left = after
        self._error = error

    async def read(self, size: int) -> bytes:
        """Read until the break; an error of ``None`` is a silent end."""
        if self._left <= 0:
            if self._error is None:
                return b""
            raise self._error
        block = await self._inner.read(min(size, self._left))
        self._left -= len(block)
        return block

    async def next(self) -> bytes | None:
        """Stream until the break."""
        return await self.read(7) or None

    async def seek(self, offset: int, whence: int) -> int:
        """Seek, where the body beneath can."""
        return await self._inner.seek(offset, whence)

    async def aclose(self) -> None:
        """Close."""
        await self._inner.aclose()


def operator_over(inner: Accessor) -> Operator:
    """Return an operator with the three layers that every operator has."""
    return Operator.from_accessor(inner)
