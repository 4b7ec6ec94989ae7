"""What a transfer brought is in the list of the folder that is shown, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.profiles import Location, Profile
from dalbrowser.transfer import JobState
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import pytest

    from dalbrowser.storage import Entry
    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

INBOX = Location("files", "", "inbox/")


class SlowListings:
    """Listings of a session whose pages are held back, before or after they are read."""

    def __init__(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch, *, read_first: bool = False
    ) -> None:
        self._pages = stage.session.pages
        self._read_first = read_first
        self.begun = 0
        self.go_on = asyncio.Event()
        monkeypatch.setattr(stage.session, "pages", self._held)

    async def _held(self, location: Location) -> AsyncGenerator[list[Entry], None]:
        self.begun += 1
        read = [page async for page in self._pages(location)] if self._read_first else None
        await self.go_on.wait()
        if read is None:
            read = [page async for page in self._pages(location)]
        for page in read:
            yield page


async def send(stage: Stage, base: Path, *names: str) -> None:
    """Upload files into the inbox, and wait until all are there."""
    paths = [base / name for name in names]
    for path in paths:
        path.write_bytes(b"1")
    ids = await stage.session.transfers.upload(paths, INBOX)
    views = await stage.session.transfers.wait(ids)
    assert {view.state for view in views} == {JobState.DONE}


async def told(window: MainWindow, *names: str) -> None:
    """Wait until the window has been told that files are done, and has taken that in."""
    wanted = {f"inbox/{name}" for name in names}
    done: set[str] = set()
    ready = asyncio.Event()

    def take(event: object) -> None:
        done.update(one.key for one in getattr(event, "views", ()) if one.state is JobState.DONE)
        if wanted <= done:
            ready.set()

    host = window.tab.traffic._session.transfers
    stop = host.on_event(take)
    await host.tell_all()
    await asyncio.wait_for(ready.wait(), 10)
    stop()


def test_what_arrives_while_the_folder_is_listed_is_there_once(
    stage: Stage, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.put("inbox/old.txt", b"old")

    async def story() -> None:
        person = Driver(stage, window)
        slow = SlowListings(stage, monkeypatch)
        window.open_location(INBOX)
        await stage.until(lambda: slow.begun == 1, "the listing")
        await send(stage, tmp_path, "new.txt")
        await told(window, "new.txt")
        await stage.until(lambda: not window.tab.traffic._settle.isActive(), "the look")
        slow.go_on.set()
        await person.listed("new.txt", "old.txt")

    stage.run(story())


def test_a_folder_made_while_its_place_is_listed_is_there_once(
    stage: Stage, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.put("inbox/old.txt", b"old")

    async def story() -> None:
        person = Driver(stage, window)
        slow = SlowListings(stage, monkeypatch)
        window.open_location(INBOX)
        await stage.until(lambda: slow.begun == 1, "the listing")
        made = await stage.session.create_folder(INBOX, "made")
        window.changes.show_folder(made)
        slow.go_on.set()
        await person.listed("made", "old.txt")

    stage.run(story())


def test_what_arrives_after_a_page_was_read_is_not_lost(
    stage: Stage, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.put("inbox/old.txt", b"old")

    async def story() -> None:
        person = Driver(stage, window)
        window.open_location(INBOX)
        await person.listed("old.txt")
        slow = SlowListings(stage, monkeypatch, read_first=True)
        person.do("reload")
        await stage.until(lambda: slow.begun == 1, "the listing")
        await asyncio.to_thread(lambda: None)
        await send(stage, tmp_path, "new.txt")
        await told(window, "new.txt")
        await stage.until(lambda: not window.tab.traffic._settle.isActive(), "the look")
        slow.go_on.set()
        await person.listed("new.txt", "old.txt")

    stage.run(story())


def test_what_is_sent_to_memory_is_seen_and_fetched_again(
    stage: Stage, window: MainWindow, tmp_path: Path
) -> None:
    here = Location("scratch", "", "")
    stage.session.profiles.save(Profile("scratch", "scratch", "memory", {}))
    stage.session.profiles.save(Profile("other", "other", "memory", {}))
    local = tmp_path / "a.bin"
    local.write_bytes(b"mine" * 1000)

    async def story() -> None:
        person = Driver(stage, window)
        host = stage.session.transfers
        window.open_location(here)
        await person.listed()
        await host.wait(await host.upload([local], here))
        await person.listed("a.bin")
        target = tmp_path / "down"
        target.mkdir()
        await host.wait(await host.download([(here.child("a.bin"), None)], target))
        assert (target / "a.bin").read_bytes() == local.read_bytes()
        window.open_location(Location("other", "", ""))
        await person.listed()

    stage.run(story())


def test_what_a_move_of_an_earlier_run_takes_away_leaves_the_list(
    stage: Stage, window: MainWindow
) -> None:
    for name in ("a.txt", "a.txt.bak", "deep/a.txt", "trip/1.txt"):
        stage.put(f"inbox/{name}", b"1")
    (stage.files / "out").mkdir()

    async def story() -> None:
        person = Driver(stage, window)
        host = stage.session.transfers
        window.open_location(INBOX)
        await person.listed("deep", "trip", "a.txt", "a.txt.bak")
        # As after a restart: nothing in the window knows that it was asked for.
        moved = [INBOX.child("a.txt"), INBOX.child("trip/")]
        ids = await host.copy(moved, Location("files", "", "out/"), move=True)
        assert {view.state for view in await host.wait(ids)} == {JobState.DONE}
        await person.listed("deep", "a.txt.bak")

    stage.run(story())


def test_a_stream_of_arrivals_does_not_begin_one_listing_after_another(
    stage: Stage, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.put("inbox/old.txt", b"old")
    waves = [[f"{wave}-{number:02}.txt" for number in range(30)] for wave in range(3)]

    async def story() -> None:
        person = Driver(stage, window)
        window.open_location(INBOX)
        await person.listed("old.txt")
        slow = SlowListings(stage, monkeypatch, read_first=True)
        for names in waves:
            await send(stage, tmp_path, *names)
            await told(window, *names)
            await stage.until(lambda: slow.begun, "a listing for the first wave")
            await stage.until(lambda: not window.tab.traffic._settle.isActive(), "the look")
        assert slow.begun == 1
        slow.go_on.set()
        await person.listed(*(name for names in waves for name in names), "old.txt")
        assert slow.begun == 2

    stage.run(story())


def test_the_folder_that_is_shown_is_no_row_of_itself(
    stage: Stage, window: MainWindow, tmp_path: Path
) -> None:
    local = tmp_path / "trip"
    (local / "deep").mkdir(parents=True)
    (local / "deep" / "2.txt").write_bytes(b"2")
    (local / "1.txt").write_bytes(b"1")
    (stage.files / "trip").mkdir()

    async def story() -> None:
        person = Driver(stage, window)
        window.open_location(Location("files", "", "trip/"))
        await person.listed()
        ids = await stage.session.transfers.upload([local], Location("files", "", ""))
        views = await stage.session.transfers.wait(ids)
        assert [view.state for view in views] == [JobState.DONE]
        assert [view.key for view in views] == ["trip/"]
        await person.listed("deep", "1.txt")
        job = window.panels.transfers.model
        await stage.until(
            lambda: [view.state for view in job.jobs() if view.is_folder] == [JobState.DONE],
            "the end of the folder in the panel",
        )
        window.tab.traffic._settle.timeout.emit()
        await stage.until(lambda: not stage.session.tasks.live, "the look at what arrived")
        await person.listed("deep", "1.txt")

    stage.run(story())
