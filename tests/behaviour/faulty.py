"""A service that lies: the real one, whose bodies are cut, lengthened or of less ability.

Invariant: everything but the read bodies, and the limit of one copy, is the service's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.storage import ErrorKind, ErrorStatus, LayeredAccessor, Operator, StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dalbrowser.storage import Accessor, AccessorInfo
    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import RawReader, ReadReply
    from tests.behaviour.subject import Subject


class _Body:
    """A plain body: it reads, at most ``limit`` bytes, then ends, fails or says more."""

    def __init__(self, inner: RawReader, limit: int | None, extra: bytes, *, fail: bool) -> None:
        self._inner = inner
        self._limit = limit
        self._extra = extra
        self._fail = fail

    async def read(self, size: int) -> bytes:
        if self._limit is not None:
            size = min(size, self._limit)
            if not size:
                return self._end()
        block = await self._inner.read(size)
        if self._limit is not None:
            self._limit -= len(block)
        if not block:
            block, self._extra = self._extra, b""
        return block

    def _end(self) -> bytes:
        if self._fail:
            raise StorageError(
                ErrorKind.UNEXPECTED, "The stream was cut.", status=ErrorStatus.TEMPORARY
            )
        return b""

    async def aclose(self) -> None:
        await self._inner.aclose()


class _SeekingBody(_Body):
    async def seek(self, offset: int, whence: int) -> int:
        reached: int = await self._inner.seek(offset, whence)  # type: ignore[attr-defined]
        return reached


class _StreamingBody(_Body):
    async def next(self) -> bytes | None:
        return await self.read(5_000) or None


class _BothBody(_SeekingBody, _StreamingBody):
    pass


class Faulty(LayeredAccessor):
    """See the module. ``asked`` are the reads that reached the service."""

    def __init__(
        self,
        inner: Accessor,
        *,
        without: Sequence[str] = (),
        cut_at: int | None = None,
        cuts: int | None = None,
        extra: bytes = b"",
        meanwhile: Callable[[], Awaitable[object]] | None = None,
        copy_max_size: int | None = None,
    ) -> None:
        super().__init__(inner)
        self.asked: list[OpRead] = []
        self._cut_at = cut_at
        self._cuts = cuts
        self._extra = extra
        self._meanwhile = meanwhile
        native = inner.info().native
        self._native = replace(
            native,
            read_can_seek=native.read_can_seek and "seek" not in without,
            read_can_next="next" not in without,
            copy_max_size=copy_max_size or native.copy_max_size,
        )

    def info(self) -> AccessorInfo:
        return replace(self.inner.info(), native=self._native, capability=self._native)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        self.asked.append(args)
        reply = await self.inner.read(path, args)
        limit, fail = self._cut_at, self._cuts is not None
        if self._cuts is not None:
            if self._cuts == 0:
                limit = None
            else:
                self._cuts -= 1
                if self._meanwhile:
                    await self._meanwhile()
        seek, stream = self._native.read_can_seek, self._native.read_can_next
        kind = {(True, True): _BothBody, (True, False): _SeekingBody, (False, True): _StreamingBody}
        body = kind.get((seek, stream), _Body)(reply.body, limit, self._extra, fail=fail)
        return replace(reply, body=body)


class _Maker:
    """Makes an operator over a faulty twin of a subject's service."""

    def __init__(self) -> None:
        self._made: list[Faulty] = []

    def __call__(
        self,
        subject: Subject,
        *,
        without: Sequence[str] = (),
        cut_at: int | None = None,
        cuts: int | None = None,
        extra: bytes = b"",
        meanwhile: Callable[[], Awaitable[object]] | None = None,
        copy_max_size: int | None = None,
    ) -> Operator:
        """Return the operator; the caller closes it."""
        made = Faulty(
            subject.service.accessor(),
            without=without,
            cut_at=cut_at,
            cuts=cuts,
            extra=extra,
            meanwhile=meanwhile,
            copy_max_size=copy_max_size,
        )
        self._made = [made]
        return Operator.from_accessor(made)

    def asked(self, _: Operator) -> list[OpRead]:
        """Return the reads that reached the service below the operator made last."""
        return self._made[-1].asked


faulty = _Maker()
