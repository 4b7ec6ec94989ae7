"""The incomplete uploads that this machine's own transfers have begun, read beside their owner.

Invariant: the journal is opened read-only; nothing in it changes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from dalbrowser.transfer.journal.holder import holder
from dalbrowser.transfer.journal.rows import from_column
from dalbrowser.transfer.journal.schema import SCHEMA_VERSION
from dalbrowser.transfer.model import JobState
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dalbrowser.storage import MultipartUpload

_SELECT = """
SELECT upload.upload_id, job.id, job.state, job.bucket, job.key
FROM upload JOIN job ON job.id = upload.job
WHERE job.state NOT IN ('done', 'skipped', 'cancelled')
"""


@record()
class OwnUpload:
    """One upload of a job. ``upload_id`` is empty while the service has not answered yet.

    ``running`` says that a process is at work on it at this moment.
    """

    job: int
    upload_id: str
    bucket: str
    key: str
    state: JobState
    running: bool


def own_uploads(journal: Path) -> list[OwnUpload]:
    """Return the uploads of unfinished jobs in the journal at this path; blocks.

    Raises ``sqlite3.Error`` when the file cannot be read as a journal.
    """
    if not journal.exists():
        return []
    held = holder(journal) is not None
    uri = f"{journal.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as db:
        if not 0 < db.execute("PRAGMA user_version").fetchone()[0] <= SCHEMA_VERSION:
            return []
        rows = db.execute(_SELECT).fetchall()
    return [
        OwnUpload(
            job=number,
            upload_id=upload_id,
            bucket=from_column(bucket),
            key=from_column(key),
            state=state if held or not state.is_active else JobState.INTERRUPTED,
            running=held and state.is_active,
        )
        for upload_id, number, state, bucket, key in (
            (row[0], row[1], JobState(row[2]), row[3], row[4]) for row in rows
        )
    ]


def own(found: Sequence[OwnUpload], bucket: str, upload: MultipartUpload) -> OwnUpload | None:
    """Return the own upload that ``upload`` is, or may be while its id is not known yet."""
    for each in found:
        if (each.bucket, each.key) != (bucket, upload.path):
            continue
        if each.upload_id == upload.upload_id or (each.running and not each.upload_id):
            return each
    return None
