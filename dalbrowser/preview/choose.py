"""Which provider is asked to show an object, and in which order.

Providers come by entry point (group ``dalbrowser.previews``), so another package can bring
more. Each says how well the clues fit; the best is asked first, and one whose bytes turn out
to be something else passes on to the next. Invariant: there is always one that takes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from dalbrowser.preview.source import RangeSource
    from dalbrowser.preview.values import PreviewValue

ENTRY_POINT_GROUP = "dalbrowser.previews"

_SAYS_NOTHING = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
)


class Fit(IntEnum):
    """How a provider came to think that an object is its own, the strongest highest."""

    NOT = 0
    ANYTHING = 1
    MAGIC = 2
    EXTENSION = 3
    CONTENT_TYPE = 4


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of an object before it is understood.

    ``content_type`` is in lower case without parameters, and empty where the service says
    only that these are bytes. ``extension`` is in lower case with its dot, or empty.
    ``magic`` is the beginning of the object.
    """

    name: str
    content_type: str
    extension: str
    magic: bytes

    @classmethod
    def of(cls, path: str, content_type: str | None, magic: bytes) -> Clues:
        """Take the clues from a key, its stored content type and its first bytes."""
        kind = (content_type or "").partition(";")[0].strip().lower()
        name = path.rpartition("/")[2]
        stem, dot, ending = name.rpartition(".")
        extension = f".{ending.lower()}" if dot and stem else ""
        return cls(name, "" if kind in _SAYS_NOTHING else kind, extension, magic)


class Provider(Protocol):
    """What an entry point names: a class without arguments and with these members."""

    name: ClassVar[str]

    def fit(self, clues: Clues) -> Fit:
        """Say why the object may be of this kind."""
        ...

    async def open(self, source: RangeSource, clues: Clues) -> PreviewValue:
        """Read what the first screen needs; ``NotThisKind`` when it is something else."""
        ...


@cache
def providers() -> tuple[Provider, ...]:
    """Load every registered provider, in the order of their names."""
    points = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    return tuple(points[name].load()() for name in sorted(points))


def ranked(candidates: tuple[Provider, ...], clues: Clues) -> list[Provider]:
    """Return the providers that may show the object, the one to ask first at the front."""
    fitting = [(provider.fit(clues), provider) for provider in candidates]
    usable = [pair for pair in fitting if pair[0] is not Fit.NOT]
    usable.sort(key=lambda pair: -pair[0])
    return [provider for _, provider in usable]
