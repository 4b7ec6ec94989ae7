"""The journal: what transfers have promised and how far they are, on disk in SQLite."""

from dalbrowser.transfer.journal.lock import JournalHeld, JournalLock

__all__ = ["JournalHeld", "JournalLock"]
