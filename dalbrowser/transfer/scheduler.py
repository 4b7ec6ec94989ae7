"""Which queued job runs next: two lanes, fair between batches, in order within one.

Large files have a few places of their own, small files the rest, so that small files never
wait for the tail of a giant, and none for a service that another does not reach. Invariant:
a job is in a lane's queue, running, or neither.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.model import EngineOptions


class _Lane:
    """One lane: ``places`` jobs at once, queues by batch."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.queues: dict[int, OrderedDict[int, LiveJob]] = {}
        self.running: dict[int, LiveJob] = {}
        self.resting: dict[int, LiveJob] = {}
        self.by_batch: Counter[int] = Counter()

    def next(self) -> LiveJob | None:
        """Take the first job of the batch that has the fewest running."""
        if not self.queues or len(self.running) - len(self.resting) >= self.places:
            return None
        batches = list(self.queues)
        if len(self.running) >= self.places:
            batches = [batch for batch in batches if not self._would_rest(batch)]
            if not batches:
                return None
        batch = min(batches, key=lambda item: (self.by_batch[item], item))
        queue = self.queues[batch]
        _, job = queue.popitem(last=False)
        if not queue:
            del self.queues[batch]
        self.running[job.id] = job
        self.by_batch[batch] += 1
        return job

    def _would_rest(self, batch: int) -> bool:
        """Whether the first job of a batch goes where others wait for an answer already."""
        first = next(iter(self.queues[batch].values()))
        return any(_services(job) <= _services(first) for job in self.resting.values())


class Scheduler:
    """Starts jobs by calling ``start``; tell it ``ended`` when one has left its task."""

    def __init__(self, options: EngineOptions, start: Callable[[LiveJob], None]) -> None:
        self._options = options
        self._start = start
        self._large = _Lane(options.large_files)
        self._small = _Lane(options.small_files)
        self.closed = False

    def add(self, job: LiveJob, *, first: bool = False) -> None:
        """Queue a job, at the end of its batch or before all others in it."""
        queue = self._lane(job).queues.setdefault(job.row.batch, OrderedDict())
        last = next(reversed(queue.values()), job)
        queue[job.id] = job
        if first:
            queue.move_to_end(job.id, last=False)
        elif (job.row.priority or last.row.priority) and last.rank > job.rank:
            # Somebody gave these an order, perhaps in a process before this one.
            for number in [number for number, other in queue.items() if other.rank > job.rank]:
                queue.move_to_end(number)
        self.fill()

    def move_up(self, job: LiveJob) -> list[LiveJob]:
        """Let a queued job change places with the one before it in its batch and lane.

        Returns the jobs whose rank this changed, to be written down.
        """
        queue = self._lane(job).queues.get(job.row.batch)
        if queue is None or job.id not in queue:
            return []
        order = list(queue)
        place = order.index(job.id)
        if place:
            # Whatever stands behind the new place follows again, in its order.
            for number in (order[place - 1], *order[place + 1 :]):
                queue.move_to_end(number)
        return _ranked(queue)

    def move_down(self, job: LiveJob) -> list[LiveJob]:
        """Let a queued job change places with the one after it in its batch and lane.

        Returns the jobs whose rank this changed, to be written down.
        """
        queue = self._lane(job).queues.get(job.row.batch)
        if queue is None or job.id not in queue:
            return []
        order = list(queue)
        behind = order[order.index(job.id) + 1 :]
        # The one after it stays where it is; the job and the others follow, in their order.
        for number in (job.id, *behind[1:]) if behind else ():
            queue.move_to_end(number)
        return _ranked(queue)

    def run_now(self, job: LiveJob) -> None:
        """Start a job that does not run yet, whether there is place or not."""
        lane = self._lane(job)
        if self.closed or job.task is not None or job.id in lane.running:
            return
        waiting = lane.queues.get(job.row.batch)
        ranks = [other.rank for other in waiting.values()] if waiting else []
        job.row.priority = min([0, *ranks]) - 1
        self.remove(job)
        lane.running[job.id] = job
        lane.by_batch[job.row.batch] += 1
        self._start(job)

    def remove(self, job: LiveJob) -> None:
        """Take a job out of the queue, if it is there."""
        for lane in (self._large, self._small):
            queue = lane.queues.get(job.row.batch)
            if queue is not None and queue.pop(job.id, None) is not None and not queue:
                del lane.queues[job.row.batch]

    def rests(self, job: LiveJob) -> None:
        """A running job waits for a service that does not answer: others may have its place."""
        for lane in (self._large, self._small):
            if job.id in lane.running:
                lane.resting[job.id] = job
        self.fill()

    def goes_on(self, job: LiveJob) -> None:
        """A job that rested runs again, beside whoever has its place by now."""
        for lane in (self._large, self._small):
            lane.resting.pop(job.id, None)

    def ended(self, job: LiveJob) -> None:
        """A running job gave its place back."""
        self.goes_on(job)
        for lane in (self._large, self._small):
            if lane.running.pop(job.id, None) is not None:
                lane.by_batch[job.row.batch] -= 1
                if not lane.by_batch[job.row.batch]:
                    del lane.by_batch[job.row.batch]
        self.fill()

    def fill(self) -> None:
        """Start what there is place for."""
        for lane in (self._small, self._large):
            while not self.closed and (job := lane.next()) is not None:
                self._start(job)

    def _lane(self, job: LiveJob) -> _Lane:
        options = self._options
        limit = (
            options.multipart_above
            if job.row.direction is Direction.UPLOAD
            else options.ranges_above + 1
        )
        return self._small if job.row.total is not None and job.row.total < limit else self._large


def _services(job: LiveJob) -> set[str]:
    """Return the connections that a job needs."""
    return {job.row.profile, job.row.source_profile} - {""}


def _ranked(queue: OrderedDict[int, LiveJob]) -> list[LiveJob]:
    """Give the jobs of a queue the ranks that they have, in their order; return who changed."""
    changed: list[LiveJob] = []
    for job, rank in zip(queue.values(), sorted(j.rank for j in queue.values()), strict=True):
        if job.rank != rank:
            job.row.priority = rank
            changed.append(job)
    return changed
