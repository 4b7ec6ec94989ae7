"""Folder jobs: expanded in the background, summed up from their files.

Invariant: a folder's state follows from its files and its expansion; it is done only when
all of it was expanded and every file in it needs nothing more.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import is_temporary, pause_before
from dalbrowser.transfer.folders.planner import require_expanded, steps
from dalbrowser.transfer.model import Direction, JobState, TransferError
from dalbrowser.transfer.runner import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.transfer.context import RunContext
    from dalbrowser.transfer.job import FolderSums, LiveJob
    from dalbrowser.transfer.journal import JobRow

_REST = (
    JobState.NEEDS_ANSWER,
    JobState.WAITING_CREDENTIALS,
    JobState.SOURCE_CHANGED,
    JobState.FAILED,
    JobState.PAUSED,
    JobState.INTERRUPTED,
    JobState.CANCELLED,
)
"""What a folder with files at rest is called: the state that most needs a person first."""


_FAILED_WINDOWS = 10
"""Windows of files at rest, most of them failed, from which on a folder waits for a person."""


class Folders:
    """The folder jobs of an engine. ``take`` is given each new file of one."""

    def __init__(
        self, ctx: RunContext, live: dict[int, LiveJob], take: Callable[[JobRow], None]
    ) -> None:
        self._ctx = ctx
        self._live = live
        self._take = take
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._room = asyncio.Event()

    def expand(self, folder: LiveJob) -> None:
        """Begin or go on expanding a folder."""
        self.take_up(folder)
        if folder.sums is None or folder.sums.expanded or folder.id in self._tasks:
            return
        folder.sums.halted = None
        folder.row.error = folder.row.trouble = ""
        self._ctx.show(folder, JobState.PREPARING)
        self._tasks[folder.id] = asyncio.ensure_future(self._expand(folder))

    def restored(self, folder: LiveJob) -> None:
        """A folder and its files came back from the journal: say where it stands."""
        if folder.sums is not None:
            self.reconsider(folder)

    async def halt(self, folder: LiveJob, state: JobState) -> None:
        """Stop expanding a folder; what is not expanded stays planned."""
        sums, task = folder.sums, self._tasks.pop(folder.id, None)
        if sums is not None and not sums.expanded:
            sums.halted = state
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if sums is not None and sums.expanded:
            sums.halted = None

    def take_up(self, folder: LiveJob) -> None:
        """Take up files that were written down while the expansion was being stopped."""
        if folder.sums is not None:
            untaken, folder.sums.untaken = folder.sums.untaken, []
            for row in untaken:
                self._take(row)

    def account(self, job: LiveJob, before: JobState | None) -> None:
        """Count what changed of a file into its folder."""
        folder = self._live.get(job.row.parent or 0)
        if folder is None or folder.sums is None:
            return
        sums, row = folder.sums, job.row
        sums.bytes_done += row.done - job.seen_done
        folder.meter.add(max(0, row.done - job.seen_done))
        job.seen_done = row.done
        if before is not row.state:
            sums.moved(before, row.state)
            if before is None:
                sums.bytes_total += row.total or 0
            if row.state.is_final:
                sums.live.discard(job.id)
            else:
                sums.live.add(job.id)
            if row.state.is_settled:
                self._room.set()
            self.reconsider(folder)
        else:
            self._ctx.changed(folder)

    def reconsider(self, folder: LiveJob) -> None:
        """Give a folder the state that follows from its files."""
        sums = folder.sums
        if sums is None or folder.state.is_final:
            return
        rest = next((item for item in _REST if sums.counts[item] > 0), JobState.DONE)
        if rest is JobState.DONE and sums.cut:
            rest = JobState.CANCELLED
        if sums.active:
            state = JobState.RUNNING
        elif folder.id in self._tasks and not self._is_full(sums):
            state = JobState.RUNNING if sums.files else JobState.PREPARING
        elif sums.halted is not None:
            state = sums.halted
        else:
            state = rest
            if state is JobState.DONE and not sums.expanded:
                return
            if state is JobState.DONE and self._must_sweep(folder):
                folder.swept = True
                self._tasks[folder.id] = asyncio.ensure_future(self._sweep(folder))
                return
        if state is folder.state:
            self._ctx.changed(folder)
            return
        folder.row.error = ""
        if state in (JobState.FAILED, JobState.SOURCE_CHANGED):
            folder.row.error = _why(folder.row, sums)
        self._enter(folder, state)

    def _enter(self, folder: LiveJob, state: JobState) -> None:
        row, sums = folder.row, folder.sums
        if state.is_final and sums is not None:
            row.total, row.done = sums.bytes_total, sums.bytes_done
            row.finished = time.time()
            if sums.counts[JobState.SKIPPED]:
                row.note = f"{sums.counts[JobState.SKIPPED]:,} files were left out."
        self._ctx.show(folder, state)

    def _must_sweep(self, folder: LiveJob) -> bool:
        """Whether a folder was moved whole and its emptied places are still there."""
        moved = folder.row.direction is Direction.MOVE and not folder.swept
        return moved and folder.sums is not None and not folder.sums.counts[JobState.SKIPPED]

    async def _sweep(self, folder: LiveJob) -> None:
        """Delete the empty folders that a move left behind; anything with bytes stays."""
        row = folder.row
        try:
            op = await self._ctx.operator(row.source_profile, row.source_bucket)
            left = await op.list(spell(row.source_key), recursive=True)
            inside = all(entry.path.startswith(row.source_key) for entry in left)
            if inside and not any(entry.metadata.content_length for entry in left):
                paths = {row.source_key, *(e.path for e in left)}
                for path in sorted(paths, key=len, reverse=True):
                    if path.endswith("/"):
                        await op.delete(spell(path))
        except StorageError as error:
            row.note = f"The files were moved; an empty folder was left behind: {error.message}"
        except asyncio.CancelledError:
            folder.swept = False
            raise
        except Exception as error:
            row.note = f"The files were moved; whether empty folders are left is not known: {error}"
        finally:
            self._left(folder)
        self.reconsider(folder)

    async def _expand(self, folder: LiveJob) -> None:
        sums = folder.sums
        if sums is None:
            raise AssertionError
        trouble = ""
        try:
            await self._all_steps(folder)
            sums.expanded = True
            require_expanded(folder)
        except (TransferError, StorageError) as error:
            trouble = error.message if isinstance(error, StorageError) else str(error)
        except OSError as error:
            trouble = f"The folder could not be read ({error.strerror or error}); then retry."
        except Exception as error:
            trouble = f"Something unforeseen went wrong ({type(error).__name__}: {error}); retry."
        finally:
            self._left(folder)
        if trouble:
            sums.halted, folder.row.trouble = JobState.FAILED, trouble
            sums.expanded = False
            self._ctx.journal.note_job(folder.row)
        if trouble and not sums.active:
            await settle(self._ctx, folder, JobState.FAILED, _why(folder.row, sums))
        else:
            self.reconsider(folder)

    def _left(self, folder: LiveJob) -> None:
        """The task that runs this is over for a folder, which may have another by now."""
        if self._tasks.get(folder.id) is asyncio.current_task():
            del self._tasks[folder.id]

    async def _all_steps(self, folder: LiveJob) -> None:
        """Take up what is found, going on from the plan's cursor after a passing failure."""
        options, attempt = self._ctx.options, 0
        while True:
            try:
                async with aclosing(steps(self._ctx, folder)) as found:
                    async for rows in found:
                        attempt = 0
                        for row in rows:
                            self._take(row)
                        await self._wait_for_room(folder)
            except StorageError as error:
                attempt += 1
                if not is_temporary(error) or attempt >= options.attempts:
                    raise
                pause = pause_before(
                    attempt, options.backoff_base, options.backoff_cap, error.retry_after
                )
                await asyncio.sleep(pause)
            else:
                return

    async def _wait_for_room(self, folder: LiveJob) -> None:
        while folder.sums is not None and self._is_full(folder.sums):
            self._room.clear()
            await self._room.wait()

    def _is_full(self, sums: FolderSums) -> bool:
        """Whether no more files are to be taken up: those that failed keep none from its turn.

        Only where very many did, as nothing of a folder arrives then, a person is to see to it.
        """
        window, live = self._ctx.options.plan_window, len(sums.live)
        return live - sums.failed >= window or live >= _FAILED_WINDOWS * window


def _why(row: JobRow, sums: FolderSums) -> str:
    """Return what a folder that failed is told by."""
    if not sums.failed:
        return row.trouble
    many = f"{sums.failed:,} of {sums.files:,} files did not arrive; their rows say why."
    more = "" if sums.expanded or row.trouble else "No more of them were looked for meanwhile."
    return f"{many} {row.trouble or more}".strip()
