"""At most so many requests under way at once, over everything that one operator does.

Invariant: a permit is held only while a call is waiting for the service, never by a body or
a writer that idles, so holders cannot wait for each other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layers.around import AroundAccessor
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage.accessor import Accessor

T = TypeVar("T")


@record()
class ConcurrentLimitLayer:
    """``limit`` calls at once; the others wait their turn, first come first served.

    A writer's parts count as the call that waits for them.
    """

    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise StorageError(
                ErrorKind.CONFIG_INVALID, f"A limit of {self.limit} lets nothing through."
            )

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with the limit."""
        return _LimitedAccessor(inner, self.limit)


class _LimitedAccessor(AroundAccessor):
    def __init__(self, inner: Accessor, limit: int) -> None:
        super().__init__(inner)
        self._slots = asyncio.Semaphore(limit)

    async def around(self, step: str, path: str, call: Callable[[], Awaitable[T]]) -> T:
        async with self._slots:
            return await call()
