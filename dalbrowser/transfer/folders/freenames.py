"""Which keys of a step are free: one listing for all of them, and not a question for each.

Invariant: a file is marked *fresh* only when the listing covered its key and did not have
it; and even then it is sent so that the service itself refuses where somebody was faster,
as a local name is given only where nothing has it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.model import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import JobRow

_PAGES = 3
"""Pages that a step may cost; more keys between its first and last are not worth it."""

_FEW = 8
"""Files that may as well be asked for one by one."""


async def mark_fresh(ctx: RunContext, job: LiveJob, prefix: str, rows: Sequence[JobRow]) -> None:
    """Mark the new files directly below ``prefix`` whose keys are free.

    A listing that fails, or goes on for too long, marks none: each is looked at then.
    """
    files = [row for row in rows if row.state is JobState.QUEUED and not row.is_folder]
    op = await ctx.operator(job.row.profile, job.row.bucket)
    capability = op.info().capability
    if (
        len(files) < _FEW
        or not capability.write_with_if_not_exists
        or not capability.list_with_start_after
    ):
        return
    first = min((row.key for row in files), key=_order)
    last = max(_order(row.key) for row in files)
    taken: set[str] = set()
    try:
        # The key just before the first one is the first without its last character.
        async with op.lister(spell(prefix), start_after=first[:-1]) as lister:
            for _ in range(_PAGES):
                page = await lister.next_page()
                taken.update(entry.path for entry in page or ())
                if not page or any(_order(entry.path) > last for entry in page):
                    break
            else:
                return
    except StorageError:
        return
    for row in files:
        row.fresh = row.key not in taken and f"{row.key}/" not in taken


def _order(key: str) -> bytes:
    """Return what services sort keys by."""
    return key.encode("utf-8", "surrogatepass")


def is_free(path: str, folders: dict[str, bool]) -> bool:
    """Whether nothing stands at a local name; ``folders`` keeps which of them exist. Blocks."""
    folder = os.path.dirname(path)  # noqa: PTH120 -- exact names
    there = folders.get(folder)
    if there is None:
        there = folders[folder] = os.path.lexists(folder)
    return not there or not os.path.lexists(path)
