"""What can be done with a row of the transfers, as data: bar, menu and keys are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dalbrowser.transfer import Direction, JobState, JobView

if TYPE_CHECKING:
    from collections.abc import Callable

RESUMABLE = frozenset(
    {
        JobState.PAUSED,
        JobState.INTERRUPTED,
        JobState.WAITING_NETWORK,
        JobState.WAITING_LIMIT,
        JobState.WAITING_CREDENTIALS,
        JobState.RETRYING,
    }
)
RETRIABLE = frozenset({JobState.FAILED, JobState.SOURCE_CHANGED})
ACTIVE = frozenset(state for state in JobState if state.is_active)
_STARTABLE = RESUMABLE | {JobState.QUEUED}
_CLOUDY = (Direction.COPY, Direction.MOVE)


@dataclass(frozen=True, slots=True)
class Verb:
    """One action: id, title, icon, key, which jobs it works on, and where it is shown.

    ``alone`` is for one row only. ``short`` shows the icon without its word in the bar,
    ``menu_only`` nothing there.
    """

    id: str
    title: str
    icon: str
    fits: Callable[[JobView], bool]
    key: str = ""
    alone: bool = False
    short: bool = False
    menu_only: bool = False


def _has_file(view: JobView) -> bool:
    return view.state is JobState.DONE and bool(view.local_path or view.direction in _CLOUDY)


VERBS = (
    Verb("resume_transfer", "Resume", "play", lambda view: view.state in RESUMABLE),
    Verb("pause_transfer", "Pause", "pause", lambda view: view.state.is_active),
    Verb("retry_transfer", "Retry", "retry", lambda view: view.state in RETRIABLE),
    Verb("cancel_transfer", "Cancel", "close", lambda view: not view.state.is_final, "Delete"),
    Verb(
        "run_transfer_now", "Run now", "run-now", lambda view: view.state in _STARTABLE, short=True
    ),
    Verb(
        "move_transfer_up",
        "Move up",
        "chevron-up",
        lambda view: view.state is JobState.QUEUED,
        "Ctrl+Up",
        short=True,
    ),
    Verb(
        "move_transfer_down",
        "Move down",
        "chevron-down",
        lambda view: view.state is JobState.QUEUED,
        "Ctrl+Down",
        short=True,
    ),
    Verb("open_transfer", "Open", "open", _has_file, alone=True, menu_only=True),
    Verb("show_transfer", "Show in folder", "folder", lambda _view: True, alone=True),
    Verb("log_transfer", "Log", "log", lambda view: view.id > 0, alone=True),
    Verb(
        "export_manifest",
        "Export manifest…",
        "verified",
        lambda view: view.state is JobState.DONE or view.files_done > 0,
        alone=True,
        menu_only=True,
    ),
)
BY_ID = {verb.id: verb for verb in VERBS}
ENGINE_CALLS = {
    "resume_transfer": "resume",
    "pause_transfer": "pause",
    "retry_transfer": "retry",
    "cancel_transfer": "cancel",
    "run_transfer_now": "run_now",
    "move_transfer_up": "move_up",
    "move_transfer_down": "move_down",
}
"""Which call of the engine carries out a verb on many jobs."""
