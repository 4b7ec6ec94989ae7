"""What one batch moved, read from the journal without owning it.

Invariant: opened read-only, nothing in it changes, whichever version of the program wrote it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import CommandError
from dalbrowser.transfer import Direction, JobState
from dalbrowser.transfer.journal.rows import JobRow, from_column

if TYPE_CHECKING:
    from pathlib import Path

_BATCH = """
SELECT id, batch, parent, is_folder, direction, state, key, local_path, total, integrity
FROM job WHERE batch = (SELECT batch FROM job WHERE id = ?) ORDER BY id
"""


def batch_of(path: Path, job: int) -> list[JobRow]:
    """Return all jobs of the batch that a job belongs to, with what a manifest needs of them.

    Raises ``CommandError`` when there is no such job, or no journal that can be read.
    """
    found: list[sqlite3.Row] = []
    if path.exists():
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
                db.row_factory = sqlite3.Row
                found = db.execute(_BATCH, (job,)).fetchall()
        except sqlite3.Error as error:
            raise CommandError(f"The transfers in {path} cannot be read ({error}).") from error
    if not found:
        raise CommandError(f"There is no transfer {job}; dal transfers list --all shows them.")
    return [_row(record) for record in found]


def _row(record: sqlite3.Row) -> JobRow:
    return JobRow(
        id=record["id"],
        batch=record["batch"],
        parent=record["parent"],
        is_folder=bool(record["is_folder"]),
        direction=Direction(record["direction"]),
        state=JobState(record["state"]),
        profile="",
        bucket="",
        key=from_column(record["key"]),
        local_path=from_column(record["local_path"]),
        total=record["total"],
        integrity=record["integrity"],
    )
