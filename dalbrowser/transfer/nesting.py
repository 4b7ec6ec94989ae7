"""A folder on its way into itself: refused beforehand, else noticed as soon as it shows.

Invariant: what a copy has made is never found as its source, so that no copy goes on for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.disk.places import is_within
from dalbrowser.transfer.model import Direction, TransferError
from dalbrowser.transfer.remote import is_one_store
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage import Entry, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import PlanRow


@record()
class OwnCopies:
    """Where, and since when, a copy would meet what it has made itself, without end."""

    prefix: str
    since: float

    def require_none(self, entries: list[Entry]) -> None:
        """Raise at the first one: two names of one server lead to one place."""
        for entry in entries:
            written = entry.metadata.last_modified
            if written and entry.path.startswith(self.prefix) and written.timestamp() > self.since:
                raise _into_itself(self.prefix)


async def own_copies(
    ctx: RunContext, job: LiveJob, plan: PlanRow, source: Operator
) -> OwnCopies | None:
    """Refuse a folder that is to be copied into itself; say what to watch where it may be."""
    row = job.row
    if row.direction is Direction.DOWNLOAD:
        await _refuse_inside(ctx, disk_path(source, plan.source), plan.target)
    if row.direction not in (Direction.COPY, Direction.MOVE):
        return None
    op = await ctx.operator(row.profile, row.bucket)
    await _refuse_inside(ctx, disk_path(source, plan.source), disk_path(op, plan.target))
    here, there = op.info(), source.info()
    target = here.root + plan.target
    one = row.within_bucket or is_one_store(here, there)
    if one is False or not target.startswith(there.root + plan.source):
        return None
    if one:
        raise _into_itself(plan.target)
    return OwnCopies(target[len(there.root) :], row.created)


async def refuse_own_upload(ctx: RunContext, job: LiveJob, folder: str, target: str) -> None:
    """Refuse a local folder that is to be uploaded into itself, by another name of it."""
    op = await ctx.operator(job.row.profile, job.row.bucket)
    await _refuse_inside(ctx, folder, disk_path(op, target))


async def _refuse_inside(ctx: RunContext, source: str | None, target: str | None) -> None:
    """Ask ``require_outside`` in the disk's threads, where both are on this machine's disk."""
    if source is not None and target is not None:
        await ctx.on_disk(require_outside, source, target)


def disk_path(op: Operator, key: str) -> str | None:
    """Return where a key lies on this machine's disk; ``None`` for a service elsewhere."""
    info = op.info()
    return info.root + key if info.scheme == "fs" else None


def require_outside(source: str | None, target: str | None) -> None:
    """Raise when the local folder ``target`` is ``source``, or lies in it; blocks."""
    if source is None or target is None or not is_within(target, source):
        return
    if is_within(source, target):
        raise TransferError(
            f"{target} is the very folder that is to be copied, by another name; choose another"
            " place."
        )
    raise _into_itself(target)


def _into_itself(target: str) -> TransferError:
    """Return the error for a folder on its way into itself."""
    return TransferError(
        f"{target} lies in the very folder that is to be copied, which would never end;"
        " choose a place outside of it."
    )
