"""What the outside sees of a transfer: states, views, events, options.

Invariant: everything here is immutable and free of secrets, so that it may cross
threads, be shown, and be logged. Sizes are bytes, durations seconds, moments are
seconds since the epoch (UTC).
"""

from __future__ import annotations

import time
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dalbrowser.profiles import Profile
    from dalbrowser.storage import Operator

MiB = 1024 * 1024


class Direction(Enum):
    """Which way the bytes go."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    COPY = "copy"
    MOVE = "move"

    @property
    def word(self) -> str:
        """The word for a person."""
        return self.value


class JobState(Enum):
    """Where a job is. The value is what the journal holds; ``word`` is what people read."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    FINALISING = "finalising"
    VERIFYING = "verifying"
    DONE = "done"
    SKIPPED = "skipped"
    PAUSED = "paused"
    WAITING_NETWORK = "waiting-network"
    WAITING_CREDENTIALS = "waiting-credentials"
    WAITING_LIMIT = "waiting-limit"
    NEEDS_ANSWER = "needs-answer"
    RETRYING = "retrying"
    INTERRUPTED = "interrupted"
    SOURCE_CHANGED = "source-changed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    # States are counted with every step of every file; the enum's own hash is Python code.
    __hash__ = object.__hash__

    @property
    def word(self) -> str:
        """The words for a person."""
        return _WORDS.get(self, self.value)

    @property
    def is_final(self) -> bool:
        """Whether the job is history: it will not go on, whatever anybody says."""
        return self in FINAL_STATES

    @property
    def is_active(self) -> bool:
        """Whether the engine itself is at work on the job, or will be without being asked."""
        return self in ACTIVE_STATES

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens unless a person says so."""
        return self not in ACTIVE_STATES


_WORDS = {
    JobState.WAITING_NETWORK: "waiting (network)",
    JobState.WAITING_CREDENTIALS: "waiting (credentials)",
    JobState.WAITING_LIMIT: "waiting (busy service)",
    JobState.NEEDS_ANSWER: "needs answer",
    JobState.SOURCE_CHANGED: "source changed",
}

FINAL_STATES = frozenset({JobState.DONE, JobState.SKIPPED, JobState.CANCELLED})
"""A failed job is not final: it can be retried, and it goes on from the parts it has."""

ACTIVE_STATES = frozenset(
    {
        JobState.QUEUED,
        JobState.PREPARING,
        JobState.RUNNING,
        JobState.FINALISING,
        JobState.VERIFYING,
        JobState.RETRYING,
        JobState.WAITING_NETWORK,
        JobState.WAITING_LIMIT,
    }
)


class ConflictPolicy(Enum):
    """What to do when the target exists already."""

    ASK = "ask"
    OVERWRITE = "overwrite"
    SKIP = "skip"
    KEEP_BOTH = "keep-both"
    IF_NEWER = "if-newer"
    IF_SIZE_DIFFERS = "if-size-differs"

    @property
    def word(self) -> str:
        """The words for a person."""
        return self.value.replace("-", " ")


class Integrity(Enum):
    """What was proven of the bytes at the target."""

    NONE = ""
    MD5 = "verified (md5)"
    CRC64NVME = "verified (crc64nvme)"
    CRC32C = "verified (crc32c)"
    CRC32 = "verified (crc32)"
    SHA256 = "verified (sha256)"
    SHA1 = "verified (sha1)"
    SERVER_SIDE = "copied by the server"
    SIZE_ONLY = "size only"

    @property
    def is_proof(self) -> bool:
        """Whether a digest of all bytes was compared."""
        return self.value.startswith("verified")


@record(kw_only=True)
class JobView:
    """One job as it is now.

    ``is_folder`` marks the row of a whole folder: its numbers are sums over its files,
    whose rows carry its id in ``parent``. ``batch`` is shared by all that one drop, paste
    or command began. ``total`` is ``None`` while it is not known. ``resent`` are the bytes
    sent again after an interruption. ``integrity`` and ``error`` are words for people and
    may be empty. ``retry_at`` is when a waiting or retrying job tries again.
    """

    id: int
    batch: int
    direction: Direction
    state: JobState
    name: str
    source: str
    target: str
    profile_id: str
    bucket: str
    key: str
    local_path: str
    done: int = 0
    total: int | None = None
    speed: float = 0.0
    eta: float | None = None
    parts_done: int = 0
    parts_total: int = 0
    attempts: int = 0
    resent: int = 0
    integrity: str = ""
    error: str = ""
    note: str = ""
    created: float = 0.0
    finished: float | None = None
    retry_at: float | None = None
    parent: int | None = None
    is_folder: bool = False
    files_done: int = 0
    files_total: int = 0
    files_failed: int = 0

    @property
    def words(self) -> str:
        """The state in full, with what was proven or when it goes on."""
        if self.state is JobState.DONE and self.integrity:
            return f"done ({self.integrity})"
        if self.state is JobState.RETRYING:
            return f"retrying ({self.attempts})"
        return self.state.word


@record()
class JobsChanged:
    """Jobs are new or look different; at most ten of these a second."""

    views: tuple[JobView, ...]


@record()
class JobsRemoved:
    """Jobs left the live list: forgotten, or moved to the history alone."""

    ids: tuple[int, ...]


@record()
class BatchEnded:
    """Nothing of a batch is under way any more; the counts are of files."""

    batch: int
    done: int
    failed: int
    skipped: int
    cancelled: int
    bytes_done: int


@record(kw_only=True)
class BatchView:
    """One batch of the journal, as far as its jobs are not live; folders count as one job.

    ``counts`` are the jobs by state, the sums are theirs; ``first`` is the job that was asked
    for first, ``None`` when that one is live.
    """

    id: int
    counts: tuple[tuple[JobState, int], ...]
    bytes_total: int = 0
    bytes_done: int = 0
    first: JobView | None = None


@record()
class Snapshot:
    """Everything at one moment, in order with the other events: live jobs, latest batches.

    ``older`` is the batch before which there is more history, ``None`` when there is none.
    """

    views: tuple[JobView, ...]
    batches: tuple[BatchView, ...]
    older: int | None


@record()
class JobEvent:
    """One line of a job's log: when it entered a state, with which bytes safe, and why.

    ``again`` is when it was to try again, for a state that waits.
    """

    at: float
    state: JobState
    done: int = 0
    again: float | None = None
    text: str = ""


Event = JobsChanged | JobsRemoved | BatchEnded | Snapshot


@record()
class StartReport:
    """What the journal held: jobs that were cut off, and a sentence when it was damaged."""

    interrupted: list[JobView]
    note: str | None = None


@record(kw_only=True)
class EngineOptions:
    """How hard the engine works. Sizes in bytes, times in seconds.

    ``multipart_above``: an upload of at least this size goes in parts. ``ranges_above``:
    a download of more than this comes in concurrent ranges of ``range_size``.
    A copy by the server goes in parts of ``copy_part`` above ``copy_at_once`` (S3's own limit).
    ``patience`` is how long a job waits for an unreachable service before it fails;
    ``None`` waits for as long as it takes. ``attempts`` bounds the tries of one job after
    other temporary failures. ``limit_up`` and ``limit_down`` bound bytes a second over all.
    ``small_files`` are under way at once, and as many of their requests as the link rewards.
    ``behind_window`` lets a window in the same process go first. ``who`` names this process
    to others that find the journal held.
    """

    multipart_above: int = 16 * MiB
    part_floor: int = 8 * MiB
    ranges_above: int = 32 * MiB
    range_size: int = 16 * MiB
    copy_at_once: int = 5 * 1024 * MiB
    copy_part: int = 512 * MiB
    parts_per_file: int = 4
    parts_total: int = 16
    large_files: int = 4
    small_files: int = 96
    plan_window: int = 1000
    attempts: int = 8
    part_attempts: int = 4
    backoff_base: float = 0.5
    backoff_cap: float = 30.0
    patience: float | None = None
    history_cap: int = 100_000
    live_finished_cap: int = 1000
    event_interval: float = 0.1
    limit_up: int | None = None
    limit_down: int | None = None
    behind_window: bool = False
    who: str = "dalbrowser"


class OperatorSource(Protocol):
    """Who gives the engine its operators; each belongs to the engine's own loop."""

    async def operator(self, profile: Profile, bucket: str) -> Operator:
        """Return an operator bound to ``bucket`` (empty where the service has no buckets)."""
        ...


if TYPE_CHECKING:
    Notify = Callable[[Event], None]
    LocalPath = str | Path


class TransferError(Exception):
    """A job cannot go on; the message is the sentence that a person reads."""


class SourceChangedError(TransferError):
    """The bytes to be sent or fetched are not the ones that the job began with."""


class SourceUnreadableError(TransferError):
    """A local source is gone or cannot be read."""


class TargetUnwritableError(TransferError):
    """A local target cannot be written: full disk, missing rights, a folder that is gone."""


class JournalHeld(Exception):
    """Another process owns the journal: its ``pid``, ``since`` (epoch seconds), ``who``."""

    def __init__(self, pid: int, since: float, who: str) -> None:
        when = time.strftime("%H:%M", time.localtime(since)) if since else "an unknown time"
        super().__init__(
            f"Transfers are in the hands of {who or 'another program'} (process {pid}) since"
            f" {when}; use that one, or close it first."
        )
        self.pid = pid
        self.since = since
        self.who = who
