"""Batch delete for services that delete one path a request.

Invariant: one outcome for each item, in the order given; one failure stops no other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.types import DeleteOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dalbrowser.storage.options import OpDelete


async def delete_each(
    delete: Callable[[str, OpDelete], Awaitable[None]],
    items: Sequence[tuple[str, OpDelete]],
    *,
    concurrent: int = 8,
) -> list[DeleteOutcome]:
    """Delete ``items`` one by one, at most ``concurrent`` at a time.

    Folders (paths that end in ``/``) are deleted after everything else and deepest first,
    since a real directory can be removed only when it is empty.
    """
    outcomes: list[DeleteOutcome | None] = [None] * len(items)
    files = [index for index, (path, _) in enumerate(items) if not path.endswith("/")]
    folders = [index for index, (path, _) in enumerate(items) if path.endswith("/")]
    folders.sort(key=lambda index: -items[index][0].count("/"))

    async def one(index: int) -> None:
        path, args = items[index]
        try:
            await delete(path, args)
        except StorageError as error:
            outcomes[index] = DeleteOutcome(path, args.version, error)
        else:
            outcomes[index] = DeleteOutcome(path, args.version)

    async def worker(queue: list[int]) -> None:
        while queue:
            await one(queue.pop())

    queue = files[::-1]
    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrent, len(files))):
            group.create_task(worker(queue))
    for index in folders:
        await one(index)
    return [outcome for outcome in outcomes if outcome is not None]
