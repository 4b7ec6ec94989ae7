"""Many ranges of one object, in few requests: joining them, loading them, cutting them apart.

Invariant: what is loaded covers every range asked for, and nothing is loaded twice.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence


class Group:
    """Tasks that end together; the first failure cancels the rest and is raised as itself."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[memoryview]] = []

    def start(self, work: Coroutine[None, None, memoryview]) -> asyncio.Task[memoryview]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await asyncio.gather(*self._tasks)
        except BaseException:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise


def join(spans: Sequence[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Join spans that overlap or lie at most ``gap`` bytes apart, in order; drop empty ones."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1] + gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def cut(
    span: tuple[int, int], joined: Sequence[tuple[int, int]], loaded: Sequence[memoryview]
) -> bytes:
    start, end = span
    if start >= end:
        return b""
    at = bisect_right(joined, start, key=lambda each: each[0]) - 1
    begin = joined[at][0]
    return bytes(loaded[at][start - begin : end - begin])
