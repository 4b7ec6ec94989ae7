"""What belongs to a sync and when two rows count as equal. Pure decisions.

The rule without options, as the AWS CLI has it: a file goes when the sizes differ, or when
the source was modified after the target. Times are the service's own, as a listing tells
them: asking for each object's metadata would cost a request an object.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import translate
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dalbrowser.transfer.sync.items import Item

_SAME = 0.001
"""Seconds; services and file systems round what they keep, to a millisecond at most."""


class By(Enum):
    """What two rows are compared by."""

    TIME = "time"
    SIZE = "size"
    CHECKSUM = "checksum"


@dataclass(frozen=True)
class Rules:
    """``include`` and ``exclude`` are globs over whole relative keys; ``*`` matches ``/`` too.

    A key takes part when it matches an ``include`` (or none is given) and no ``exclude``.
    """

    by: By = By.TIME
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def terms(self) -> str:
        """All of this as a text, to be compared with that of another sync."""
        return json.dumps([self.by.value, self.include, self.exclude])

    def takes(self, key: str) -> bool:
        """Whether a key takes part; the others are as if they were not there, on both sides."""
        if self.include and not any(glob.match(key) for glob in self._include):
            return False
        return not any(glob.match(key) for glob in self._exclude)

    def may_hide(self, folder: str) -> bool:
        """Whether files may take part that lie in a folder which cannot be looked into."""
        return not any(glob.match(folder) for glob in self._exclude)

    @cached_property
    def _include(self) -> list[re.Pattern[str]]:
        return [re.compile(translate(glob)) for glob in self.include]

    @cached_property
    def _exclude(self) -> list[re.Pattern[str]]:
        return [re.compile(translate(glob)) for glob in self.exclude]


def same_size(source: Item, target: Item) -> bool:
    """Whether both sizes are known and equal."""
    return source.size is not None and source.size == target.size


def is_newer(source: Item, target: Item) -> bool | None:
    """Whether the source was modified after the target.

    ``None`` when it cannot be told: a time is missing, or the target keeps whole seconds
    and the source is from the same second.
    """
    if source.modified is None or target.modified is None:
        return None
    if int(source.modified) != int(target.modified):
        return source.modified > target.modified
    if source.modified - target.modified <= _SAME:
        return False
    return None if target.modified == int(target.modified) else True
