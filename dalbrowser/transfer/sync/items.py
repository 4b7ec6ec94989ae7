"""What a sync compares: one row of either side, named by its key below the folder.

Invariant: ``key`` is relative, with ``/`` between segments, and exact. A row with an
``obstacle`` cannot take part, and says why; what it hides (``below``) is never taken for
missing.
"""

from __future__ import annotations

from dalbrowser.transfer.compared import Compared
from dalbrowser.utils.records import record


@record(kw_only=True)
class Item:
    """One object or file. Sizes in bytes, ``modified`` in seconds since the epoch.

    ``mtime_ns`` is of a local file. ``foreign`` marks a local file whose name no key has.
    ``failed`` says that the obstacle is a failure, not only something left out.
    """

    key: str
    size: int | None = None
    modified: float | None = None
    etag: str = ""
    version: str = ""
    path: str = ""
    mtime_ns: int | None = None
    foreign: bool = False
    obstacle: str = ""
    failed: bool = False
    below: bool = False

    def seen(self) -> Compared:
        """Return what is compared with before anything is written over this."""
        if self.mtime_ns is not None:
            return Compared(size=self.size, mtime_ns=self.mtime_ns)
        return Compared(size=self.size, etag=self.etag, modified=self.modified)


class UnorderedError(Exception):
    """A listing did not come in the order of its keys; sort it and begin again."""
