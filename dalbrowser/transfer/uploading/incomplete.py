"""Uploads that were begun and never finished: what they hold, what that costs, giving them up.

Costs are in bytes × days: what a service charges for storage, whatever its price. Invariants:
nothing is aborted that was not named, by its key and its id; an upload that a transfer of this
machine is sending is left to that transfer.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.abort import abort_until_gone
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.journal.own import own, own_uploads
from dalbrowser.transfer.model import TransferError
from dalbrowser.transfer.together import all_together
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from dalbrowser.storage import MultipartUpload, Operator, Part
    from dalbrowser.transfer.journal.own import OwnUpload

AT_ONCE = 6
"""Uploads whose parts are asked for, or that are aborted, at the same time."""

_GIB = 1 << 30
_DAY = 86_400.0


@record()
class Kept:
    """What one upload holds: ``byte_days`` is the sum over its parts of bytes × age in days.

    ``latest`` is when something of it was last heard of: its beginning, or its newest part.
    """

    parts: int = 0
    bytes: int = 0
    byte_days: float = 0.0
    latest: datetime | None = None

    @property
    def gib_days(self) -> float:
        """The cost in GiB × days."""
        return self.byte_days / _GIB

    def __add__(self, other: Kept) -> Kept:
        """Return both together."""
        times = [each for each in (self.latest, other.latest) if each is not None]
        return Kept(
            self.parts + other.parts,
            self.bytes + other.bytes,
            self.byte_days + other.byte_days,
            max(times, default=None),
        )


@record(frozen=False)
class Aborted:
    """What became of the uploads that were to be aborted. ``vanished`` had ended by themselves."""

    gone: list[MultipartUpload] = field(default_factory=list)
    vanished: list[MultipartUpload] = field(default_factory=list)
    kept: list[tuple[MultipartUpload, str]] = field(default_factory=list)


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def age_of(upload: MultipartUpload) -> timedelta | None:
    """Return how long ago an upload was begun; ``None`` when the service does not say."""
    return None if upload.initiated is None else max(timedelta(), now() - upload.initiated)


def is_older(upload: MultipartUpload, limit: timedelta) -> bool:
    """Whether an upload was begun longer ago than ``limit``; not when that is not known."""
    age = age_of(upload)
    return age is not None and age > limit


def kept_of(upload: MultipartUpload, parts: Sequence[Part]) -> Kept:
    """Return what an upload holds; a part without a time is as old as its upload."""
    moment, days, latest = now(), 0.0, upload.initiated
    for part in parts:
        since = part.last_modified or upload.initiated
        if since is None:
            continue
        days += part.size * max(0.0, (moment - since).total_seconds()) / _DAY
        latest = since if latest is None else max(latest, since)
    return Kept(len(parts), sum(part.size for part in parts), days, latest)


async def survey(
    op: Operator,
    uploads: Iterable[MultipartUpload],
    tell: Callable[[MultipartUpload, Kept | StorageError], None],
) -> None:
    """Ask for the parts of each upload, a few at a time, and ``tell`` what it holds.

    A failure is told in its place; one that is not found was finished or aborted meanwhile.
    """
    todo = deque(uploads)

    async def work() -> None:
        while todo:
            upload = todo.popleft()
            try:
                parts = await op.into_multipart(spell(upload.path), upload.upload_id).list_parts()
            except StorageError as error:
                tell(upload, error)
            else:
                tell(upload, kept_of(upload, parts))

    await all_together(work() for _ in range(min(AT_ONCE, len(todo))))


async def own_of(
    journal: Path, bucket: str, uploads: Iterable[MultipartUpload]
) -> dict[MultipartUpload, OwnUpload]:
    """Return which uploads belong to unfinished transfers of this machine.

    Raises ``TransferError`` when the journal cannot be read.
    """
    try:
        found = await asyncio.to_thread(own_uploads, journal)
    except sqlite3.Error as error:
        raise TransferError(
            f"The transfers in {journal} cannot be read ({error}), so it is not known which"
            " uploads are being sent from here; try again, or begin a transfer, which sets a"
            " damaged file aside."
        ) from error
    pairs = ((upload, own(found, bucket, upload)) for upload in uploads)
    return {upload: mine for upload, mine in pairs if mine is not None}


async def abort_uploads(
    op: Operator, prefix: str, bucket: str, chosen: Sequence[MultipartUpload], journal: Path
) -> Aborted:
    """Abort exactly the ``chosen`` uploads, those of them that are still there.

    ``prefix`` is listed again first. One failure does not stop the rest; each has its reason.
    Raises ``StorageError``, or ``TransferError`` when the journal cannot be read.
    """
    report, there = Aborted(), set()
    async for each in op.list_multiparts(spell(prefix)):
        there.add((each.path, each.upload_id))
    listed = [(each.path, each.upload_id) in there for each in chosen]
    report.vanished = [each for each, still in zip(chosen, listed, strict=True) if not still]
    todo = deque(each for each, still in zip(chosen, listed, strict=True) if still)

    async def work() -> None:
        while todo:
            upload = todo.popleft()
            # Asked for each: a transfer may have begun to go on with it a moment ago.
            mine = (await own_of(journal, bucket, [upload])).get(upload)
            if mine is not None and mine.running:
                report.kept.append((upload, left_to(mine)))
                continue
            try:
                await abort_until_gone(op, upload.path, upload.upload_id)
            except StorageError as error:
                if is_gone(error):
                    report.vanished.append(upload)
                else:
                    report.kept.append((upload, error.message))
            else:
                report.gone.append(upload)

    await all_together(work() for _ in range(min(AT_ONCE, len(todo))))
    return report


def left_to(mine: OwnUpload) -> str:
    """Return why an upload is left alone."""
    return f"transfer {mine.job} of this machine is sending it; cancel that transfer instead"
