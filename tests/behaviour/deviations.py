"""Where a server is known to differ, and why: the only way a behaviour may not hold.

Invariant: each deviation is executed and must fail (strict); one that no longer does is an
error, so that this table never outlives its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Deviation:
    """``service`` and ``behaviour`` (a test's name, its parameters in brackets) are globs."""

    service: str
    behaviour: str
    reason: str


DEVIATIONS: tuple[Deviation, ...] = ()


def deviation(service: str, behaviour: str) -> Deviation | None:
    """Return the deviation of a behaviour on a service, if there is one."""
    for item in DEVIATIONS:
        if fnmatchcase(service, item.service) and fnmatchcase(behaviour, item.behaviour):
            return item
    return None
