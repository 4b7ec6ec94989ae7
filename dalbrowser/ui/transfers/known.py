"""The jobs and batches that the window knows of; plain Python, no widget and no row.

Invariants: a live job is known until it is history, and then for as long as it is shown; a
job is filed under its state and under the node above it as it was told last.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dalbrowser.ui.transfers.batches import Batch

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from dalbrowser.transfer import BatchView, JobState, JobView


class KnownJobs:
    """Views by id. A node is a job's id, or minus a batch's number."""

    def __init__(self) -> None:
        self.views: dict[int, JobView] = {}
        """Every live job, and those shown of the past."""
        self.live: set[int] = set()
        self.batches: dict[int, Batch] = {}
        self.files: dict[int, dict[int, None]] = {}
        """The live jobs below a node, in the order in which they came."""
        self._by_state: dict[JobState, set[int]] = {}
        self._counted: Counter[JobState] = Counter()
        """The jobs of all batches by state, so that nobody has to go through the batches."""

    def clear(self) -> None:
        """Know nothing."""
        self.views.clear()
        self.live.clear()
        self.batches.clear()
        self.files.clear()
        self._by_state.clear()
        self._counted.clear()

    # What arrives.

    def know(self, view: JobView) -> None:
        """Take over how a live job is now."""
        before = self.views.get(view.id)
        if before is not None:
            self._by_state[before.state].discard(view.id)
        self._file(view)
        if view.parent is None:
            batch = self.batches.get(view.batch)
            if batch is None:
                batch = self.batches[view.batch] = Batch(view.batch)
            counted = before if view.id in self.live else None
            batch.count(view, counted)
            self._counted[view.state] += 1
            if counted is not None:
                self._counted[counted.state] -= 1
        if view.id not in self.live:
            self.live.add(view.id)
            self.files.setdefault(_node_above(view), {})[view.id] = None

    def know_past(self, past: BatchView) -> None:
        """Take over a batch of the history, and its job where it has only one."""
        if past.id in self.batches:
            self._counted.subtract(self.batches[past.id].counts)
        batch = self.batches[past.id] = Batch(past.id)
        batch.add_past(past)
        self._counted.update(batch.counts)
        if past.first is not None and batch.size == 1:
            self._file(past.first)

    def know_file(self, view: JobView) -> None:
        """Take over a job as the history has it, unless it is live."""
        if view.id not in self.live:
            self._file(view)

    def left(self, jobs: Iterable[int], shown: Container[int]) -> None:
        """Jobs are history now: those that are ``shown`` stay, the others are forgotten."""
        for job in jobs:
            if job not in self.live:
                continue
            self.live.discard(job)
            above = _node_above(self.views[job])
            files = self.files[above]
            del files[job]
            if not files:
                del self.files[above]
            if job not in shown:
                self.forget(job)

    def forget(self, job: int) -> None:
        """Know nothing of a job any more, unless it is live."""
        if job not in self.live:
            view = self.views.pop(job)
            self._by_state[view.state].discard(job)

    def _file(self, view: JobView) -> None:
        self._by_state.setdefault(view.state, set()).add(view.id)
        self.views[view.id] = view

    # What is asked.

    def view(self, node: int) -> JobView:
        """Return a job, or what a batch adds up to; ``KeyError`` when it is not known."""
        return self.views[node] if node > 0 else self.batches[-node].view

    def above(self, job: int) -> int | None:
        """Return the node that a job's row belongs below, ``None`` for the top."""
        view = self.views[job]
        if view.parent is not None:
            return view.parent
        node = self.batches[view.batch].node
        return node if node < 0 else None

    def depth(self, node: int) -> int:
        """Return how many nodes are above one."""
        depth = 0
        while node > 0:
            above = self.above(node)
            if above is None:
                break
            node, depth = above, depth + 1
        return depth

    def in_states(self, states: Iterable[JobState]) -> list[JobView]:
        """Return the jobs that are in one of these states, oldest first."""
        found = sorted(job for state in states for job in self._by_state.get(state, ()))
        return [self.views[job] for job in found]

    @property
    def states(self) -> set[JobState]:
        """The states that at least one job is in."""
        found = {state for state, jobs in self._by_state.items() if jobs}
        return found | {state for state, count in self._counted.items() if count > 0}


def _node_above(view: JobView) -> int:
    return view.parent if view.parent is not None else -view.batch
