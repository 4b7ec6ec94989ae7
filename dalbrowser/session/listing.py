"""One listing in progress: pages arrive at a sink until it finishes, fails or is left.

Invariant: after ``cancel`` the sink hears nothing more of this listing, and between
``listing_started`` and exactly one of finished/failed it hears every page once, in order.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Protocol

from dalbrowser.session.interpreter import let_window_go_first
from dalbrowser.storage import StorageError
from dalbrowser.utils.yielding import give_way_to

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from dalbrowser.profiles import Location
    from dalbrowser.storage import Entry

_generations = count(1)


class ListingState(Enum):
    """Where a listing stands."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ListingSink(Protocol):
    """Who shows a listing. Each call comes on the session's loop."""

    def listing_started(self, listing: Listing) -> None: ...
    def listing_page(self, listing: Listing, entries: list[Entry]) -> None: ...
    def listing_finished(self, listing: Listing) -> None: ...
    def listing_failed(self, listing: Listing, error: Exception) -> None: ...


class Listing:
    """The listing of one location; ``generation`` grows with each, over all locations."""

    def __init__(self, location: Location, sink: ListingSink) -> None:
        self.location = location
        self.generation = next(_generations)
        self.so_far = 0
        self.state = ListingState.RUNNING
        self.error: Exception | None = None
        self._sink = sink
        self._task: asyncio.Task[None] | None = None

    def is_running(self) -> bool:
        """Whether more may come."""
        return self.state is ListingState.RUNNING

    def attach(self, task: asyncio.Task[None]) -> None:
        """Remember the task that runs this listing, to be able to cancel it."""
        self._task = task

    def cancel(self) -> None:
        """Stop; what has arrived stays with the sink, which hears nothing more."""
        if self.is_running():
            self.state = ListingState.CANCELLED
            if self._task is not None:
                self._task.cancel()

    async def run(self, pages: AsyncGenerator[list[Entry], None]) -> None:
        """Pump ``pages`` into the sink. Storage failures go to the sink, others are raised."""
        if not self.is_running():
            return
        self._sink.listing_started(self)
        give_way_to(let_window_go_first)
        try:
            # Closed here and now: Qt's loop does not finalise a generator that is dropped.
            async with aclosing(pages):
                async for page in pages:
                    if not self.is_running():
                        return
                    self.so_far += len(page)
                    self._sink.listing_page(self, page)
                    # A page that was ready at once must not keep the window from its events.
                    await asyncio.sleep(0)
        except (StorageError, OSError) as error:
            if self.is_running():
                self.state = ListingState.FAILED
                self.error = error
                self._sink.listing_failed(self, error)
            return
        except asyncio.CancelledError:
            self.state = ListingState.CANCELLED
            raise
        if self.is_running():
            self.state = ListingState.FINISHED
            self._sink.listing_finished(self)
