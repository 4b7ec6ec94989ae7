"""Waiting for a service that is out of reach: one probe for all jobs of a connection.

Whoever waits tells that it rests, and that it goes on, so that others have its place.
Invariant: a closed gate has one probe and at least one job that waits; whoever leaves last
ends the probe. A person's click is never waited out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import field
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.failures import Wait, pause_before, wait_for
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dalbrowser.storage import Operator
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.model import EngineOptions

_Places = tuple[tuple[str, str], ...]


@record(frozen=False, eq=False)
class _Gate:
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    nudged: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: dict[int, LiveJob] = field(default_factory=dict)
    probe: asyncio.Task[None] | None = None
    retry_at: float | None = None


class NetworkGates:
    """One gate for each connection and bucket, or pair of them, that does not answer."""

    def __init__(
        self,
        options: EngineOptions,
        operator: Callable[[str, str], Awaitable[Operator]],
        changed: Callable[[LiveJob], None],
        rests: Callable[[LiveJob], None],
        goes_on: Callable[[LiveJob], None],
    ) -> None:
        self._options = options
        self._operator = operator
        self._changed = changed
        self._rests = rests
        self._goes_on = goes_on
        self._gates: dict[_Places, _Gate] = {}

    async def wait(self, job: LiveJob, failures: int, limit: float | None) -> None:
        """Wait until the job's services answer, ``limit`` seconds went by, or it is woken.

        ``failures`` is how often the job found them out of reach in this run.
        """
        places = _places(job)
        gate = self._gates.get(places)
        if gate is None:
            gate = self._gates[places] = _Gate()
        gate.waiting[job.id] = job
        if gate.probe is None:
            gate.probe = asyncio.ensure_future(self._probe(gate, places, job, failures))
        job.retry_at = gate.retry_at
        job.wake.clear()
        self._rests(job)
        waits = [asyncio.ensure_future(event.wait()) for event in (gate.opened, job.wake)]
        try:
            await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if job.wake.is_set():
                gate.nudged.set()
                # The probe must get to hear of it before the last one leaves.
                await asyncio.sleep(0)
        finally:
            for wait in waits:
                wait.cancel()
            job.retry_at = None
            self._goes_on(job)
            del gate.waiting[job.id]
            if not gate.waiting:
                gate.probe.cancel()
                self._forget(places, gate)

    async def _probe(self, gate: _Gate, places: _Places, first: LiveJob, attempt: int) -> None:
        options, row = self._options, first.row
        keys = (row.key, row.source_key)
        while True:
            pause = pause_before(attempt, options.backoff_base, options.backoff_cap)
            gate.retry_at = time.time() + pause
            for job in gate.waiting.values():
                job.retry_at = gate.retry_at
                self._changed(job)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gate.nudged.wait(), pause)
            attempt = 1 if gate.nudged.is_set() else attempt + 1
            gate.nudged.clear()
            answers = [
                await self._answers(profile, bucket, key)
                for (profile, bucket), key in zip(places, keys, strict=False)
            ]
            if all(answers):
                gate.opened.set()
                self._forget(places, gate)
                return

    async def _answers(self, profile: str, bucket: str, key: str) -> bool:
        """Whether a service says anything at all, be it a refusal."""
        try:
            operator = await self._operator(profile, bucket)
            await operator.stat(spell(key))
        except StorageError as error:
            return wait_for(error) is not Wait.NETWORK
        except Exception:
            # Not the network's fault: the job itself shall meet it and say so.
            return True
        return True

    def _forget(self, places: _Places, gate: _Gate) -> None:
        if self._gates.get(places) is gate:
            del self._gates[places]


def _places(job: LiveJob) -> _Places:
    row = job.row
    target = (row.profile, row.bucket)
    return (target, (row.source_profile, row.source_bucket)) if row.source_profile else (target,)
