"""Transfers that cannot be lost: one engine for the window and the command line.

Invariant: a job ends in bytes that were proven equal, or it says exactly what is
missing and can go on. Qt-free, and bound to no event loop in particular.
"""

from dalbrowser.transfer.engine import TransferEngine
from dalbrowser.transfer.journal import JournalHeld
from dalbrowser.transfer.model import (
    BatchEnded,
    ConflictPolicy,
    Direction,
    EngineOptions,
    Event,
    Integrity,
    JobsChanged,
    JobsRemoved,
    JobState,
    JobView,
    OperatorSource,
    SourceChangedError,
    StartReport,
    TransferError,
)

__all__ = [
    "BatchEnded",
    "ConflictPolicy",
    "Direction",
    "EngineOptions",
    "Event",
    "Integrity",
    "JobState",
    "JobView",
    "JobsChanged",
    "JobsRemoved",
    "JournalHeld",
    "OperatorSource",
    "SourceChangedError",
    "StartReport",
    "TransferEngine",
    "TransferError",
]
