"""The journal: what transfers have promised and how far they are, on disk in SQLite."""

from dalbrowser.transfer.journal.lock import JournalLock
from dalbrowser.transfer.journal.rows import DownloadRow, JobRow, PartRow, PlanRow, UploadRow
from dalbrowser.transfer.journal.store import Journal
from dalbrowser.transfer.model import JournalHeld

__all__ = [
    "DownloadRow",
    "JobRow",
    "Journal",
    "JournalHeld",
    "JournalLock",
    "PartRow",
    "PlanRow",
    "UploadRow",
]
