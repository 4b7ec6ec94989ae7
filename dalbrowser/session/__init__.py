"""What a window or a command line asks of the engine; knows neither Qt nor HTTP."""

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
