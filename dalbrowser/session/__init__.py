"""What a window or a command line asks of the engine; knows neither Qt nor HTTP."""

from typing import TYPE_CHECKING

from dalbrowser.utils.lazily import names_from

if TYPE_CHECKING:
    from dalbrowser.session.actions import ACTIONS, Action, Selection, action
    from dalbrowser.session.browse import DeleteReport, Measure
    from dalbrowser.session.host import TransferHost
    from dalbrowser.session.listing import Listing, ListingSink, ListingState
    from dalbrowser.session.session import Session
    from dalbrowser.session.tasks import TaskSupervisor
    from dalbrowser.session.wording import describe

__all__ = [
    "ACTIONS",
    "Action",
    "DeleteReport",
    "Listing",
    "ListingSink",
    "ListingState",
    "Measure",
    "Selection",
    "Session",
    "TaskSupervisor",
    "TransferHost",
    "action",
    "describe",
]

if not TYPE_CHECKING:
    __getattr__ = names_from(
        globals(),
        {
            "actions": ("ACTIONS", "Action", "Selection", "action"),
            "browse": ("DeleteReport", "Measure"),
            "host": ("TransferHost",),
            "listing": ("Listing", "ListingSink", "ListingState"),
            "session": ("Session",),
            "tasks": ("TaskSupervisor",),
            "wording": ("describe",),
        },
    )
