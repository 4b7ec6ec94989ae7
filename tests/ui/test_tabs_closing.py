"""A tab that is closed leaves nothing behind, except that what was begun in it is finished."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles import Location
from dalbrowser.storage import ErrorKind, StorageError
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from dalbrowser.session.browse import DeleteReport
    from dalbrowser.storage import Entry
    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

FILES = Location("files")


async def freed(stage: Stage, kept: Sequence[weakref.ref[Any]]) -> None:
    """Wait until none of these objects is there any more."""

    def gone() -> bool:
        gc.collect()
        return all(ref() is None for ref in kept)

    await stage.until(gone, "the end of all of them")


def test_rows_widgets_and_all_that_belongs_to_a_tab_are_freed(
    stage: Stage, window: MainWindow
) -> None:
    for number in range(50):
        stage.put(f"{number}.bin", b"x")
    person = Driver(stage, window)

    async def story() -> None:
        window.open_location(FILES)
        await stage.until(lambda: len(person.names()) == 50, "the list")
        window.tabs.new()
        await stage.until(lambda: len(person.names()) == 50, "the list again")
        person.select("7.bin")
        person.edit("filterEdit", "7")
        await stage.until(lambda: len(person.names()) == 5, "the filter")
        tab = window.tab
        parts = (tab, tab.model, tab.view, tab.navigator, tab.selection, tab.pages)
        others = (tab.changes, tab.traffic, tab.columns, tab.model.columns)
        kept: list[weakref.ref[Any]] = [weakref.ref(one) for one in (*parts, *others)]
        del tab, parts, others
        person.do("close_tab")
        assert len(person.names()) == 50
        await freed(stage, kept)
        # What is left works as before.
        person.select("8.bin")
        await person.says("statusSelection", "1 selected")

    stage.run(story())


def test_closing_ends_the_listing_and_its_requests(stage: Stage, window: MainWindow) -> None:
    pages = stage.session.pages
    ended: list[Location] = []
    never = asyncio.Event()

    async def slow(location: Location) -> AsyncGenerator[list[Entry], None]:
        try:
            # It may be closed at a page already, and then closes what it had it from.
            async with contextlib.aclosing(pages(location)) as found:
                async for page in found:
                    yield page
            await never.wait()
        finally:
            ended.append(location)

    stage.put("data/one.csv", b"1")
    person = Driver(stage, window)

    async def story() -> None:
        window.open_location(FILES)
        await person.listed("data")
        stage.session.pages = slow  # type: ignore[method-assign]
        window.tabs.open(FILES.child("data/"))
        await stage.until(lambda: person.names() == ["one.csv"], "the first page")
        tab = weakref.ref(window.tab)
        person.do("previous_tab")
        assert window.tabs.tabs[1].navigator.running
        assert ended == []
        window.tabs.close_others(window.tabs.number)
        await stage.until(lambda: ended == [FILES.child("data/")], "the end of the listing")
        await stage.until(lambda: not stage.session.tasks.live, "rest")
        await freed(stage, [tab])

    stage.run(story())


def test_a_delete_begun_in_a_tab_that_is_closed_comes_to_its_end_and_its_failure_is_said(
    stage: Stage, window: MainWindow
) -> None:
    for name in ("keep.txt", "gone.txt", "never.txt"):
        stage.put(f"data/{name}", b"x")
    person = Driver(stage, window)
    delete, may_go_on = stage.session.delete, asyncio.Event()

    async def held(locations: Sequence[Location], *_: object) -> DeleteReport:
        await may_go_on.wait()
        if any(place.name == "never.txt" for place in locations):
            raise StorageError(ErrorKind.PERMISSION_DENIED, "You may not delete this.")
        return await delete(locations)

    stage.session.delete = held  # type: ignore[assignment, method-assign]

    async def story() -> None:
        window.open_location(FILES)
        await person.listed("data")
        kept: list[weakref.ref[Any]] = []
        for name in ("gone.txt", "never.txt"):
            window.tabs.open(FILES.child("data/"))
            await person.listed("gone.txt", "keep.txt", "never.txt")
            person.select(name)
            await stage.until(person.action("delete").isEnabled, "the delete action")
            person.do("delete")
            await person.says("deleteDialogConfirm", "Delete")
            person.press("deleteDialogConfirm")
            await person.says("noticeText", "Deleting")
            kept += [weakref.ref(window.tab), weakref.ref(window.changes)]
            person.do("close_tab")
        assert window.navigator.location == FILES
        may_go_on.set()
        await stage.until(lambda: not (stage.files / "data/gone.txt").exists(), "the delete")
        await person.says("noticeText", "You may not delete this.")
        assert (stage.files / "data/never.txt").exists()
        await freed(stage, kept)

    stage.run(story())


def test_a_window_with_tabs_is_freed_too(stage: Stage, window: MainWindow) -> None:
    from dalbrowser.ui.window import MainWindow

    async def story() -> None:
        second = MainWindow(stage.session)
        second.open_location(FILES)
        second.tabs.open(FILES, behind=True)
        await stage.until(lambda: not stage.session.tasks.live, "rest")
        kept: list[weakref.ref[Any]] = [weakref.ref(tab.model) for tab in second.tabs.tabs]
        second.allow_close()
        second.close()
        second.deleteLater()
        del second
        await freed(stage, kept)

    stage.run(story())
    assert window.isVisible()
