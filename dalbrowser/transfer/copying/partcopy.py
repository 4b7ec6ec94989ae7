"""A large copy that the server makes out of parts, and that survives a restart.

Invariants: the intent is in the journal before the upload is created and its id before the
first part is copied; a part found on the server counts only when the journal has it with the
same ETag; every part is of the version of the source that was seen first, by a condition
where the service takes one, else by a look at the source before the parts are joined.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from dalbrowser.storage import tried_once
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.storage.types import ByteRange, Part
from dalbrowser.transfer.abort import abort_upload, find_intended
from dalbrowser.transfer.failures import is_for_job, is_gone, pause_before
from dalbrowser.transfer.integrity import (
    as_md5,
    bare,
    multipart_count,
    multipart_etag,
    part_size_candidates,
)
from dalbrowser.transfer.journal import PartRow, UploadRow
from dalbrowser.transfer.model import JobState
from dalbrowser.transfer.partplan import MAX_PARTS, PartPlan, plan_parts
from dalbrowser.transfer.remote import copied_options, stat_or_none
from dalbrowser.transfer.together import all_together

if TYPE_CHECKING:
    from dalbrowser.storage import Capability, Metadata, Multipart, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.partplan import PartSpan
    from dalbrowser.transfer.remotesource import RemoteSource
    from dalbrowser.transfer.target import RemoteTarget

BY_SERVER = "copied_by_server"
"""Marks in the journal an upload whose parts the server fills."""


class LostError(Exception):
    """The upload is not on the server any more, and the object is not there either."""


class PartCopy:
    """One run of such a copy, new or resumed. ``there`` is the source as it was seen."""

    def __init__(
        self,
        ctx: RunContext,
        job: LiveJob,
        remote: RemoteSource,
        op: Operator,
        *,
        there: Metadata,
        target: RemoteTarget,
        bucket: str | None,
    ) -> None:
        self._ctx = ctx
        self._job = job
        self._row = job.row
        self._remote = remote
        self._op = op
        self._there = there
        self._target = target
        self._bucket = bucket
        self._size = there.content_length or 0
        self._parts: dict[int, Part] = {}
        self._multipart: Multipart
        self._plan: PartPlan

    async def run(self, saved: UploadRow | None) -> None:
        """Copy what is missing and join it; returns when the object should be there.

        Raises ``LostError`` when it has to begin anew, ``StorageError`` of a kind that
        ``is_refusal`` knows when the server will not copy so; the upload is then gone.
        """
        known = [row for row in await self._ctx.journal.parts(self._row.id) if row.done]
        resumed = saved is not None
        if saved is None or not saved.upload_id:
            saved = await self._begin(saved)
        self._plan = PartPlan(saved.size, saved.part_size)
        self._multipart = self._op.into_multipart(spell(self._row.key), saved.upload_id)
        self._job.parts_total = self._plan.count
        if resumed and not await self._recall(saved, known):
            return
        self._ctx.show(self._job, JobState.RUNNING)
        try:
            await self._copy_missing()
        except StorageError as error:
            if is_refusal(error):
                await abort_upload(self._ctx, self._op, self._job)
            raise
        await self._join(saved)

    async def _begin(self, intended: UploadRow | None) -> UploadRow:
        row, upload_id = self._row, None
        if intended is not None:
            upload_id = await find_intended(self._ctx, self._op, row.key, intended)
        size = part_size(self._there, self._op.info().capability, self._ctx.options.copy_part)
        options = self._options()
        saved = UploadRow(
            job=row.id,
            state="intent",
            part_size=size,
            size=self._size,
            options={BY_SERVER: True, **options},
            intended=time.time(),
        )
        row.begun = True
        await self._ctx.journal.save_upload(saved, row)
        if upload_id is None:
            # An answer that was lost may have been an upload: the next try looks for it.
            with tried_once():
                made = await self._op.create_multipart(spell(row.key), **options)
            upload_id = made.upload_id
        saved.upload_id, saved.state = upload_id, "begun"
        await self._ctx.journal.save_upload(saved)
        return saved

    def _options(self) -> dict[str, Any]:
        """Return what the object is to have of its source, the tags by where they are."""
        capability = self._op.info().capability
        options = copied_options(self._op, self._there)
        if capability.write_with_storage_class and self._there.storage_class:
            options["storage_class"] = self._there.storage_class
        return options | self._tags()

    def _tags(self) -> dict[str, Any]:
        if not self._op.info().capability.write_with_tags:
            return {}
        return {"tags_from": self._remote.named(self._bucket), "tags_bucket": self._bucket}

    async def _recall(self, saved: UploadRow, known: list[PartRow]) -> bool:
        """Take up the parts that are there; false when the object is complete already."""
        self._ctx.show(self._job, JobState.PREPARING)
        try:
            listed = {part.number: part for part in await self._multipart.list_parts()}
        except StorageError as error:
            if not is_gone(error):
                raise
            if saved.state == "completing" and await self._is_complete(known):
                return False
            await self._forget()
            raise LostError from error
        self._row.done = 0
        for row in known:
            part = listed.get(row.number)
            if part and part.size == row.size and bare(part.etag) == bare(row.etag):
                self._take(self._plan.span(row.number), part)
        return True

    async def _is_complete(self, known: list[PartRow]) -> bool:
        """Whether the object is what these parts make; its tags are then put, if still due."""
        there = await stat_or_none(self._op, self._row.key)
        if there is None or there.content_length != self._size or len(known) < self._plan.count:
            return False
        md5s = [as_md5(row.etag) or "" for row in known]
        own = all(md5s) and multipart_etag(map(bytes.fromhex, md5s)) == bare(there.etag)
        if not own:
            return False
        tags = self._tags()
        if tags:
            # The same request again finds the object by its ETag, and does what was left to do.
            parts = [Part(row.number, row.size, row.etag) for row in known]
            await self._multipart.complete(parts, **tags)
        return True

    async def _copy_missing(self) -> None:
        missing = deque(span for span in self._plan.spans() if span.number not in self._parts)

        async def copier() -> None:
            while missing:
                await self._copy(missing.popleft())

        count = min(self._ctx.options.parts_per_file, len(missing))
        await all_together(copier() for _ in range(count))

    async def _copy(self, span: PartSpan) -> None:
        options, attempt = self._ctx.options, 0
        while True:
            attempt += 1
            try:
                async with self._ctx.slots.one(self._row.profile):
                    part = await self._ask(span)
            except StorageError as error:
                await self._explain(error)
                if is_for_job(error, attempt, options.part_attempts):
                    raise
                wait = pause_before(
                    attempt, options.backoff_base, options.backoff_cap, error.retry_after
                )
            else:
                row = PartRow(span.number, span.size, part.etag, "", True)
                await self._ctx.journal.part_done(self._row.id, row)
                self._take(span, part)
                self._job.meter.add(span.size)
                return
            self._row.attempts += 1
            self._ctx.changed(self._job)
            await asyncio.sleep(wait)

    async def _ask(self, span: PartSpan) -> Part:
        pin = self._op.info().capability.copy_with_if_match and self._there.etag
        source = self._remote.named(self._bucket)
        return await self._multipart.copy_part(
            span.number,
            source if self._bucket is not None else spell(source),
            ByteRange(span.offset, span.offset + span.size),
            if_match=self._there.etag if pin else None,
            source_bucket=self._bucket,
        )

    async def _explain(self, error: StorageError) -> None:
        """Raise what is behind a refused part, where it is not the part itself."""
        if error.kind in (ErrorKind.CONDITION_NOT_MATCH, ErrorKind.RANGE_NOT_SATISFIED):
            await self._remote.check()
        if not is_gone(error):
            return
        await self._remote.check()
        try:
            await self._multipart.list_parts()
        except StorageError as listing:
            if is_gone(listing):
                await self._forget()
                raise LostError from error
            raise

    def _take(self, span: PartSpan, part: Part) -> None:
        self._parts[span.number] = part
        self._row.done += span.size
        self._job.parts_done = len(self._parts)
        self._ctx.changed(self._job)

    async def _join(self, saved: UploadRow) -> None:
        await self._remote.check_strictly()
        saved.state, self._row.state = "completing", JobState.FINALISING
        self._row.sent = True
        await self._ctx.journal.save_upload(saved, self._row)
        self._ctx.changed(self._job)
        await self._target.look_again()
        conditions = self._target.conditions()
        if self._target.careful and not conditions and not await self._target.is_open():
            raise StorageError(
                ErrorKind.CONDITION_NOT_MATCH, "The name was taken while the parts were copied."
            )
        parts = [self._parts[number] for number in range(1, self._plan.count + 1)]
        try:
            await self._multipart.complete(parts, **conditions, **self._tags())
        except StorageError as error:
            if not is_gone(error):
                raise
            # It may have been joined, and the answer lost: who goes on looks at what is there.
            self._row.attempts += 1
            await self._forget()
            raise LostError from error

    async def _forget(self) -> None:
        """Drop what the journal has of an upload that the server has no more."""
        self._parts.clear()
        self._row.begun = False
        self._row.done = self._job.parts_done = 0
        await self._ctx.journal.drop_progress(self._row.id)
        await self._ctx.journal.save(self._row)


def is_refusal(error: StorageError) -> bool:
    """Whether a server says that it does not copy so; the bytes can then go through here."""
    return error.kind in (
        ErrorKind.UNSUPPORTED,
        ErrorKind.PERMISSION_DENIED,
        ErrorKind.INVALID_INPUT,
    )


def part_size(there: Metadata, capability: Capability, wanted: int) -> int:
    """Choose how to cut a copy: as its source was, so that their ETags are the same.

    Where that is not known, in parts of about ``wanted`` bytes: few, as none comes through here.
    """
    size, count = there.content_length or 0, multipart_count(there.etag)
    least, most = capability.write_multi_min_size or 1, capability.write_multi_max_size
    for candidate in part_size_candidates(size, count) if count is not None and count > 1 else ():
        if candidate >= least and (most is None or candidate <= most) and (count or 0) <= MAX_PARTS:
            return candidate
    return plan_parts(size, capability, wanted).part_size
