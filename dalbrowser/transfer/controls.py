"""What a person says to running jobs: pause, resume, cancel, retry, an answer.

Invariant: a job is stopped before anything is decided about it, and a cancelled one is
called so only when nothing of it is left, on the server or here. A job that rests is begun
again only after its last run has ended, the note in the journal included.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.transfer.abort import abort_upload
from dalbrowser.transfer.downloading.download import discard_download
from dalbrowser.transfer.model import ConflictPolicy, Direction, JobState
from dalbrowser.transfer.remote import stat_or_none
from dalbrowser.transfer.runner import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dalbrowser.storage import Operator
    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.folders.jobs import Folders
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.scheduler import Scheduler

_FINISHING = (JobState.FINALISING, JobState.VERIFYING)
_ENDS_FIRST = "The service is completing it at this moment, so it ends first."
_RESTING = (
    JobState.PAUSED,
    JobState.INTERRUPTED,
    JobState.FAILED,
    JobState.SOURCE_CHANGED,
    JobState.WAITING_CREDENTIALS,
)


class Controls:
    """Acts on the live jobs of one engine."""

    def __init__(
        self,
        ctx: RunContext,
        live: dict[int, LiveJob],
        scheduler: Scheduler,
        folders: Folders,
    ) -> None:
        self._ctx = ctx
        self._live = live
        self._scheduler = scheduler
        self._folders = folders
        self._ending: set[int] = set()

    async def pause(self, ids: Iterable[int]) -> None:
        """Stop jobs where they are; one that is being completed only if that fails."""
        for job in self._jobs(ids):
            if job.row.is_folder:
                await self._folders.halt(job, JobState.PAUSED)
        jobs = [job for job in self._stoppable(ids) if job.state.is_active]
        await self._stop(jobs)
        # Together, so that they share their commits.
        active = [job for job in jobs if job.state.is_active]
        await asyncio.gather(*(settle(self._ctx, job, JobState.PAUSED) for job in active))
        self._reconsider(ids)
        await asyncio.gather(*(self._pause_late(job) for job in self._late(ids)))
        self._reconsider(ids)

    async def resume(self, ids: Iterable[int]) -> None:
        """Let jobs go on; one that sleeps before a retry is woken."""
        for job in sorted(self._with_files(ids), key=lambda job: (job.rank, job.id)):
            if job.row.is_folder:
                self._folders.expand(job)
            elif job.state in _RESTING:
                await self._go_on(job)
            elif job.state.is_active:
                job.wake.set()
        self._reconsider(ids)

    async def retry(self, ids: Iterable[int]) -> None:
        """Let failed jobs go on, and begin jobs anew whose source changed."""
        for job in self._with_files(ids):
            if job.state is JobState.SOURCE_CHANGED and not job.row.is_folder:
                job.start_over = True
        await self.resume(ids)

    async def cancel(self, ids: Iterable[int]) -> None:
        """End jobs; a folder's first stops growing."""
        folders = [job for job in self._jobs(ids) if job.row.is_folder]
        for folder in folders:
            await self._folders.halt(folder, JobState.INTERRUPTED)
            await self._ctx.journal.drop_plans(folder.id)
            if folder.sums is not None:
                folder.sums.cut = not folder.sums.expanded
                folder.sums.expanded, folder.sums.halted = True, None
        jobs, late = self._stoppable(ids), self._late(ids)
        ending = {job.id for job in (*jobs, *late)}
        self._ending |= ending
        try:
            await self._stop(jobs)
            await asyncio.gather(
                *(self._cancel(job) for job in jobs), *(self._cancel_late(job) for job in late)
            )
        finally:
            self._ending -= ending
        for folder in folders:
            if folder.sums is not None and not folder.sums.live and not folder.state.is_final:
                await settle(self._ctx, folder, JobState.CANCELLED)

    def move_up(self, ids: Iterable[int]) -> None:
        """Change the order of queued jobs."""
        for job in self._with_files(ids):
            self._note_all(self._scheduler.move_up(job))

    def move_down(self, ids: Iterable[int]) -> None:
        """Change the order of queued jobs the other way."""
        for job in reversed(self._with_files(ids)):
            self._note_all(self._scheduler.move_down(job))

    async def run_now(self, ids: Iterable[int]) -> None:
        """Start queued and resting jobs beyond the number that usually runs."""
        for job in self._with_files(ids):
            if job.row.is_folder:
                self._folders.expand(job)
            elif job.state in _RESTING:
                await self._go_on(job, now=True)
            elif job.state is JobState.QUEUED and job.id not in self._ending:
                self._scheduler.run_now(job)
                self._note_all([job])
            else:
                job.wake.set()
        self._reconsider(ids)

    async def answer(self, job_id: int, policy: ConflictPolicy, *, for_batch: bool) -> None:
        """Apply a policy to a job that asked, or to all of its batch that ask or will."""
        asked = self._live.get(job_id)
        if asked is None or policy is ConflictPolicy.ASK:
            return
        for job in list(self._live.values()):
            same = job is asked or (for_batch and job.row.batch == asked.row.batch)
            asks = job.state is JobState.NEEDS_ANSWER and not job.row.is_folder
            will = job.row.policy is ConflictPolicy.ASK and not job.state.is_final
            if not same or not (asks or will):
                continue
            job.row.policy = policy
            if asks:
                await self._left(job)
                if job.state is JobState.NEEDS_ANSWER and job.id not in self._ending:
                    self._queue(job)
            else:
                self._ctx.journal.note_job(job.row)

    # -- one job

    async def _cancel(self, job: LiveJob) -> None:
        if job.state.is_final:
            return
        try:
            await self._discard(job)
        except Exception as error:  # Whatever it is, the others are cancelled, too.
            reason = error.message if isinstance(error, StorageError) else str(error)
            text = f"It is stopped, but not cleared away yet: {reason} Cancel it again then."
            await settle(self._ctx, job, JobState.FAILED, text)
            return
        await settle(self._ctx, job, JobState.CANCELLED)

    async def _cancel_late(self, job: LiveJob) -> None:
        """Cancel a job that is being completed, where that fails; else say that it was too late."""
        if await self._is_complete(job):
            note = f"{job.row.note} It was complete before it could be cancelled."
            job.row.note = note.strip()
            self._note_all([job])
            self._ctx.changed(job)
            return
        await self._stop([job])
        await self._cancel(job)

    async def _pause_late(self, job: LiveJob) -> None:
        """Pause a job that is being completed, where that fails."""
        if not await self._is_complete(job):
            await self._stop([job])
            if job.state.is_active:
                await settle(self._ctx, job, JobState.PAUSED)

    async def _is_complete(self, job: LiveJob) -> bool:
        """Wait until a job that is being completed is done, or can be stopped after all."""
        job.hint = _ENDS_FIRST
        self._ctx.changed(job)
        try:
            while self._is_ending(job) and job.task is not None:
                job.entered.clear()
                await job.entered.wait()
        finally:
            job.hint = ""
        self._ctx.changed(job)
        return job.state.is_final

    async def _discard(self, job: LiveJob) -> None:
        """Take back what a job has left on the server or here."""
        row = job.row
        if row.direction is Direction.DOWNLOAD:
            if row.begun or row.sent:
                await discard_download(self._ctx, job)
        elif row.begun:
            saved = await self._ctx.journal.upload(row.id)
            op = await self._ctx.operator(row.profile, row.bucket)
            await abort_upload(self._ctx, op, job)
            if saved is not None and saved.state == "completing":
                await self._say_if_there(op, job)

    async def _say_if_there(self, op: Operator, job: LiveJob) -> None:
        """Say of a job that may have been completed whether there is such an object."""
        row = job.row
        try:
            there = await stat_or_none(op, row.key)
        except StorageError:
            row.note = f"Whether {row.key} had been completed before could not be seen."
            return
        if there is not None and there.content_length == row.total:
            row.note = f"It may have been completed before: {row.key} is there, with its size."

    async def _stop(self, jobs: Sequence[LiveJob]) -> None:
        """Stop jobs, all at once: a place that one gives back is not for another of them."""
        for job in jobs:
            self._scheduler.remove(job)
        tasks = [job.task for job in jobs if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _left(self, job: LiveJob) -> None:
        """Return when a job that has come to rest has ended its run."""
        if job.task is not None:
            await asyncio.wait([job.task])

    async def _go_on(self, job: LiveJob, *, now: bool = False) -> None:
        await self._left(job)
        if job.state in _RESTING and job.id not in self._ending:
            # Another try: it looks whether the one before had arrived after all.
            job.row.attempts += 1
            self._queue(job, now=now)

    def _queue(self, job: LiveJob, *, now: bool = False) -> None:
        job.row.error = ""
        self._ctx.show(job, JobState.QUEUED)
        if now:
            self._scheduler.run_now(job)
            self._note_all([job])
        else:
            self._scheduler.add(job)

    def _note_all(self, jobs: Iterable[LiveJob]) -> None:
        """Write down what changed of jobs, so that a restart keeps their order."""
        for job in jobs:
            self._ctx.journal.note_job(job.row)

    def _too_late(self, job: LiveJob) -> bool:
        """Whether an upload is being completed: the server decides now, and it soon ends."""
        if job.comparing or job.row.direction is Direction.DOWNLOAD:
            return False
        return job.state in _FINISHING

    def _is_ending(self, job: LiveJob) -> bool:
        """Whether a job is being completed, or its end is being written to the journal."""
        return self._too_late(job) or (job.state.is_final and job.seen is not job.state)

    # -- which

    def _jobs(self, ids: Iterable[int]) -> list[LiveJob]:
        return [self._live[number] for number in ids if number in self._live]

    def _late(self, ids: Iterable[int]) -> list[LiveJob]:
        """Return which files are being completed at this moment."""
        return [
            job
            for job in self._with_files(ids)
            if self._is_ending(job) and not job.row.is_folder and job.id not in self._ending
        ]

    def _stoppable(self, ids: Iterable[int]) -> list[LiveJob]:
        """Return which files can be stopped; what was just found of a folder is among them."""
        for folder in self._jobs(ids):
            self._folders.take_up(folder)
        return [
            job
            for job in self._with_files(ids)
            if not (job.row.is_folder or job.state.is_final or self._too_late(job))
            and job.id not in self._ending
        ]

    def _with_files(self, ids: Iterable[int]) -> list[LiveJob]:
        """Return the jobs, and for each folder its live files after it."""
        found: dict[int, LiveJob] = {}
        for job in self._jobs(ids):
            found[job.id] = job
            for number in sorted(job.sums.live) if job.sums is not None else ():
                if number in self._live:
                    found[number] = self._live[number]
        return list(found.values())

    def _reconsider(self, ids: Iterable[int]) -> None:
        for job in self._jobs(ids):
            if job.row.is_folder:
                self._folders.reconsider(job)
