"""What the transfer of a folder leaves to be said: what it left out, what is called otherwise.

Invariant: the journal is only looked at. A file that was left out because it exists, as an option
asked, is counted and not named.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from dalbrowser.cli.wording import one_line
from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.transfer.conflicts import skip_reason
from dalbrowser.transfer.journal.rows import from_column

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINES = 20
_NAMED = 3
"""Files that are named for each thing that there is to say; the others are counted."""
_ASKED_FOR = tuple({skip_reason(policy) for policy in ConflictPolicy})
_MARKS = ", ".join("?" for _ in _ASKED_FOR)
_WORTH = f"parent = ? AND note != '' AND note NOT IN ({_MARKS})"
_COUNT = f"SELECT count(*) FROM job WHERE {_WORTH}"  # noqa: S608 - made of constants alone
_TOLD = f"""
SELECT source_key, local_path, key, note, nth, files FROM (
  SELECT id, source_key, local_path, key, note,
    row_number() OVER (PARTITION BY note ORDER BY id) AS nth,
    count(*) OVER (PARTITION BY note) AS files
  FROM job WHERE {_WORTH}
) WHERE nth <= {_NAMED} ORDER BY id LIMIT {_LINES}
"""  # noqa: S608 - made of constants alone


def remarks(path: Path, folder: int) -> list[str]:
    """Return lines about the files of a folder job; none when the journal cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return [*_named(db, folder), *_counted(db, folder)]
    except sqlite3.Error:
        return []


def _named(db: sqlite3.Connection, folder: int) -> Iterator[str]:
    values = (folder, *_ASKED_FOR)
    lines = said = 0
    for *words, nth, files in db.execute(_TOLD, values):
        source, local, key, note = map(from_column, words)
        others = files - _NAMED if nth == _NAMED else 0
        more = f" (and {others:,} more)" if others else ""
        yield f"{one_line(source or local or key)}{more}: {note}"
        lines, said = lines + 1, said + 1 + others
    if lines == _LINES:
        (count,) = db.execute(_COUNT, values).fetchone()
        if count > said:
            yield f"There is something to say of {count - said:,} more files."


def _counted(db: sqlite3.Connection, folder: int) -> Iterator[str]:
    (count,) = db.execute(
        "SELECT count(*) FROM job WHERE parent = ? AND state = ?", (folder, JobState.SKIPPED.value)
    ).fetchone()
    if count:
        files = "1 file was" if count == 1 else f"{count:,} files were"
        yield f"{files} left out; dal transfers list --all --files shows them."
