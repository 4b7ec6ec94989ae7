"""Transfers that cannot be lost: one engine for the window and the command line.

Invariant: a job ends in bytes that were proven equal, or it says exactly what is
missing and can go on. Qt-free, and bound to no event loop in particular.
"""

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import (
    BatchEnded,
    BatchView,
    ConflictPolicy,
    Direction,
    EngineOptions,
    Event,
    Integrity,
    JobEvent,
    JobsChanged,
    JobsRemoved,
    JobState,
    JobView,
    JournalHeld,
    OperatorSource,
    Snapshot,
    SourceChangedError,
    StartReport,
    TransferError,
)
from dalbrowser.utils.lazily import names_from

if TYPE_CHECKING:
    from dalbrowser.transfer.engine import TransferEngine

__all__ = [
    "BatchEnded",
    "BatchView",
    "ConflictPolicy",
    "Direction",
    "EngineOptions",
    "Event",
    "Integrity",
    "JobEvent",
    "JobState",
    "JobView",
    "JobsChanged",
    "JobsRemoved",
    "JournalHeld",
    "OperatorSource",
    "Snapshot",
    "SourceChangedError",
    "StartReport",
    "TransferEngine",
    "TransferError",
]

if not TYPE_CHECKING:
    # The command line lists without an engine.
    __getattr__ = names_from(globals(), {"engine": ("TransferEngine",)})
