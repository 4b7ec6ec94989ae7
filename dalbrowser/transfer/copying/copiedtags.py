"""The tags of an object that is copied through here, which no byte of it carries.

Invariant: tags that the target does not get are spoken of in the job's note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.copying.partcopy import is_refusal
from dalbrowser.transfer.remote import stat_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.storage.errors import StorageError
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import JobRow

_NONE = "the service there keeps none."
_REFUSED = "the service there refused them."


class CopiedTags:
    """The tags of one copy. ``asked`` says that ``there``, its source, was asked for them."""

    def __init__(
        self, job: LiveJob, source: Operator, target: Operator, there: Metadata, *, asked: bool
    ) -> None:
        self._row = job.row
        self._job = job
        self._source = source
        self._target = target
        self._able = target.info().capability.write_with_tags
        self._tags: Mapping[str, str] | None = there.tags
        self._asked = asked

    async def options(self) -> dict[str, dict[str, str]]:
        """Return what the object is to be written with."""
        if not self._source.info().capability.stat_with_tags:
            self._tags = {}
        elif not self._asked:
            found = await stat_or_none(self._source, self._row.source_key, tags=True)
            self._tags = found.tags if found is not None else None
        return {"tags": dict(self._tags)} if self._tags and self._able else {}

    async def may_do_without(self, ctx: RunContext, error: StorageError) -> bool:
        """Whether to write once more without the tags, as it may be they that were refused."""
        if not (self._tags and self._able and is_refusal(error)):
            return False
        saved = await ctx.journal.upload(self._row.id) if self._row.begun else None
        if saved is not None and saved.state == "completing":
            return False  # The object is there: it is the tags alone that are still missing.
        if saved is not None:
            await abort_upload(ctx, self._target, self._job)
        self._able = False
        return True

    def say_lost(self) -> None:
        """Say in the job's note what of them is not at the target."""
        if self._tags is None:
            _add(self._row, "Whether it had tags could not be read; it has none there.")
        elif self._tags and not self._able:
            able = self._target.info().capability.write_with_tags
            many = f"Its {len(self._tags)} tags were" if len(self._tags) > 1 else "Its tag was"
            _add(self._row, f"{many} left behind: {_REFUSED if able else _NONE}")


def _add(row: JobRow, text: str) -> None:
    if text not in row.note:
        row.note = f"{row.note} {text}".strip()
