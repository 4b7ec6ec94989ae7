"""What a person asks for, as rows of the journal: nothing is moved here, only written down.

Invariant: the jobs of one request are one batch, and are written in one commit.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from dalbrowser.transfer.conflicts import mtime_of
from dalbrowser.transfer.disk.localnames import local_path, name_note
from dalbrowser.transfer.folders.pathlist import list_source
from dalbrowser.transfer.journal import JobRow, PlanRow
from dalbrowser.transfer.model import ConflictPolicy, Direction, TransferError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.storage import Metadata
    from dalbrowser.transfer.journal import Journal
    from dalbrowser.transfer.model import LocalPath

Plans = PlanRow | list[PlanRow] | None
Request = tuple[JobRow, Plans]

MANY = 1000
"""Paths of one request from which on they are one job, expanded as a folder is."""

_CHUNK = 250
"""Paths of one plan of such a job: one step of its expansion."""


def upload_requests(
    paths: Sequence[LocalPath], target: Location, profile: str, policy: ConflictPolicy
) -> list[Request]:
    """Return a job for each local path, into the folder ``target``; blocks on ``stat``.

    What is in a folder goes there without the folder's name where its path ends in ``/.``.
    More than ``MANY`` paths are one job, so that no more than a window of them is in memory.
    """
    _require_folder(target)
    if len(paths) > MANY:
        return [_together(paths, target, profile, policy)]
    requests: list[Request] = []
    for given in paths:
        # The person's own link at the end is followed; its name stays.
        path = os.path.abspath(os.fspath(given))  # noqa: PTH100 -- links stay links
        key = target.path + os.path.basename(path)  # noqa: PTH119
        row = _row(Direction.UPLOAD, target, profile, policy, key=key, path=path)
        plan: Plans = None
        facts = _facts(path)
        if facts is not None and stat.S_ISDIR(facts.st_mode):
            row.is_folder = True
            row.key = target.path if means_contents(given) else key + "/"
            plan = PlanRow(job=0, source=path, target=row.key)
        elif facts is not None:
            row.total = facts.st_size
        requests.append((row, plan))
    return requests


def means_contents(path: LocalPath) -> bool:
    """Whether a path stands for what is in a folder, as ``cp -r folder/.`` has it."""
    return os.fspath(path).rstrip(os.sep).endswith(f"{os.sep}.")


def _together(
    paths: Sequence[LocalPath], target: Location, profile: str, policy: ConflictPolicy
) -> Request:
    """Return one job for a great many paths; none of them is looked at yet."""
    local = [os.path.abspath(os.fspath(path)) for path in paths]  # noqa: PTH100 -- links stay
    folder = os.path.commonpath({os.path.dirname(path) for path in local})  # noqa: PTH120
    row = _row(Direction.UPLOAD, target, profile, policy, key=target.path, path=folder)
    row.is_folder, row.note = True, f"{len(local):,} files and folders chosen together."
    chunks = [local[at : at + _CHUNK] for at in range(0, len(local), _CHUNK)]
    # The plan that was written last is the next one.
    return row, [
        PlanRow(job=0, source=list_source(chunk), target=target.path) for chunk in reversed(chunks)
    ]


def upload_file_request(
    path: LocalPath, target: Location, profile: str, policy: ConflictPolicy
) -> Request:
    """Return the job that uploads one file to the exact key of ``target``; blocks on ``stat``."""
    if target.is_folder:
        message = "A file needs a whole key to be uploaded to, one that does not end in '/'."
        raise TransferError(message)
    local = os.path.abspath(os.fspath(path))  # noqa: PTH100
    row = _row(Direction.UPLOAD, target, profile, policy, key=target.path, path=local)
    facts = _facts(local)
    row.total = facts.st_size if facts is not None else None
    return row, None


def download_requests(
    items: Sequence[tuple[Location, Metadata | None]],
    folder: LocalPath,
    profiles: dict[str, str],
    policy: ConflictPolicy,
) -> list[Request]:
    """Return a job for each object or folder, into the local ``folder``."""
    root = os.path.abspath(os.fspath(folder))  # noqa: PTH100
    requests: list[Request] = []
    for place, metadata in items:
        profile = profiles[place.profile_id]
        name = place.path.rstrip("/").rpartition("/")[2] if place.is_folder else place.name
        path = local_path(root, name) if name else local_path(root, place.bucket or "objects")
        row = _row(Direction.DOWNLOAD, place, profile, policy, key=place.path, path=path)
        row.root, row.note = root, name_note(path, name)
        plan: PlanRow | None = None
        if place.is_folder:
            row.is_folder = True
            plan = PlanRow(job=0, source=place.path, target=path)
        else:
            know(row, metadata)
        requests.append((row, plan))
    return requests


def download_file_request(
    place: Location,
    path: LocalPath,
    profile: str,
    policy: ConflictPolicy,
    metadata: Metadata | None = None,
) -> Request:
    """Return the job that downloads one object to the exact local ``path``."""
    if place.is_folder:
        message = "A folder cannot be downloaded to the name of a file; give a folder for it."
        raise TransferError(message)
    local = os.path.abspath(os.fspath(path))  # noqa: PTH100
    row = _row(Direction.DOWNLOAD, place, profile, policy, key=place.path, path=local)
    know(row, metadata)
    return row, None


def copy_requests(
    items: Sequence[Location],
    target: Location,
    profiles: dict[str, str],
    policy: ConflictPolicy,
    direction: Direction,
    *,
    names: Mapping[Location, str] | None = None,
) -> list[Request]:
    """Return a job for each object or folder, into the folder ``target`` on a service.

    ``names`` says what some of them are to be called there, without a folder's slash.
    """
    _require_folder(target)
    requests: list[Request] = []
    for place in items:
        name = place.path.rstrip("/").rpartition("/")[2] if place.is_folder else place.name
        # A bucket as a whole is called as the bucket, as it is when it is downloaded.
        name = (names or {}).get(place, name) or place.bucket or "objects"
        key = f"{target.path}{name}" + ("/" if place.is_folder else "")
        row = _row(direction, target, profiles[target.profile_id], policy, key=key, path="")
        row.source_profile = profiles[place.profile_id]
        row.source_bucket, row.source_key = place.bucket, place.path
        plan: PlanRow | None = None
        if place.is_folder:
            row.is_folder = True
            plan = PlanRow(job=0, source=place.path, target=key)
        requests.append((row, plan))
    return requests


async def write_down(journal: Journal, requests: Sequence[Request]) -> list[int]:
    """Write requests to the journal as a batch of their own; returns their ids, which are set."""
    batch = await journal.add_batch()
    for row, _ in requests:
        row.batch = batch
    return await journal.add_jobs([row for row, _ in requests], [plan for _, plan in requests])


def know(row: JobRow, metadata: Metadata | None) -> None:
    """Take over what a listing told of an object."""
    if metadata is not None and metadata.content_length is not None:
        row.total, row.etag = metadata.content_length, metadata.etag or ""
        row.version, row.mtime = metadata.version or "", mtime_of(metadata)


def _require_folder(target: Location) -> None:
    if not target.is_folder:
        message = f"{target.path} is not a folder; a folder's key ends in '/'."
        raise TransferError(message)


def _row(
    direction: Direction,
    place: Location,
    profile: str,
    policy: ConflictPolicy,
    *,
    key: str,
    path: str,
) -> JobRow:
    return JobRow(
        direction=direction,
        policy=policy,
        profile=profile,
        bucket=place.bucket,
        key=key,
        local_path=path,
        created=time.time(),
    )


def _facts(path: str) -> os.stat_result | None:
    """Return what stands at a path; a missing one is the job's to report."""
    try:
        return os.stat(path)  # noqa: PTH116
    except OSError:
        return None
