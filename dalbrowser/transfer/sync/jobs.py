"""A written plan as jobs of the engine: the folder job of a sync, and its files step by step.

Invariant: each file's job carries what stood at its target when it was compared, so that
nothing else is written over, however late the job runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dalbrowser.transfer.compared import PLANNED
from dalbrowser.transfer.disk.localnames import local_path
from dalbrowser.transfer.journal import JobRow, PlanRow
from dalbrowser.transfer.model import ConflictPolicy, Direction, TransferError
from dalbrowser.transfer.sync.planfile import read_steps
from dalbrowser.transfer.sync.steps import Do

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dalbrowser.profiles import Location
    from dalbrowser.transfer.job import LiveJob

    Child = Callable[..., JobRow]

_WRITES = frozenset({Do.COPY, Do.UPDATE})


def sync_request(
    plan: Path,
    source: Location | str,
    target: Location | str,
    profile: Callable[[str], str],
    terms: str,
) -> tuple[JobRow, PlanRow]:
    """Return the folder job that carries out ``plan``; a text is a local folder.

    ``profile`` gives a connection's JSON by its id. ``terms`` are what chose the files.
    """
    if isinstance(target, str):
        if isinstance(source, str):
            message = f"{source} and {target} are both local; a sync needs one remote side."
            raise TransferError(message)
        row = _row(Direction.DOWNLOAD, source, profile)
        row.local_path = row.root = into = target
    else:
        row = _row(Direction.UPLOAD, target, profile)
        into = target.path
        if isinstance(source, str):
            row.local_path = source
        else:
            row.direction = Direction.COPY
            row.source_profile = profile(source.profile_id)
            row.source_bucket, row.source_key = source.bucket, source.path
    row.version = terms
    return row, PlanRow(job=0, source=str(plan), target=into)


def planned_rows(
    job: LiveJob, plan: PlanRow, limit: int, child: Child
) -> tuple[list[JobRow], bool]:
    """Return the files of the next steps and whether those were the last; moves the cursor.

    Blocks.
    """
    steps, offset, ended = read_steps(plan.source, int(plan.cursor or 0), limit, _WRITES)
    plan.cursor = str(offset)
    rows = []
    for step in steps:
        row = child(job, compared=step.compared)
        row.total = step.size
        if job.row.direction is Direction.UPLOAD:
            row.local_path, row.key = step.path, plan.target + step.key
        elif job.row.direction is Direction.DOWNLOAD:
            row.key, row.local_path = job.row.key + step.key, local_path(plan.target, step.key)
            row.etag, row.version, row.mtime = step.etag, step.version, step.modified
        else:
            row.source_key, row.key = job.row.source_key + step.key, plan.target + step.key
            row.etag = step.etag
        rows.append(row)
    return rows, ended


def _row(direction: Direction, place: Location, profile: Callable[[str], str]) -> JobRow:
    return JobRow(
        direction=direction,
        is_folder=True,
        policy=ConflictPolicy.OVERWRITE,
        profile=profile(place.profile_id),
        bucket=place.bucket,
        key=place.path,
        compared=PLANNED,
        created=time.time(),
    )
