"""Deadlines: for each call, and between the bytes of a body; never for a whole body.

Sits inside retry, so that a call that stalls is made again. Connecting has a deadline of its
own, in the HTTP client. Invariant: a call that a server keeps alive with bytes is never cut.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.storage.layers.around import AroundAccessor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.accessor import Accessor

T = TypeVar("T")

_LONG = frozenset({"copy", "rename", "copy_multipart", "complete_multipart", "delete_batch"})
"""Calls in which a server works on data before it answers, S3's up to minutes."""

_UNBOUNDED = frozenset(
    {
        "write.write",
        "write.close",
        "write.abort",
        "write_multipart.write",
        "write_multipart.close",
        "write_multipart.abort",
    }
)
"""Calls that send a body of any size; the HTTP client watches the bytes of those."""


@dataclass(frozen=True, kw_only=True)
class TimeoutLayer:
    """Seconds: ``call`` for one request, ``between`` two blocks of a body, ``long`` for requests
    in which the server itself copies or joins data."""

    call: float = 60.0
    between: float = 60.0
    long: float = 900.0

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with deadlines."""
        return _TimeoutAccessor(inner, self)

    def deadline(self, step: str) -> float | None:
        """Return the seconds that ``step`` may take, ``None`` for no limit."""
        if step in _UNBOUNDED:
            return None
        if step in _LONG:
            return self.long
        return self.between if step in ("read.next", "read.read") else self.call


class _TimeoutAccessor(AroundAccessor):
    def __init__(self, inner: Accessor, layer: TimeoutLayer) -> None:
        super().__init__(inner)
        self._layer = layer
        self._scheme = inner.info().scheme

    async def around(self, step: str, path: str, call: Callable[[], Awaitable[T]]) -> T:
        seconds = self._layer.deadline(step)
        if seconds is None:
            return await call()
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await call()
        except TimeoutError:
            if not limit.expired():
                raise
            raise StorageError(
                ErrorKind.UNEXPECTED,
                f"Nothing came back within {seconds:g} seconds; check the network and whether"
                " the server is up.",
                status=ErrorStatus.TEMPORARY,
                operation=step.partition(".")[0],
                path=path,
                service=self._scheme,
            ) from None
