"""How many requests may move bytes at once: over all, and to one connection.

Invariant: a slot is given back on every way out; nobody holds one while asleep.
"""

from __future__ import annotations

import asyncio


class Slots:
    """``total`` slots, at most ``per_connection`` of them for one connection, first come first."""

    def __init__(self, total: int, per_connection: int | None = None) -> None:
        self._total = asyncio.Semaphore(total)
        self._each = per_connection or total
        self._connections: dict[str, asyncio.Semaphore] = {}

    def one(self, connection: str) -> _Slot:
        """Hold one slot for an ``async with`` block."""
        own = self._connections.get(connection)
        if own is None:
            own = self._connections[connection] = asyncio.Semaphore(self._each)
        return _Slot(own, self._total)


class _Slot:
    __slots__ = ("_own", "_total")

    def __init__(self, own: asyncio.Semaphore, total: asyncio.Semaphore) -> None:
        self._own = own
        self._total = total

    async def __aenter__(self) -> None:
        await self._own.acquire()
        try:
            await self._total.acquire()
        except BaseException:
            self._own.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._total.release()
        self._own.release()
