"""How many requests at once are worth it: found by trying one step more, and looking.

Invariant: the limit stays within its bounds, and a step up is kept only when it brought
more. Pure: it is told the time and what happened, and decides; it never waits.
"""

from __future__ import annotations

import math

from dalbrowser.utils.records import record

_STEP = 1.5
"""A step up: half more requests, so that what it brings stands out from the noise."""

_WORTH = 1.15
"""A step is worth keeping when it brings this much more of what it could bring, 1.5."""

_SECONDS = 0.25
"""A round is at least this long, and as many requests as may be under way twice."""

_REST, _LONGEST_REST = 1.0, 30.0
"""Seconds without another try after one that was not worth it, or was refused.

Twice as long each time, since a single bad round may be anybody's noise.
"""


@record()
class Bounds:
    """Requests at once: what to begin with, the fewest, the most."""

    start: int
    least: int
    most: int


class Adaptive:
    """One limit. Tell it of each request that ended, and of each that was refused.

    More is tried while somebody waits for a place; fewer are allowed after a refusal (503
    SlowDown), and after a step that only made each request slower.
    """

    def __init__(self, bounds: Bounds, now: float) -> None:
        self._bounds = bounds
        self.limit = max(bounds.least, min(bounds.start, bounds.most))
        self._begun = now
        self._ended = 0
        self._amount = 0.0
        self._short = False
        self._before: tuple[int, float] | None = None
        self._rest = _REST
        self._rest_until = now
        self._refused_at = -math.inf

    def refused(self, now: float) -> None:
        """The service asked for less: half as many from now on, once for what was under way."""
        if now - self._refused_at < _SECONDS:
            return
        self._refused_at = now
        self.limit = max(self._bounds.least, self.limit // 2)
        self._before = None
        self._pause(now)
        self._begin(now)

    def ended(self, now: float, amount: float, *, waiting: bool) -> None:
        """A request came to a good end and brought ``amount``; ``waiting``: others want a place."""
        self._ended += 1
        self._amount += amount
        self._short = self._short or waiting
        if self._ended < 2 * self.limit or now - self._begun < _SECONDS:
            return
        rate, short = self._amount / (now - self._begun), self._short
        self._begin(now)
        self._judge(rate, now, short=short)

    def _judge(self, rate: float, now: float, *, short: bool) -> None:
        if self._before is not None:
            limit, was = self._before
            self._before = None
            if rate < was * _WORTH:
                self.limit = limit
                self._pause(now)
                return
            self._rest = _REST
        if short and now >= self._rest_until and self.limit < self._bounds.most:
            self._before = self.limit, rate
            self.limit = min(self._bounds.most, math.ceil(self.limit * _STEP))

    def _pause(self, now: float) -> None:
        self._rest_until = now + self._rest
        self._rest = min(_LONGEST_REST, 2 * self._rest)

    def _begin(self, now: float) -> None:
        self._begun, self._ended, self._amount, self._short = now, 0, 0.0, False
