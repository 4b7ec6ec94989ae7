"""One upload, from the first look at the local file to the proof that it arrived.

Invariant: nothing is sent under another identity of the file than the one the upload
began with, and nothing that exists is overwritten unless the policy says so.
"""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.conflicts import (
    ConflictError,
    Side,
    SkipError,
    Verdict,
    decide,
    mtime_of,
    numbered,
    skip_reason,
)
from dalbrowser.transfer.integrity import judge
from dalbrowser.transfer.model import ConflictPolicy, Integrity, JobState, TransferError
from dalbrowser.transfer.partplan import PartSpan
from dalbrowser.transfer.parts import BeginAnewError, PartsUpload
from dalbrowser.transfer.remote import describe_existing, require_size, stat_or_none
from dalbrowser.transfer.source import LocalSource, SourceIdentity, changed

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import LiveJob

_ROUNDS = 5
"""How often one run may begin anew (upload gone) or meet a new conflict (name taken)."""


class _TakenError(Exception):
    """The target came into being while the bytes were on their way."""


async def run_upload(ctx: RunContext, job: LiveJob) -> None:
    """Bring a local file to its key; returns when that is proven and in the journal.

    Raises ``TransferError`` (failed, in words), ``ConflictError``, ``SkipError`` or
    ``StorageError``; what was confirmed until then stays for the next run.
    """
    ctx.show(job, JobState.PREPARING)
    op = await ctx.operator(job.row.profile, job.row.bucket)
    if job.start_over:
        await abort_upload(ctx, op, job)
        job.start_over = False
    source = await ctx.on_disk(LocalSource, job.row.local_path)
    try:
        await _Upload(ctx, job, op, source).run()
    finally:
        source.close()


class _Upload:
    def __init__(self, ctx: RunContext, job: LiveJob, op: Operator, source: LocalSource) -> None:
        self.ctx = ctx
        self.job = job
        self.row = job.row
        self.op = op
        self.source = source
        self.capability = op.info().capability

    async def run(self) -> None:
        row = self.row
        row.total = self.source.identity.size
        for _ in range(_ROUNDS):
            try:
                integrity = await self._once()
            except BeginAnewError as anew:
                row.note = str(anew)
                continue
            except _TakenError:
                continue
            row.integrity = integrity.value
            row.done = self.source.identity.size
            return
        message = (
            "The upload was begun several times and ended each time by somebody else, or its"
            " name was taken; see who else writes there, then retry."
        )
        raise TransferError(message)

    async def _once(self) -> Integrity:
        row, identity = self.row, self.source.identity
        saved = await self.ctx.journal.upload(row.id) if row.begun else None
        if saved is not None:
            begun = SourceIdentity(saved.size, saved.mtime_ns, saved.dev, saved.inode)
            if begun != identity:
                raise changed(row.local_path)
        else:
            there = await self._settle_conflict()
            if there is not None:
                return there
        if saved is None and not self._in_parts(identity.size):
            return await self._single()
        parts = PartsUpload(
            self.ctx,
            self.job,
            self.op,
            self.source,
            options=self.write_options(),
            guarded=self._guarded(),
        )
        try:
            return await parts.run(saved)
        except StorageError as error:
            if error.kind is not ErrorKind.CONDITION_NOT_MATCH or not self._guarded():
                raise
            await self._conflict_at_the_end()
            raise _TakenError from error

    def _in_parts(self, size: int) -> bool:
        return size >= self.ctx.options.multipart_above and self.capability.multipart

    def _guarded(self) -> bool:
        """Whether the service itself is to refuse when the target exists."""
        unsafe = self.row.policy in (
            ConflictPolicy.OVERWRITE,
            ConflictPolicy.IF_NEWER,
            ConflictPolicy.IF_SIZE_DIFFERS,
        )
        return self.capability.write_with_if_not_exists and not unsafe

    def write_options(self) -> dict[str, Any]:
        """Return the options of the object: content type and the file's own time."""
        options: dict[str, Any] = {}
        if self.capability.write_with_content_type:
            options["content_type"] = content_type(self.row.local_path)
        if self.capability.write_with_user_metadata:
            options["user_metadata"] = {"mtime": self.source.identity.mtime_text}
        return options

    async def _single(self) -> Integrity:
        """Send a small file in one request."""
        row, size = self.row, self.source.identity.size
        options = self.write_options()
        if self._guarded():
            options["if_not_exists"] = True
        self.job.parts_total, self.job.parts_done, row.done = 1, 0, 0
        async with self.ctx.slots.one(row.profile):
            self.ctx.show(self.job, JobState.RUNNING)
            data, digest = await self.ctx.on_disk(self.source.read, PartSpan(1, 0, size))
            try:
                said = await self.op.write(spell(row.key), data, **options)
            except StorageError as error:
                if error.kind is not ErrorKind.CONDITION_NOT_MATCH or not self._guarded():
                    raise
                row.attempts += 1
                raise _TakenError from error
        self.job.parts_done = 1
        self.job.count(size)
        integrity = judge(said, digest.hex())
        if not integrity.is_proof:
            self.ctx.show(self.job, JobState.VERIFYING)
            there = await self.op.stat(spell(row.key))
            require_size(there, size)
            integrity = judge(there, digest.hex())
        return integrity

    async def _settle_conflict(self) -> Integrity | None:
        """See what stands at the target; returns a proof when it is this very file already."""
        row = self.row
        claimed = self.ctx.claim(self.job, row.profile, row.bucket, row.key)
        sure = row.policy is ConflictPolicy.OVERWRITE
        if claimed and (sure or (row.fresh and self._guarded() and row.attempts == 0)):
            return None
        there = await stat_or_none(self.op, row.key)
        if there is None and claimed:
            return None
        if there is not None:
            # A try before this one may have arrived without its answer reaching us.
            if row.attempts > 0 and await self._is_this_file(there):
                return Integrity.MD5
            if there.is_dir:
                message = f"{row.key} is a folder on the service; choose another name."
                raise TransferError(message)
        await self._apply_policy(there)
        return None

    async def _apply_policy(self, there: Metadata | None) -> None:
        row, identity = self.row, self.source.identity
        target = Side(there.content_length, mtime_of(there)) if there else Side(None, None)
        verdict = decide(row.policy, Side(identity.size, identity.mtime_ns / 1e9), target)
        if verdict is Verdict.SKIP:
            raise SkipError(skip_reason(row.policy))
        if verdict is Verdict.RENAME:
            await self._rename()
        elif verdict is Verdict.ASK or there is None:
            raise ConflictError(describe_existing(row.key, there))

    async def _rename(self) -> None:
        wanted = self.row.key
        number = 2
        while True:
            key = numbered(wanted, number)
            free = await stat_or_none(self.op, key) is None
            if free and self.ctx.claim(self.job, self.row.profile, self.row.bucket, key):
                self.row.key = key
                self.row.fresh = False
                self.row.note = f"Kept both: it is called {key.rpartition('/')[2]} there."
                await self.ctx.journal.save(self.row)
                return
            number += 1

    async def _conflict_at_the_end(self) -> None:
        """The target appeared while the parts were sent; the parts are kept for the answer."""
        there = await stat_or_none(self.op, self.row.key)
        verdict = decide(self.row.policy, Side(None, None), Side(None, None))
        if verdict is Verdict.ASK:
            raise ConflictError(describe_existing(self.row.key, there))
        # Skipping and another name both end this upload: it is bound to its key.
        await abort_upload(self.ctx, self.op, self.job)

    async def _is_this_file(self, there: Metadata) -> bool:
        identity = self.source.identity
        if there.content_length != identity.size or self._in_parts(identity.size):
            return False
        span = PartSpan(1, 0, identity.size)
        digest = await self.ctx.on_disk(self.source.digest, span)
        return judge(there, digest.hex()).is_proof


def content_type(path: str) -> str:
    """Guess the content type from a name; a compressed file is its compression."""
    kind, encoding = mimetypes.guess_type(path, strict=False)
    if encoding is not None:
        return {"gzip": "application/gzip", "bzip2": "application/x-bzip2"}.get(
            encoding, f"application/x-{encoding}"
        )
    return kind or "application/octet-stream"
