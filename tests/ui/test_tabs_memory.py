"""The tabs of last time: which come back, and what that costs at the start."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dalbrowser.profiles import Location
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.window import MainWindow
from tests.ui.test_tabs import Tabber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dalbrowser.session import Listing, ListingSink
    from tests.ui.stage import Stage

FILES = Location("files")
REMEMBERED = {"places": ["files:data/", "files:", "files:data/deep/"], "current": 1}


@contextmanager
def opened(stage: Stage) -> Iterator[Tabber]:
    """A window of its own, as one start of the program has it."""
    window = MainWindow(stage.session)
    window.resize(1100, 700)
    window.show()
    yield Tabber(stage, window)
    window.allow_close()
    window.close()
    # The next window has the same session, so what this one asked for ends first.
    stage.run(stage.until(lambda: not stage.session.tasks.live, "what the window asked for"))
    window.deleteLater()


@pytest.fixture
def listed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[Location]:
    """What was listed, in order, over a small tree of files."""
    stage.put("a.txt", b"a")
    stage.put("data/deep/two.csv", b"3,4\n")
    stage.run(stage.session.transfers.start())
    asked: list[Location] = []
    real = stage.session.open

    def counted(location: Location, sink: ListingSink, *, group: str = "listing") -> Listing:
        asked.append(location)
        return real(location, sink, group=group)

    monkeypatch.setattr(stage.session, "open", counted)
    return asked


def kept(stage: Stage) -> dict[str, Any]:
    """Return what is in the settings."""
    found: dict[str, Any] = stage.session.settings.get("window.tabs")
    return found


def test_tabs_come_back_in_their_order_and_only_the_one_in_front_is_listed(
    stage: Stage, listed: list[Location]
) -> None:
    async def first(person: Tabber) -> None:
        await person.window.restore_tabs()
        assert listed == []
        person.window.open_location(FILES.child("data/"))
        await person.listed("deep")
        person.window.tabs.open(FILES)
        await person.listed("data", "a.txt")
        person.window.tabs.open(FILES.child("data/deep/"), behind=True)
        person.window.tabs.open(None)
        person.do("previous_tab")
        await stage.until(lambda: not stage.session.tasks.live, "rest")

    with opened(stage) as person:
        stage.run(first(person))
    assert kept(stage) == REMEMBERED
    listed.clear()

    async def second(person: Tabber) -> None:
        await person.window.restore_tabs()
        assert person.tabs() == ["data", "[files]", "deep"]
        await person.listed("data", "a.txt")
        assert listed == [FILES]
        assert len(person.window.tabs.tabs) == 1
        assert kept(stage) == REMEMBERED
        person.do("next_tab")
        await person.listed("two.csv")
        assert listed == [FILES, FILES.child("data/deep/")]
        person.click_tab(0)
        await person.listed("deep")
        assert len(person.window.tabs.tabs) == 3
        person.do("close_tab")
        assert kept(stage)["places"] == ["files:", "files:data/deep/"]

    with opened(stage) as person:
        stage.run(second(person))


def test_a_tab_never_shown_can_be_closed_duplicated_and_reopened(
    stage: Stage, listed: list[Location]
) -> None:
    stage.session.settings.set("window.tabs", REMEMBERED)

    async def story(person: Tabber) -> None:
        tabs = person.window.tabs
        await person.window.restore_tabs()
        await person.listed("data", "a.txt")
        tabs.close_tab(tabs.strip.number_at(2))
        tabs.close_tab(tabs.strip.number_at(0))
        assert person.tabs() == ["[files]"]
        assert listed == [FILES]
        tabs.reopen()
        await person.listed("deep")
        assert person.tabs() == ["files", "[data]"]

    with opened(stage) as person:
        stage.run(story(person))


def test_what_means_nothing_any_more_is_left_out(stage: Stage, listed: list[Location]) -> None:
    places = ["gone:x/", 7, "s3://passing/", "files:data/", "", None, "files:"]
    stage.session.settings.set("window.tabs", {"places": places, "current": 6, "more": []})

    async def story(person: Tabber) -> None:
        await person.window.restore_tabs()
        assert person.tabs() == ["data", "[files]"]
        await person.listed("data", "a.txt")

    with opened(stage) as person:
        stage.run(story(person))


@pytest.mark.parametrize("state", [{}, {"places": "files:"}, {"places": [], "current": "x"}])
def test_without_anything_remembered_there_is_the_start_page(
    stage: Stage, listed: list[Location], state: dict[str, Any]
) -> None:
    stage.session.settings.set("window.tabs", state)

    async def story(person: Tabber) -> None:
        await person.window.restore_tabs()
        assert person.window.navigator.location is None
        assert listed == []

    with opened(stage) as person:
        stage.run(story(person))


def test_a_place_given_at_the_start_comes_on_top_of_several_tabs_but_replaces_a_single_one(
    stage: Stage, listed: list[Location]
) -> None:
    async def story(person: Tabber) -> None:
        await person.window.restore_tabs(alone=False)
        person.window.open_apart(FILES.child("data/deep/"))
        await person.listed("two.csv")

    for remembered, shown in (
        (REMEMBERED, ["data", "files", "[deep]", "deep"]),
        ({"places": ["files:"], "current": 0}, ["[deep]"]),
    ):
        stage.session.settings.set("window.tabs", remembered)
        with opened(stage) as person:
            stage.run(story(person))
            assert person.tabs() == shown


def test_a_window_that_did_not_restore_tabs_overwrites_none(
    stage: Stage, listed: list[Location]
) -> None:
    stage.session.settings.set("window.tabs", REMEMBERED)

    async def story(person: Tabber) -> None:
        person.window.open_location(FILES)
        await person.listed("data", "a.txt")

    with opened(stage) as person:
        stage.run(story(person))
    assert kept(stage) == REMEMBERED


def test_columns_changed_in_one_tab_are_so_in_another_of_the_same_bucket(
    stage: Stage, listed: list[Location]
) -> None:
    async def story(person: Tabber) -> None:
        window = person.window
        window.resize(1500, 700)
        window.open_location(FILES)
        await person.listed("data", "a.txt")
        window.tabs.open(FILES.child("data/"))
        await person.listed("deep")
        person.table.horizontalHeader().resizeSection(Column.SIZE, 133)
        person.do("previous_tab")
        assert person.table.horizontalHeader().sectionSize(Column.SIZE) == 133

    with opened(stage) as person:
        stage.run(story(person))
