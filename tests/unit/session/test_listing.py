"""A listing tells its sink everything once, in order, and nothing after it was left."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from dalbrowser.profiles import Location
from dalbrowser.session import Listing, ListingState, interpreter
from dalbrowser.storage import Entry, EntryMode, ErrorKind, Metadata, StorageError
from dalbrowser.utils.yielding import give_way

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

_SOON = 0.1
"""Seconds in which a thread that does not wait is through."""


class Sink:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.paged = asyncio.Event()

    def listing_started(self, listing: Listing) -> None:
        self.heard.append("started")

    def listing_page(self, listing: Listing, entries: list[Entry]) -> None:
        self.heard.append([entry.path for entry in entries])
        self.paged.set()

    def listing_finished(self, listing: Listing) -> None:
        self.heard.append("finished")

    def listing_failed(self, listing: Listing, error: Exception) -> None:
        self.heard.append(str(error))


def _page(*names: str) -> list[Entry]:
    return [Entry(name, Metadata(mode=EntryMode.FILE)) for name in names]


async def _pages(
    *pages: list[Entry], error: Exception | None = None, closed: list[bool] | None = None
) -> AsyncGenerator[list[Entry], None]:
    try:
        for page in pages:
            yield page
        if error is not None:
            raise error
    finally:
        if closed is not None:
            closed.append(True)


async def test_what_reads_the_pages_in_a_thread_waits_while_the_window_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter, "_PATIENCE", 30.0)
    loop, begun, read = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def parse() -> None:
        loop.call_soon_threadsafe(begun.set)
        give_way()
        read.set()

    async def pages() -> AsyncGenerator[list[Entry], None]:
        await asyncio.to_thread(parse)
        yield _page("a")

    sink = Sink()
    with interpreter.undisturbed():
        task = asyncio.create_task(Listing(Location("p"), sink).run(pages()))
        await begun.wait()
        assert not read.wait(_SOON)
    await task
    assert read.is_set()
    assert sink.heard == ["started", ["a"], "finished"]


async def test_pages_arrive_in_order_and_then_the_end() -> None:
    sink = Sink()
    listing = Listing(Location("p"), sink)
    await listing.run(_pages(_page("a", "b"), _page("c")))
    assert sink.heard == ["started", ["a", "b"], ["c"], "finished"]
    assert listing.so_far == 3
    assert listing.state is ListingState.FINISHED


async def test_a_failure_keeps_what_came_and_says_so() -> None:
    sink = Sink()
    listing = Listing(Location("p"), sink)
    error = StorageError(ErrorKind.PERMISSION_DENIED, "Ask for the right to list.")
    await listing.run(_pages(_page("a"), error=error))
    assert sink.heard == ["started", ["a"], str(error)]
    assert listing.state is ListingState.FAILED
    assert listing.error is error


async def test_a_listing_that_was_left_is_silent_and_closes_its_source() -> None:
    sink = Sink()
    listing = Listing(Location("p"), sink)
    closed: list[bool] = []
    task = asyncio.create_task(listing.run(_pages(_page("a"), _page("b"), closed=closed)))
    listing.attach(task)
    await sink.paged.wait()
    listing.cancel()
    await asyncio.wait([task])
    assert sink.heard == ["started", ["a"]]
    assert closed == [True]
    assert listing.state is ListingState.CANCELLED


async def test_generations_grow() -> None:
    assert Listing(Location("p"), Sink()).generation < Listing(Location("p"), Sink()).generation
