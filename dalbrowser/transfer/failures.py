"""Which failures are worth another try, and what a job waits for meanwhile.

Read from ``kind``, ``status`` and the service's own code, never from a message.
"""

from __future__ import annotations

import random
from enum import Enum, auto

from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError

_CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "RequestExpired",
        "InvalidToken",
    }
)


class Wait(Enum):
    """What a job waits for after a failure; ``NONE`` is: it has failed."""

    NONE = auto()
    AGAIN = auto()
    NETWORK = auto()
    CREDENTIALS = auto()
    LIMIT = auto()


def wait_for(error: StorageError) -> Wait:
    """Return what has to come before another try can succeed."""
    if error.context.get("code") in _CREDENTIAL_CODES:
        return Wait.CREDENTIALS
    if error.status is ErrorStatus.PERMANENT:
        return Wait.NONE
    if error.kind is ErrorKind.RATE_LIMITED:
        return Wait.LIMIT
    answered = "status" in error.context or "code" in error.context
    if error.kind is ErrorKind.UNEXPECTED and not answered:
        return Wait.NETWORK
    return Wait.AGAIN


def is_gone(error: StorageError) -> bool:
    """Whether the upload, or the object, is not there."""
    return error.kind is ErrorKind.NOT_FOUND


def is_refused(error: StorageError) -> bool:
    """Whether a request that was to create something surely created nothing.

    Not when an earlier attempt of the same request may have landed unheard.
    """
    if error.context.get("code") == "NoSuchBucket":
        return True
    if error.status is not ErrorStatus.PERMANENT or "attempts" in error.context:
        return False
    answered = error.context.get("status", "").startswith("4")
    return answered or error.kind in (ErrorKind.CONFIG_INVALID, ErrorKind.UNSUPPORTED)


def is_temporary(error: StorageError) -> bool:
    """Whether it was temporary, also when the retry layer has given up on it."""
    return error.status is not ErrorStatus.PERMANENT


_LONGEST_WISH = 86_400.0
"""Seconds that a service may wish at most: what it says is not always a time."""

_UNSEEN = 30.0
"""Seconds that a part may wait for itself; longer ones are the job's, which shows and ends them."""


def is_for_job(error: StorageError, attempt: int, most: int) -> bool:
    """Whether a part that failed leaves another try to its job, after ``attempt`` of ``most``."""
    return not is_temporary(error) or attempt >= most or (error.retry_after or 0.0) > _UNSEEN


def pause_before(attempt: int, base: float, cap: float, wish: float | None = None) -> float:
    """Return the seconds to wait before try ``attempt`` (from 1): exponential, with jitter.

    The server's own ``wish`` (Retry-After) is not undercut, as long as it is one of hours.
    """
    ceiling = min(cap, base * float(2 ** min(attempt - 1, 16)))
    return max(min(wish or 0.0, _LONGEST_WISH), ceiling * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter
