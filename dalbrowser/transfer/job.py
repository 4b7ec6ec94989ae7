"""A job while the engine has it: its journal row, its counters, and what others see of it.

Invariant: only the engine's loop touches it; ``view`` is the one way out.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, deque
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING

from dalbrowser.profiles import Profile
from dalbrowser.transfer.model import ACTIVE_STATES, Direction, JobState, JobView
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage import Metadata, Retried
    from dalbrowser.transfer.journal import JobRow
    from dalbrowser.transfer.model import JobEvent

_WINDOW = 3.0
"""Seconds over which the speed is averaged."""

_BUCKET = 0.1
"""Seconds whose counts are kept as one, so that counting costs the same however often."""


class SpeedMeter:
    """Bytes a second over the last seconds, from counts that arrive in bursts."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        """Count ``count`` more bytes, now."""
        now = time.monotonic()
        if self._marks and now - self._marks[-1][0] < _BUCKET:
            at, before = self._marks[-1]
            self._marks[-1] = (at, before + count)
        else:
            self._marks.append((now, count))
            self._trim(now)

    def speed(self) -> float:
        """Return bytes a second."""
        now = time.monotonic()
        self._trim(now)
        if not self._marks:
            return 0.0
        span = max(now - self._marks[0][0], 0.25)
        return sum(count for _, count in self._marks) / span

    def clear(self) -> None:
        """Forget what was counted."""
        self._marks.clear()

    def _trim(self, now: float) -> None:
        while self._marks and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()


@record(frozen=False)
class FolderSums:
    """What the files of a folder job add up to.

    ``expanded`` once all of them are known, and ``cut`` when a person ended it before.
    ``halted`` is the state that the expansion was stopped in (paused, interrupted, failed),
    ``None`` while it runs or when it is through. ``found`` says that there is something below
    the folder, be it empty folders. ``untaken`` are files that are in the journal and not yet
    taken up.
    """

    counts: Counter[JobState] = field(default_factory=Counter)
    bytes_total: int = 0
    bytes_done: int = 0
    expanded: bool = False
    cut: bool = False
    halted: JobState | None = None
    found: bool = False
    untaken: list[JobRow] = field(default_factory=list)
    live: set[int] = field(default_factory=set)
    active: int = 0

    def moved(self, before: JobState | None, now: JobState) -> None:
        """Count a file under its present state; ``before`` is ``None`` for a new one."""
        self.counts[now] += 1
        self.active += now in ACTIVE_STATES
        if before is not None:
            self.counts[before] -= 1
            self.active -= before in ACTIVE_STATES

    @property
    def files(self) -> int:
        """How many files are known so far."""
        return self.counts.total()

    @property
    def done(self) -> int:
        """How many of them need nothing more."""
        return self.counts[JobState.DONE] + self.counts[JobState.SKIPPED]

    @property
    def failed(self) -> int:
        """How many of them did not arrive."""
        return self.counts[JobState.FAILED] + self.counts[JobState.SOURCE_CHANGED]


@record(frozen=False, eq=False)
class LiveJob:
    """One job under the engine. ``seen`` is the state, ``seen_done`` the bytes, last accounted for.

    ``proven`` maps part numbers to the MD5 of bytes that this very process sent and the
    server confirmed, so that a retry within one run need not read them again.
    ``swept`` says of a moved folder that its empty folders were seen to.
    ``comparing`` says that both sides are being read once more, which can stop at any moment.
    ``odd_digest`` is the digest of a download that did not match its ETag.
    ``retries`` counts the requests that a layer below repeated; they are shown with the
    attempts, but say nothing of what may have landed, as ``row.attempts`` does.
    ``told`` is what a look at the object said just before the job was made; it serves once.
    ``entered`` is set with each new state, for whoever clears it to wait.
    ``hint`` is what is said with its note for as long as the engine itself has reason to.
    ``lines`` of the log are not written yet; ``logged`` says that others were.
    """

    row: JobRow
    id: int = field(init=False)
    profile_id: str = ""
    profile_prefix: str = ""
    source_prefix: str = ""
    parts_done: int = 0
    parts_total: int = 0
    retry_at: float | None = None
    seen: JobState | None = None
    seen_done: int = 0
    start_over: bool = False
    swept: bool = False
    proven: dict[int, str] = field(default_factory=dict)
    comparing: bool = False
    odd_digest: str = ""
    meter: SpeedMeter = field(default_factory=SpeedMeter)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    sums: FolderSums | None = None
    waiting_since: float | None = None
    retries: int = 0
    lines: list[JobEvent] = field(default_factory=list)
    logged: bool = False
    hint: str = ""
    told: Metadata | None = None

    @classmethod
    def of(cls, row: JobRow) -> LiveJob:
        """Take a row up."""
        job = cls(row)
        profile = parsed(row.profile)
        job.profile_id, job.profile_prefix = profile.id, profile.prefix
        if row.source_profile:
            job.source_prefix = parsed(row.source_profile).prefix
        if row.is_folder:
            job.sums = FolderSums()
        return job

    def __post_init__(self) -> None:
        # A row has its id before anybody takes it up, and is asked for it twenty times.
        self.id = self.row.id

    @property
    def rank(self) -> int:
        """Its place among the jobs of its batch: the order of asking, until somebody changes it."""
        return self.row.priority or self.row.id

    @property
    def state(self) -> JobState:
        """The present state."""
        return self.row.state

    def count(self, size: int) -> None:
        """Count bytes that are safe at the target (confirmed, or on disk)."""
        self.row.done += size
        self.meter.add(size)

    def retried(self, _: Retried) -> None:
        """Count a request that is made once more."""
        self.retries += 1

    def view(self) -> JobView:
        """Return the job as others see it."""
        row = self.row
        speed = self.meter.speed() if row.state is JobState.RUNNING else 0.0
        total, done = row.total, row.done
        sums = self.sums
        if sums is not None:
            total = sums.bytes_total if sums.expanded or sums.files else None
            done = sums.bytes_done
        eta = (total - done) / speed if total is not None and speed > 0 else None
        return JobView(
            id=row.id,
            batch=row.batch,
            direction=row.direction,
            state=row.state,
            name=_name(row),
            source=self._source(),
            target=self._target(),
            profile_id=self.profile_id,
            bucket=row.bucket,
            key=row.key,
            local_path=row.local_path,
            done=done,
            total=total,
            speed=speed,
            eta=eta,
            parts_done=self.parts_done,
            parts_total=self.parts_total,
            attempts=row.attempts + self.retries,
            resent=row.resent,
            integrity=row.integrity,
            error=row.error,
            note=f"{row.note} {self.hint}".strip(),
            created=row.created,
            finished=row.finished,
            retry_at=self.retry_at,
            parent=row.parent,
            is_folder=row.is_folder,
            files_done=sums.done if sums else 0,
            files_total=sums.files if sums else 0,
            files_failed=sums.failed if sums else 0,
        )

    def _remote(self) -> str:
        row = self.row
        inside = f"{row.bucket}/{row.key}" if row.bucket else row.key
        return f"{self.profile_prefix}{inside}"

    def _source(self) -> str:
        row = self.row
        if row.direction is Direction.UPLOAD:
            return row.local_path
        if row.direction is Direction.DOWNLOAD:
            return self._remote()
        inside = f"{row.source_bucket}/{row.source_key}" if row.source_bucket else row.source_key
        return f"{self.source_prefix}{inside}"

    def _target(self) -> str:
        return self.row.local_path if self.row.direction is Direction.DOWNLOAD else self._remote()


@lru_cache(maxsize=256)
def parsed(profile: str) -> Profile:
    """Parse a connection once for all the jobs that use it."""
    return Profile.from_json(profile)


def _name(row: JobRow) -> str:
    """Return the short name on the row: the source's own last segment."""
    if row.direction is Direction.UPLOAD:
        text = os.path.basename(row.local_path.rstrip("/\\")) or row.local_path  # noqa: PTH119
    else:
        key = row.source_key if row.source_key or row.source_profile else row.key
        text = key.rstrip("/").rpartition("/")[2] or key or row.bucket
    return f"{text}/" if row.is_folder else text
