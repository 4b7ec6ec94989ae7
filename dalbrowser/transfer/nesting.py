"""A folder on its way into itself: refused beforehand, else noticed as soon as it shows.

Invariant: what a copy has made is never found as its source, so that no copy goes on for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    if row.direction not in (Direction.COPY, Direction.MOVE):
        return None
    here = (await ctx.operator(row.profile, row.bucket)).info()
    there = source.info()
    target = here.root + plan.target
    one = row.within_bucket or is_one_store(here, there)
    if one is False or not target.startswith(there.root + plan.source):
        return None
    if one:
        raise _into_itself(plan.target)
    return OwnCopies(target[len(there.root) :], row.created)


def _into_itself(target: str) -> TransferError:
    """Return the error for a folder on its way into itself."""
    return TransferError(
        f"{target} lies in the very folder that is to be copied, which would never end;"
        " choose a place outside of it."
    )
