"""What every runner of a job is given: journal, operators, slots, a pool for the disk."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from dalbrowser.transfer.disk import casing
from dalbrowser.transfer.disk.placed import Placed
from dalbrowser.transfer.disk.targetfolders import TargetFolders
from dalbrowser.transfer.journal.past import arrived
from dalbrowser.transfer.model import JobState
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from dalbrowser.storage import Operator
    from dalbrowser.transfer.disk.durable import DurableEnds
    from dalbrowser.transfer.disk.visits import DiskVisits
    from dalbrowser.transfer.gates import NetworkGates
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import JobRow, Journal
    from dalbrowser.transfer.model import EngineOptions
    from dalbrowser.transfer.rate import Rates
    from dalbrowser.transfer.slots import Slots

P = ParamSpec("P")
T = TypeVar("T")

_PASSING = (JobState.PREPARING, JobState.VERIFYING)


@record()
class RunContext:
    """The engine as its runners see it. ``operator`` takes a profile's JSON and a bucket."""

    journal: Journal
    options: EngineOptions
    slots: Slots
    rates: Rates
    disk: Executor
    visits: DiskVisits
    durable: DurableEnds
    gates: NetworkGates
    operator: Callable[[str, str], Awaitable[Operator]]
    changed: Callable[[LiveJob], None]
    claims: dict[tuple[str, str, str], tuple[LiveJob, bool]] = field(default_factory=dict)
    claimed: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)
    placed: Placed = field(default_factory=Placed)
    folding: dict[str, bool] = field(default_factory=dict)
    target_folders: TargetFolders = field(default_factory=TargetFolders)

    def claim(
        self, job: LiveJob, place: str, bucket: str, key: str, *, loose: bool = False
    ) -> bool:
        """Reserve a name for a job; false while another live job has it.

        One of another request that rests, and may never go on, gives a ``loose`` name up to
        whoever asks for it so: what it goes on with later is decided by its own policy then.
        """
        name = (place, bucket, key)
        holder, is_loose = self.claims.setdefault(name, (job, loose))
        if holder is not job:
            rests = holder.state.is_settled and holder.row.batch != job.row.batch
            if not (loose and is_loose and rests):
                return False
            self.claims[name] = (job, loose)
        self.claimed.setdefault(job.id, []).append(name)
        return True

    def claim_file(self, job: LiveJob, path: str, *, loose: bool = False) -> bool:
        """Reserve a local name, and every one that some disk would take for it."""
        return self.claim(job, "local", "", path, loose=loose) and self.claim(
            job, "folded", "", casing.fold(path), loose=loose
        )

    async def placed_by_other(self, row: JobRow) -> bool:
        """Whether another job of a batch has put its file under this one's name."""
        rows = partial(arrived, self.journal)
        return await self.placed.by_other(row, rows, self.ignores_case)

    async def ignores_case(self, folder: str) -> bool:
        """Whether names that differ in case are one in a folder; asked once of each."""
        if folder not in self.folding:
            self.folding[folder] = await self.on_disk(casing.ignores_case, folder)
        return self.folding[folder]

    def release(self, job: LiveJob) -> None:
        """Give back every target that the job reserved."""
        for name in self.claimed.pop(job.id, ()):
            holder = self.claims.get(name)
            if holder is not None and holder[0] is job:
                del self.claims[name]

    async def on_disk(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that blocks (reading, hashing, flushing) in the disk pool."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.disk, partial(call, *args, **kwargs))

    async def to_the_end(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like ``on_disk``, but a cancelled task leaves only once the call is over.

        For what changes files: no thread may still write for a job that has stopped.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self.disk, partial(call, *args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            future.exception()
            raise

    def show(self, job: LiveJob, state: JobState) -> None:
        """Enter a state that needs no promise on disk; it is committed with the next group."""
        if job.row.state is not state:
            job.row.state = state
            # A file passes through these in moments, and a crash finds it cut off either way.
            if state not in _PASSING or job.row.is_folder:
                self.journal.note_job(job.row)
        self.changed(job)
