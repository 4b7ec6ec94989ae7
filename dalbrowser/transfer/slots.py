"""How many requests may move bytes at once: over all, and to one connection.

Invariant: a slot is given back on every way out; nobody holds one while asleep.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Slots:
    """``total`` slots, at most ``per_connection`` of them for one connection, first come first."""

    def __init__(self, total: int, per_connection: int | None = None) -> None:
        self._total = asyncio.Semaphore(total)
        self._each = per_connection or total
        self._connections: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def one(self, connection: str) -> AsyncIterator[None]:
        """Hold one slot for the block."""
        own = self._connections.setdefault(connection, asyncio.Semaphore(self._each))
        async with own, self._total:
            yield
