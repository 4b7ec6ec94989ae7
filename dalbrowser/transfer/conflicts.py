"""What to do when the target exists already. Pure decisions; nothing is skipped silently.

Times are seconds since the epoch, sizes bytes. ``None`` means not known, and what is not
known never counts as a reason to overwrite.
"""

from __future__ import annotations

import contextlib
from enum import Enum, auto
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import ConflictPolicy
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata


class Verdict(Enum):
    """What follows from a conflict."""

    SEND = auto()
    SKIP = auto()
    ASK = auto()
    RENAME = auto()


@record()
class Side:
    """One of the two files that want the same name."""

    size: int | None
    mtime: float | None


COMPARING = (ConflictPolicy.IF_NEWER, ConflictPolicy.IF_SIZE_DIFFERS)
"""Replace only what they have looked at, so they look at the last moment that there is."""


class ConflictError(Exception):
    """The target exists and a person has to say what to do; the message says what is there."""


class SkipError(Exception):
    """The target exists and stays as it is; the message says why."""


def decide(policy: ConflictPolicy, source: Side, target: Side) -> Verdict:
    """Decide for one file whose target exists."""
    if policy is ConflictPolicy.IF_NEWER:
        if source.mtime is None or target.mtime is None:
            return Verdict.ASK
        # Servers keep whole seconds; a difference below one is none.
        return Verdict.SEND if int(source.mtime) > int(target.mtime) else Verdict.SKIP
    if policy is ConflictPolicy.IF_SIZE_DIFFERS:
        if source.size is None or target.size is None:
            return Verdict.ASK
        return Verdict.SEND if source.size != target.size else Verdict.SKIP
    return {
        ConflictPolicy.ASK: Verdict.ASK,
        ConflictPolicy.OVERWRITE: Verdict.SEND,
        ConflictPolicy.SKIP: Verdict.SKIP,
        ConflictPolicy.KEEP_BOTH: Verdict.RENAME,
    }[policy]


def skip_reason(policy: ConflictPolicy) -> str:
    """Return the sentence on the row of a file that was left out."""
    if policy is ConflictPolicy.IF_NEWER:
        return "The one that exists is as new or newer; it was left as it is."
    if policy is ConflictPolicy.IF_SIZE_DIFFERS:
        return "The one that exists has the same size; it was left as it is."
    return "It exists already and was left as it is."


def numbered(path: str, number: int) -> str:
    """Return ``dir/name (2).ext`` for ``dir/name.ext`` and 2."""
    name = path[path.rfind("/") + 1 :]
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    return f"{path[: len(path) - len(name)]}{stem} ({number}){dot}{suffix}"


_EARLIEST, _LATEST = -62_135_596_800.0, 253_402_300_800.0
"""The years 1 to 9999, outside of which nothing was changed: anybody may write metadata."""


def mtime_of(metadata: Metadata) -> float | None:
    """Return when the content was last changed: metadata ``mtime``, else the service's time."""
    for name, value in metadata.user_metadata.items():
        # Some servers capitalise metadata names.
        if name.lower() == "mtime":
            with contextlib.suppress(ValueError):
                moment = float(value)
                if _EARLIEST < moment < _LATEST:
                    return moment
            break
    return metadata.last_modified.timestamp() if metadata.last_modified else None
