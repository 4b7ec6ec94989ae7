"""Empty folders, which no file brings along: told from objects, and made at the target.

Invariant: what stands at the target already is not touched; a key with bytes is no folder.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import is_temporary
from dalbrowser.transfer.folders.children import child
from dalbrowser.transfer.model import Integrity, JobState
from dalbrowser.transfer.remote import is_empty

if TYPE_CHECKING:
    from dalbrowser.storage import Entry, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import JobRow, PlanRow


def is_folder(entry: Entry) -> bool:
    """Whether an entry only stands for a folder: a key can end in a slash and have bytes."""
    named = entry.metadata.is_dir or entry.path.endswith("/")
    return named and not entry.metadata.content_length


async def make_folders(
    ctx: RunContext, job: LiveJob, plan: PlanRow, op: Operator, entries: list[Entry]
) -> list[JobRow]:
    """Make the folders at the target that no file below them would make."""
    rows: list[JobRow] = []
    for entry in entries:
        if not is_folder(entry):
            continue
        # Where folders are real, those with something in them need no object of their own.
        if entry.metadata.content_length is None and not await is_empty(op, entry.path):
            continue
        key = plan.target + entry.path[len(plan.source) :]
        if key:
            rows.append(await make_folder(ctx, job, key, source_key=entry.path))
    return rows


async def make_folder(ctx: RunContext, job: LiveJob, key: str, **different: object) -> JobRow:
    """Make an empty folder at the target, and return its row: done, or left out with the reason.

    What is there already is not touched.
    """
    row = child(job, key=key, **different)
    op = await ctx.operator(job.row.profile, job.row.bucket)
    try:
        await op.create_dir(spell(key))
    except StorageError as error:
        if is_temporary(error):
            raise
        # One that cannot be made, as where a file has its name, does not stop the others.
        row.state, row.note = JobState.SKIPPED, f"The folder is empty: {error.message}"
    else:
        row.state, row.total, row.integrity = JobState.DONE, 0, Integrity.SIZE_ONLY.value
    row.finished = time.time()
    return row
