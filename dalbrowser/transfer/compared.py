"""What stood at a target when it was compared with its source, and whether it still does.

Invariant: what cannot be told apart from another object does not fit, so that nothing is
written over or deleted which nobody compared.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from dalbrowser.transfer.integrity import same_etag
from dalbrowser.transfer.model import TransferError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    import os

    from dalbrowser.storage import Metadata

PLANNED = "planned"
"""Marks a folder job whose files are read from a plan that was written beforehand."""


@record()
class Compared:
    """One target as it was seen. Sizes in bytes, ``modified`` in seconds since the epoch.

    ``mtime_ns`` is of a local file, ``etag`` of an object that has one.
    """

    absent: bool = False
    size: int | None = None
    etag: str = ""
    modified: float | None = None
    mtime_ns: int | None = None

    @classmethod
    def of(cls, text: str) -> Compared | None:
        """Read what ``text`` wrote; ``None`` for the empty text of a job that compared nothing."""
        return cls(**json.loads(text)) if text and text != PLANNED else None

    def text(self) -> str:
        """Return this as it is kept in the journal."""
        return json.dumps({name: value for name in _FIELDS if (value := getattr(self, name))})

    def fits(self, there: Metadata | None) -> bool:
        """Whether an object, or its absence, is what was seen."""
        if self.absent or there is None:
            return self.absent and there is None
        if there.is_dir or there.content_length != (self.size or 0):
            return False
        if self.etag or there.etag:
            return same_etag(self.etag, there.etag)
        if self.modified is None or there.last_modified is None:
            return False
        # A listing may tell parts of a second that a look at the object does not.
        return int(self.modified) == int(there.last_modified.timestamp())

    def fits_file(self, there: os.stat_result | None) -> bool:
        """Whether a local file, or its absence, is what was seen."""
        if self.absent or there is None:
            return self.absent and there is None
        return (there.st_size, there.st_mtime_ns) == (self.size or 0, self.mtime_ns or 0)


_FIELDS = tuple(item.name for item in fields(Compared))


def changed_since(name: str) -> TransferError:
    """Return the error for a target that is not what it was when it was compared."""
    return TransferError(
        f"{name} changed at the target since it was compared, so it was left as it is; sync again."
    )


def being_written(name: str) -> TransferError:
    """Return the error for a target that another transfer is about to write."""
    return TransferError(
        f"{name} is being written by another transfer; let that end or cancel it, then sync again."
    )
