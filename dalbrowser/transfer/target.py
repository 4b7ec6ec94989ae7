"""A key that is about to be written: who stands there, and what the policy makes of it.

Invariant: nothing that exists is overwritten unless the policy says so; where the service
can refuse by itself it is asked to, so that a race cannot overwrite either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.compared import Compared, being_written, changed_since
from dalbrowser.transfer.conflicts import (
    COMPARING,
    ConflictError,
    Side,
    SkipError,
    Verdict,
    decide,
    mtime_of,
    numbered,
    skip_reason,
)
from dalbrowser.transfer.model import ConflictPolicy, TransferError
from dalbrowser.transfer.remote import describe_existing, stat_or_none

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.storage.errors import StorageError
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob

_OVERWRITING = (
    ConflictPolicy.OVERWRITE,
    ConflictPolicy.IF_NEWER,
    ConflictPolicy.IF_SIZE_DIFFERS,
)


class TakenError(Exception):
    """The target came into being while the bytes were on their way: look again."""


class RemoteTarget:
    """The target of one job; ``source`` is what wants to be there."""

    def __init__(self, ctx: RunContext, job: LiveJob, op: Operator, source: Side) -> None:
        self._ctx = ctx
        self._job = job
        self._row = job.row
        self._op = op
        self._source = source
        self._compared = Compared.of(job.row.compared)
        self._seen: Compared | None = None
        self._settled = False
        self._unheeded = False
        self.doubt = ""
        """Why it cannot be told whether what stands there is ours, for the question."""

    @property
    def careful(self) -> bool:
        """Whether an object that turns up at the key must stay."""
        return self._compared is not None or self._row.policy not in _OVERWRITING

    @property
    def minds(self) -> bool:
        """Whether a service that refuses may do so for what has come to the key meanwhile."""
        return self.careful or self.guarded

    @property
    def guarded(self) -> bool:
        """Whether the service itself is to refuse when the key is taken."""
        return bool(self.conditions())

    def conditions(self, *, copying: bool = False) -> dict[str, Any]:
        """Return the options that let the service refuse what must not be written over."""
        able, compared = self._op.info().capability, self._compared or self._seen
        if self._unheeded:
            return {}
        if compared is not None and not compared.absent:
            strong = bool(compared.etag) and not compared.etag.startswith("W/")
            honoured = able.write_with_if_match and strong and not copying
            return {"if_match": compared.etag} if honoured else {}
        free = able.copy_with_if_not_exists if copying else able.write_with_if_not_exists
        wanted = self.careful or compared is not None
        return {"if_not_exists": True} if wanted and free else {}

    async def is_open(self) -> bool:
        """Whether the key may still be written: it is free, or what it was when compared."""
        there = await stat_or_none(self._op, self._row.key)
        return self._compared.fits(there) if self._compared is not None else there is None

    async def settle(
        self, is_same: Callable[[Metadata], Awaitable[bool]], *, copying: bool = False
    ) -> bool:
        """See who stands there; true when it is these very bytes, from a try before this one.

        Raises ``ConflictError`` or ``SkipError``; keeping both changes the job's key.
        """
        row = self._row
        claimed = self._ctx.claim(self._job, row.profile, row.bucket, row.key, loose=True)
        if self._compared is not None:
            if not claimed:
                raise being_written(row.key)
            # If-Match is understood in more than one way; only a free name is not looked at.
            sure = self._compared.absent and bool(self.conditions(copying=copying))
            if sure and row.attempts == 0:
                return False
            return await self._settle_compared(self._compared, is_same)
        sure = row.policy is ConflictPolicy.OVERWRITE
        over = row.policy in _OVERWRITING
        other = over and not (claimed and not await self._ctx.placed_by_other(row))
        if other:
            await self._rename("Another file of these transfers has its name there, so")
        unseen = row.fresh and row.attempts == 0 and bool(self.conditions(copying=copying))
        if other or (claimed and (sure or unseen)):
            return False
        there = await stat_or_none(self._op, row.key)
        self._saw(there)
        if there is None and claimed:
            return False
        if there is not None:
            if row.attempts > 0 and await is_same(there):
                return True
            if there.is_dir:
                message = f"{row.key} is a folder on the service; choose another name."
                raise TransferError(message)
        await self._apply(there)
        return False

    async def look_again(self) -> None:
        """Where the policy compares, do so once more: sending the parts took its time.

        Raises ``SkipError``, the upload given up, when what is there by now is to stay.
        """
        if self._compared is not None or self._row.policy not in COMPARING:
            return
        there = await stat_or_none(self._op, self._row.key)
        self._saw(there)
        if there is None:
            return
        side = Side(there.content_length, mtime_of(there))
        verdict = decide(self._row.policy, self._source, side)
        if verdict is Verdict.SKIP:
            await abort_upload(self._ctx, self._op, self._job)
            raise SkipError(skip_reason(self._row.policy))
        if verdict is Verdict.ASK:
            raise ConflictError(describe_existing(self._row.key, there, self.doubt))

    def drops_condition(self, error: StorageError) -> bool:
        """Whether to ask once more without the condition, as the service knows no such one.

        Only where it is for what the policy compared, which was looked at a moment before.
        """
        unknown = error.kind in (ErrorKind.UNSUPPORTED, ErrorKind.INVALID_INPUT)
        if not unknown or self._compared is not None or self._seen is None or not self.guarded:
            return False
        self._unheeded = True
        return True

    async def refused(self) -> None:
        """The service refused by the condition: without it next time, where nothing changed."""
        if self._compared is None and self._row.policy in COMPARING:
            before = self._seen
            self._saw(await stat_or_none(self._op, self._row.key))
            self._unheeded = before is not None and before == self._seen

    async def taken_at_the_end(self) -> None:
        """The key was taken while the parts were sent; they are kept for a person's answer."""
        if self._compared is not None:
            if await self.is_open():
                self._unheeded = True
                return
            await abort_upload(self._ctx, self._op, self._job)
            raise changed_since(self._row.key)
        if self._row.policy in COMPARING:
            await self.refused()
            await self.look_again()
            return
        there = await stat_or_none(self._op, self._row.key)
        if decide(self._row.policy, Side(None, None), Side(None, None)) is Verdict.ASK:
            raise ConflictError(describe_existing(self._row.key, there, self.doubt))
        # Skipping and another name both end this upload: it is bound to its key.
        await abort_upload(self._ctx, self._op, self._job)

    def _saw(self, there: Metadata | None) -> None:
        """Keep what a comparing policy decides by: it replaces that object, and no other."""
        if self._row.policy not in COMPARING:
            self._seen = None
        elif there is None:
            self._seen = Compared(absent=True)
        else:
            moment = there.last_modified.timestamp() if there.last_modified else None
            self._seen = Compared(size=there.content_length, etag=there.etag or "", modified=moment)

    async def _settle_compared(
        self, compared: Compared, is_same: Callable[[Metadata], Awaitable[bool]]
    ) -> bool:
        there = await stat_or_none(self._op, self._row.key)
        again, self._settled = self._settled, True
        if compared.fits(there):
            # Refused although nothing changed: the service does not heed the condition.
            self._unheeded = again
            return False
        if there is not None and self._row.attempts > 0 and await is_same(there):
            return True
        raise changed_since(self._row.key)

    async def _apply(self, there: Metadata | None) -> None:
        row = self._row
        side = Side(there.content_length, mtime_of(there)) if there else Side(None, None)
        verdict = decide(row.policy, self._source, side)
        if verdict is Verdict.SKIP:
            raise SkipError(skip_reason(row.policy))
        if verdict is Verdict.RENAME:
            await self._rename()
        elif verdict is Verdict.ASK or there is None:
            raise ConflictError(describe_existing(row.key, there, self.doubt))

    async def _rename(self, why: str = "Kept both:") -> None:
        row, number = self._row, 2
        while True:
            key = numbered(row.key, number)
            free = await stat_or_none(self._op, key) is None
            if free and self._ctx.claim(self._job, row.profile, row.bucket, key, loose=True):
                row.key, row.fresh, row.sent = key, False, False
                self._saw(None)
                row.note = f"{why} it is called {key.rpartition('/')[2]} there."
                await self._ctx.journal.save(row)
                return
            number += 1
