"""The files of a folder job, as rows of their own.

Invariant: a file begins with nothing of its folder's progress, and with all that was asked.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.transfer.model import JobState

if TYPE_CHECKING:
    from dalbrowser.transfer.job import LiveJob
    from dalbrowser.transfer.journal import JobRow


def child(job: LiveJob, **different: object) -> JobRow:
    """Return the row of a file of a folder job."""
    return replace(
        job.row,
        id=0,
        parent=job.id,
        is_folder=False,
        state=JobState.QUEUED,
        total=None,
        done=0,
        resent=0,
        attempts=0,
        error="",
        note="",
        integrity="",
        made="",
        trouble="",
        begun=False,
        finished=None,
        created=time.time(),
        **different,  # type: ignore[arg-type]
    )
