"""Carrying out the plan of ``dal sync``: what was cut off first, then copies, then deletions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.cli.context import complain, say
from dalbrowser.cli.jobs import run_jobs
from dalbrowser.cli.syncing import plan, plans_folder, say_plan, written
from dalbrowser.cli.wording import CommandError, one_line
from dalbrowser.transfer import JobState
from dalbrowser.transfer.sync.deleting import delete_extra
from dalbrowser.transfer.sync.ends import LocalEnd
from dalbrowser.transfer.sync.planfile import tidy

if TYPE_CHECKING:
    from dalbrowser.cli.context import Context
    from dalbrowser.cli.syncing import Wish
    from dalbrowser.transfer import TransferEngine
    from dalbrowser.transfer.sync.ends import End
    from dalbrowser.transfer.sync.planning import Planned


class SyncRun:
    """One sync that was said yes to."""

    def __init__(
        self, context: Context, wish: Wish, source: End, target: End, *, verbose: bool = True
    ) -> None:
        self._context = context
        self._wish = wish
        self._source = source
        self._target = target
        self._verbose = verbose
        self._planned: Planned | None = None
        self._begun = False

    async def run(self, planned: Planned | None = None) -> int:
        """Carry out ``planned``, or plan and carry that out; returns the exit code."""
        self._planned = planned
        code = 1
        try:
            code = await run_jobs(self._context, "dal sync", self._begin, limit=self._wish.limit)
            if self._planned is not None:
                code = await self._end(self._planned, code)
        finally:
            # What is to go on needs its plan; all other plans have served.
            if self._planned is not None and not (self._begun and code):
                await asyncio.to_thread(self._planned.file.discard)
        return code

    async def _begin(self, running: TransferEngine) -> list[int]:
        await asyncio.to_thread(tidy, plans_folder(self._context))
        if self._planned is None:
            await self._finish_earlier(running)
            self._planned = await plan(self._context, self._wish, self._source, self._target)
            await say_plan(self._planned, self._wish, verbose=self._verbose)
        else:
            self._require_no_earlier(running)
        if not self._planned.counts.work:
            return []
        if isinstance(self._target, LocalEnd):
            await asyncio.to_thread(_make_folder, self._target)
        number = await running.sync(
            self._planned.path, self._source.place, self._target.place, self._wish.rules.terms
        )
        self._begun = True
        return [number]

    def _earlier(self, running: TransferEngine) -> tuple[list[int], list[int]]:
        """Return the syncs of these ends that were cut off: by these rules, and by others."""
        ends = (written(self._context, self._source), written(self._context, self._target))
        alike: list[int] = []
        other: list[int] = []
        for view, terms in running.unfinished_syncs():
            if (view.source, view.target) == ends:
                (alike if terms == self._wish.rules.terms else other).append(view.id)
        return alike, other

    def _require_no_earlier(self, running: TransferEngine) -> None:
        alike, other = self._earlier(running)
        if alike or other:
            ids = " ".join(map(str, alike + other))
            raise CommandError(
                "Nothing was done: an earlier sync of these is not finished. Go on with it first:"
                f" dal transfers resume {ids} (or give it up: dal transfers cancel {ids})."
            )

    async def _finish_earlier(self, running: TransferEngine) -> None:
        """Go on with a sync of these ends that was cut off; what cannot go on is given up.

        It is compared anew afterwards, so that nothing is missed either way. One by other rules
        would copy what these leave out, so it is given up.
        """
        earlier, other = self._earlier(running)
        if other:
            complain("An earlier sync of these by other rules was cut off; it is given up.")
            await running.cancel(other)
            await running.wait(other)
        if not earlier:
            return
        complain("An earlier sync of these was cut off; it goes on first.")
        await running.resume(earlier)
        views = await running.wait(earlier)
        rest = [view.id for view in views if view.state is not JobState.DONE]
        if rest:
            complain("Not all of it could go on; what is left is compared and begun anew.")
            await running.cancel(rest)
            await running.wait(rest)

    async def _end(self, planned: Planned, code: int) -> int:
        """Delete, if that was asked for and everything else has succeeded."""
        if planned.counts.failed:
            code = 1
        if not self._wish.delete or not planned.counts.extra:
            return code
        if code:
            complain("Nothing was deleted, because not everything else was done.")
            return code
        report = await delete_extra(planned.path, self._source, self._target)
        if not self._wish.as_json:
            say(f"Deleted {report.gone:,}.")
        for key, why in report.kept:
            complain(f"Not deleted: {one_line(key)}: {why}")
        return 1 if report.kept else 0


def _make_folder(end: LocalEnd) -> None:
    Path(end.path).mkdir(parents=True, exist_ok=True)
