"""Which bytes of a file are there: ranges that grow together as they arrive in any order.

Invariant: the ranges held are sorted, and there is a gap between any two of them.
"""

from __future__ import annotations

from bisect import bisect_right


class Spans:
    """Ranges ``(start, stop)`` in bytes, the end exclusive."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, start: int, stop: int) -> None:
        """Take a range; it may touch or overlap what is there."""
        if start >= stop:
            return
        first = bisect_right(self._starts, start)
        if first and self._stops[first - 1] >= start:
            first -= 1
        last = first
        while last < len(self._starts) and self._starts[last] <= stop:
            start, stop = min(start, self._starts[last]), max(stop, self._stops[last])
            last += 1
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def reaches(self, at: int) -> int:
        """Return the end of the bytes that are there from ``at`` on; ``at`` when it is not."""
        place = bisect_right(self._starts, at) - 1
        return max(at, self._stops[place]) if place >= 0 else at
