"""The transfer engine: what a window or a command asks for, and the promise behind it.

Invariant: a job that was accepted is in the journal before its id is returned, and stays
there, in whatever state, until it is done or a person ends it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.transfer import intake
from dalbrowser.transfer.changes import Changes
from dalbrowser.transfer.compared import PLANNED
from dalbrowser.transfer.context import RunContext
from dalbrowser.transfer.controls import Controls
from dalbrowser.transfer.disk.durable import DurableEnds
from dalbrowser.transfer.disk.pool import disk_pool
from dalbrowser.transfer.disk.visits import DiskVisits
from dalbrowser.transfer.folders.jobs import Folders
from dalbrowser.transfer.gates import NetworkGates
from dalbrowser.transfer.history import History
from dalbrowser.transfer.job import LiveJob, parsed
from dalbrowser.transfer.journal import Journal
from dalbrowser.transfer.log import JobLog
from dalbrowser.transfer.manifest import Manifest, build_manifest
from dalbrowser.transfer.model import (
    ConflictPolicy,
    Direction,
    EngineOptions,
    JobState,
    StartReport,
)
from dalbrowser.transfer.notifier import Notifier
from dalbrowser.transfer.rate import Rates
from dalbrowser.transfer.restoring import restore
from dalbrowser.transfer.runner import run_job
from dalbrowser.transfer.scheduler import Scheduler
from dalbrowser.transfer.slots import Slots
from dalbrowser.transfer.uploading.adopt import adopted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dalbrowser.profiles import Location, ProfileStore
    from dalbrowser.storage import Metadata, Operator
    from dalbrowser.transfer.intake import Request
    from dalbrowser.transfer.journal import JobRow
    from dalbrowser.transfer.model import (
        BatchView,
        JobEvent,
        JobView,
        LocalPath,
        Notify,
        OperatorSource,
    )


class TransferEngine:
    """Runs transfers on the event loop that calls ``start``; every method is called on it.

    ``connections`` gives the operators, ``profiles`` the connections by id. ``notify`` gets
    ``JobsChanged``, ``JobsRemoved`` and ``BatchEnded`` on that loop. Nothing that an earlier
    process left runs before ``resume`` says so.
    """

    def __init__(
        self,
        journal_path: Path,
        connections: OperatorSource,
        profiles: ProfileStore,
        options: EngineOptions | None = None,
        notify: Notify | None = None,
    ) -> None:
        self._options = options or EngineOptions()
        self._journal = Journal(Path(journal_path), self._options.who)
        self._connections = connections
        self._profiles = profiles
        self._live: dict[int, LiveJob] = {}
        self._log = JobLog(self._journal)
        self._past = History(self._journal, self._live)
        self._notifier = Notifier(notify, self._options.event_interval)
        self._changes = Changes(
            self._live,
            self._log,
            self._notifier,
            self._account,
            keep=self._options.live_finished_cap,
        )
        self._disk = disk_pool(behind_window=self._options.behind_window)
        self._durable = DurableEnds(self._disk, self._journal.note_job, self._not_durable)
        self._scheduler = Scheduler(self._options, self._start_job)
        self._ctx = RunContext(
            journal=self._journal,
            options=self._options,
            slots=Slots(self._options.parts_total),
            rates=Rates(self._options.limit_up, self._options.limit_down),
            disk=self._disk,
            visits=DiskVisits(self._disk),
            durable=self._durable,
            gates=NetworkGates(
                self._options,
                self._operator,
                self._changes.changed,
                rests=self._scheduler.rests,
                goes_on=self._scheduler.goes_on,
            ),
            operator=self._operator,
            changed=self._changes.changed,
        )
        self._folders = Folders(self._ctx, self._live, self._take)
        self._controls = Controls(self._ctx, self._live, self._scheduler, self._folders)

    # -- life

    async def start(self) -> StartReport:
        """Open the journal; raises ``JournalHeld`` when another process has it.

        Jobs that were under way when the last process ended are *interrupted* now.
        """
        await self._journal.open()
        for row in await self._journal.unfinished():
            if row.state.is_active:
                row.state = JobState.INTERRUPTED
                self._journal.note_job(row)
                self._log.cut_off(row)
            job = self._live[row.id] = LiveJob.of(row)
            await restore(self._ctx, job)
            self._changes.changed(job)
        for job in self._live.values():
            self._folders.restored(job)
        self._journal.note_prune(self._options.history_cap)
        interrupted = [
            job.view()
            for job in self._live.values()
            if job.state is JobState.INTERRUPTED and job.row.parent is None
        ]
        return StartReport(interrupted, self._journal.note)

    async def close(self) -> None:
        """Stop all work; what ran is *interrupted* in the journal and can be resumed."""
        self._scheduler.closed = True
        for job in list(self._live.values()):
            if job.row.is_folder:
                await self._folders.halt(job, JobState.INTERRUPTED)
        tasks = [job.task for job in self._live.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for job in list(self._live.values()):
            if job.state.is_active:
                self._ctx.show(job, JobState.INTERRUPTED)
        self._notifier.flush()
        await self._durable.drain()
        await self._journal.close()
        await asyncio.to_thread(self._disk.shutdown)

    # -- requests

    async def upload(
        self,
        paths: Sequence[LocalPath],
        target: Location,
        policy: ConflictPolicy = ConflictPolicy.ASK,
    ) -> list[int]:
        """Upload files and folders into the folder ``target``; one job id a path.

        A folder's own job ends when all its files have; they are expanded as it goes.
        """
        profile = self._profile(target.profile_id)
        return await self._accept(
            partial(intake.upload_requests, list(paths), target, profile, policy)
        )

    async def upload_file(
        self, path: LocalPath, target: Location, policy: ConflictPolicy = ConflictPolicy.ASK
    ) -> int:
        """Upload one file to the exact key of ``target``."""
        profile = self._profile(target.profile_id)
        ids = await self._accept(
            lambda: [intake.upload_file_request(path, target, profile, policy)]
        )
        return ids[0]

    async def download(
        self,
        items: Sequence[tuple[Location, Metadata | None]],
        folder: LocalPath,
        policy: ConflictPolicy = ConflictPolicy.ASK,
    ) -> list[int]:
        """Download objects and folders (keys ending in ``/``) into ``folder``.

        What a listing told of an object saves the request that would ask; else ``None``.
        """
        profiles = {place.profile_id: self._profile(place.profile_id) for place, _ in items}
        return await self._accept(
            partial(intake.download_requests, list(items), folder, profiles, policy)
        )

    async def download_file(
        self,
        location: Location,
        path: LocalPath,
        policy: ConflictPolicy = ConflictPolicy.ASK,
        metadata: Metadata | None = None,
    ) -> int:
        """Download one object to the exact local ``path``; its folder must exist.

        ``metadata`` is what ``stat`` said of it just now: that request is not made again.
        """
        profile = self._profile(location.profile_id)
        ids = await self._accept(
            lambda: [intake.download_file_request(location, path, profile, policy, metadata)]
        )
        self._live[ids[0]].told = metadata  # Before its task takes its first step.
        return ids[0]

    async def copy(
        self,
        items: Sequence[Location],
        target: Location,
        policy: ConflictPolicy = ConflictPolicy.ASK,
        *,
        move: bool = False,
        names: Mapping[Location, str] | None = None,
    ) -> list[int]:
        """Copy or move objects and folders into the folder ``target``, under other ``names``.

        A move deletes its source only when the target is verified and the source unchanged.
        """
        direction = Direction.MOVE if move else Direction.COPY
        profiles = {p.profile_id: self._profile(p.profile_id) for p in (*items, target)}
        return await self._accept(
            partial(
                intake.copy_requests, list(items), target, profiles, policy, direction, names=names
            )
        )

    async def adopt(
        self,
        path: LocalPath,
        target: Location,
        upload_id: str,
        policy: ConflictPolicy = ConflictPolicy.ASK,
    ) -> int:
        """Go on with an incomplete upload found on the server, from the local file ``path``.

        The size of its parts is read from the upload itself, and every part is proven.
        Raises ``TransferError`` when the upload was not begun from this file.
        """
        profile = self._profile(target.profile_id)
        op = await self._operator(profile, target.bucket)
        request = await self._ctx.on_disk(intake.upload_file_request, path, target, profile, policy)
        upload = await adopted(self._ctx, op, request[0], upload_id)
        row = request[0]
        row.begun = True
        (upload.job,) = await intake.write_down(self._journal, [request])
        await self._journal.save_upload(upload, row)
        self._take(row)
        return row.id

    async def sync(
        self, plan: Path, source: Location | str, target: Location | str, terms: str = ""
    ) -> int:
        """Carry out the copies of a plan that ``transfer.sync`` wrote; a text is a local folder.

        ``terms`` are what chose its files, for whoever asks what is unfinished.
        """
        # Start-up time: most commands sync nothing.
        from dalbrowser.transfer.sync.jobs import sync_request  # noqa: PLC0415

        ids = await self._accept(lambda: [sync_request(plan, source, target, self._profile, terms)])
        return ids[0]

    def unfinished_syncs(self) -> list[tuple[JobView, str]]:
        """Return the syncs that are not done: the view of the folder job, and its terms."""
        return [
            (job.view(), job.row.version)
            for job in self._live.values()
            if job.row.compared == PLANNED and job.row.parent is None and not job.state.is_final
        ]

    async def manifest(self, batch: int) -> Manifest:
        """Return what arrived in a batch, with the SHA-256 of the local side of each file."""
        return await self._ctx.on_disk(build_manifest, await self.moved(batch))

    async def moved(self, batch: int) -> list[JobRow]:
        """Return all jobs of a batch as the journal has them, for its manifest."""
        await self._durable.drain()
        return await self._journal.batch_rows(batch)

    # -- control

    async def pause(self, ids: Iterable[int]) -> None:
        """Stop these jobs; what was confirmed is kept. One that is being finished ends first."""
        await self._controls.pause(ids)

    async def resume(self, ids: Iterable[int]) -> None:
        """Let paused, interrupted, failed and waiting jobs go on from what they have."""
        await self._controls.resume(ids)

    async def cancel(self, ids: Iterable[int]) -> None:
        """End these jobs and leave nothing of them: no upload, no temporary file."""
        await self._controls.cancel(ids)

    async def retry(self, ids: Iterable[int]) -> None:
        """Try failed jobs again; a job whose source changed starts over."""
        await self._controls.retry(ids)

    async def answer(self, job_id: int, policy: ConflictPolicy, for_batch: bool = False) -> None:
        """Answer a job that needs to know what to do with an existing target."""
        await self._controls.answer(job_id, policy, for_batch=for_batch)

    async def move_up(self, ids: Iterable[int]) -> None:
        """Let each of these queued jobs change places with the one before it in its batch."""
        self._controls.move_up(ids)

    async def move_down(self, ids: Iterable[int]) -> None:
        """Let each of these queued jobs change places with the one after it in its batch."""
        self._controls.move_down(ids)

    async def run_now(self, ids: Iterable[int]) -> None:
        """Start these jobs at once, also when all places are taken, whatever they rest from."""
        await self._controls.run_now(ids)

    async def set_rate_limits(self, up: int | None, down: int | None) -> None:
        """Let all transfers together send and receive so many bytes a second from now on.

        ``None`` and 0 are no limit; below 128 KiB/s is taken for 128 KiB/s.
        """
        self._ctx.rates.set(up, down)

    # -- looking

    def jobs(self) -> list[JobView]:
        """Return the live jobs and those lately finished, oldest first; not a coroutine."""
        return [job.view() for _, job in sorted(self._live.items())]

    async def history(self, limit: int = 200) -> list[JobView]:
        """Return finished jobs, newest first."""
        await self._durable.drain()
        return [LiveJob.of(row).view() for row in await self._journal.history(limit)]

    async def tell_all(self, limit: int = 200) -> None:
        """Tell the listeners of everything (a ``Snapshot``), in order with the other events.

        ``limit`` bounds the batches of the history; ``batches`` has those before.
        """
        await self._durable.drain()
        snapshot = await self._past.snapshot(limit)
        self._notifier.now(snapshot)

    async def batches(
        self, before: int, limit: int = 200
    ) -> tuple[tuple[BatchView, ...], int | None]:
        """Return batches begun before the batch ``before``, newest first, and where to go on."""
        return await self._past.batches(before, limit)

    async def files(
        self, node: int, after: int = 0, limit: int = 200
    ) -> tuple[list[JobView], bool]:
        """Return files of the folder job ``node`` (or jobs of the batch ``-node``), by id.

        Those whose ids are above ``after``, and whether that was all.
        """
        await self._durable.drain()
        return await self._past.files(node, after, limit)

    async def log(self, job_id: int) -> list[JobEvent]:
        """Return what happened to a job, oldest first; empty when there is no such job."""
        job = self._live.get(job_id)
        rows = [job.row] if job is not None else await self._journal.jobs_by_id([job_id])
        return await self._log.lines(rows[0], job) if rows else []

    async def clear_completed(self) -> None:
        """Forget the finished jobs, in the list and in the history; their files stay."""
        await self._durable.drain()
        for job in list(self._live.values()):
            parent = self._live.get(job.row.parent or 0)
            if job.state.is_final and (parent is None or parent.state.is_final):
                self._changes.forget(job.id)
        await self._journal.forget_finished()

    async def wait(self, ids: Iterable[int]) -> list[JobView]:
        """Return the views of these jobs once each is settled (done, failed, needs a person …)."""
        wanted = list(ids)
        for number in wanted:
            job = self._live.get(number)
            if job is not None:
                await job.settled.wait()
        self._notifier.flush()
        await self._durable.drain()
        gone = [number for number in wanted if number not in self._live]
        views = {row.id: LiveJob.of(row).view() for row in await self._journal.jobs_by_id(gone)}
        views |= {n: self._live[n].view() for n in wanted if n in self._live}
        return [views[number] for number in wanted if number in views]

    # -- inside

    def _profile(self, profile_id: str) -> str:
        return self._profiles.get(profile_id).to_json()

    async def _operator(self, profile: str, bucket: str) -> Operator:
        return await self._connections.operator(parsed(profile), bucket)

    async def _accept(self, build: Callable[[], list[Request]]) -> list[int]:
        requests = await self._ctx.on_disk(build)
        ids = await intake.write_down(self._journal, requests)
        for row, _ in requests:
            self._take(row)
        return ids

    def _not_durable(self, row: JobRow, error: OSError) -> None:
        """A download that is in place is not done: a power cut could still take its bytes."""
        row.state, row.finished = JobState.FAILED, None
        row.error = (
            f"It is in place, but the disk refused to keep it ({error.strerror or error}); see to"
            " the disk, then retry."
        )
        self._journal.note_job(row)
        if row.id in self._live:
            self._changes.changed(self._live[row.id])

    def _account(self, job: LiveJob, before: JobState | None) -> None:
        # The folders are made out of what calls this.
        self._folders.account(job, before)

    def _take(self, row: JobRow) -> None:
        """Take up a job that was just written to the journal."""
        job = LiveJob.of(row)
        self._live[row.id] = job
        self._changes.changed(job)
        if row.is_folder:
            self._folders.expand(job)
        elif row.state is JobState.QUEUED:
            self._scheduler.add(job)

    def _start_job(self, job: LiveJob) -> None:
        job.task = asyncio.ensure_future(run_job(self._ctx, job))
        # A callback, for a task that is cancelled before its first step runs nothing of itself.
        job.task.add_done_callback(lambda task: self._job_ended(job, task))

    def _job_ended(self, job: LiveJob, task: asyncio.Task[None]) -> None:
        job.task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Nobody would ever hear of it: whoever waits for the job would wait for good.
            job.row.state = JobState.FAILED
            job.row.error = f"Something unforeseen went wrong ({error!r}); retry."
            self._journal.note_job(job.row)
            self._changes.changed(job)
        self._scheduler.ended(job)
