"""The engine beside the window: its calls, its events, its refusals, its end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import Location, Profile
from dalbrowser.settings import Folders
from dalbrowser.transfer import JobsChanged, JobState, JournalHeld
from dalbrowser.transfer.journal.lock import JournalLock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dalbrowser.session import Session
    from dalbrowser.transfer import Event


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    before = set(threading.enumerate())
    (tmp_path / "files").mkdir()
    made = build_session(asyncio.get_running_loop(), Folders.under(tmp_path / "home"))
    made.profiles.save(Profile("files", "files", "fs", {"root": str(tmp_path / "files")}))
    yield made
    await made.aclose()
    begun = set(threading.enumerate()) - before
    assert "transfers" not in {thread.name for thread in begun}


async def test_an_upload_runs_beside_the_window_and_is_told_on_its_loop(
    session: Session, tmp_path: Path
) -> None:
    heard: list[Event] = []
    threads: set[str] = set()

    def hear(event: Event) -> None:
        heard.append(event)
        threads.add(threading.current_thread().name)

    session.transfers.on_event(hear)
    report = await session.transfers.start()
    assert report.interrupted == []
    (tmp_path / "a.txt").write_bytes(b"hello")
    ids = await session.transfers.upload([tmp_path / "a.txt"], Location("files"))
    (view,) = await session.transfers.wait(ids)
    assert view.state is JobState.DONE
    assert (tmp_path / "files/a.txt").read_bytes() == b"hello"
    await session.transfers.close()
    assert threads == {threading.current_thread().name}
    states = [
        view.state for event in heard if isinstance(event, JobsChanged) for view in event.views
    ]
    assert states[-1] is JobState.DONE


async def test_a_call_before_the_start_and_after_the_end_queues_nothing(session: Session) -> None:
    with pytest.raises(RuntimeError, match="nothing was queued"):
        await session.transfers.jobs()
    await session.transfers.start()
    await session.transfers.close()
    with pytest.raises(RuntimeError, match="nothing was queued"):
        await session.transfers.jobs()


async def test_a_start_that_is_refused_can_be_tried_again(session: Session) -> None:
    journal = session.folders.journal_file
    lock = JournalLock(journal.with_name(f"{journal.name}.lock"))
    lock.acquire("somebody else")
    with pytest.raises(JournalHeld, match="somebody else"):
        await session.transfers.start()
    assert not session.transfers.running
    lock.release()
    await session.transfers.start()
    assert session.transfers.running


async def test_each_start_is_told(session: Session) -> None:
    told: list[object] = []
    session.transfers.on_started(told.append)
    first = await session.transfers.start()
    await session.transfers.close()
    second = await session.transfers.start()
    assert told == [first, second]


async def test_two_starts_at_once_are_one(session: Session) -> None:
    first, second = await asyncio.gather(session.transfers.start(), session.transfers.start())
    assert first is second
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("transfers") == 1


async def test_what_is_asked_while_it_starts_waits_for_it(session: Session) -> None:
    starting = asyncio.create_task(session.transfers.start())
    await asyncio.sleep(0)
    assert not starting.done()
    assert await session.transfers.wait([]) == []
    await starting
    await session.transfers.close()
    with pytest.raises(RuntimeError, match="nothing was queued"):
        await session.transfers.wait([])


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_start_that_is_given_up_leaves_no_thread(session: Session, turns: int) -> None:
    starting = asyncio.create_task(session.transfers.start())
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    await session.transfers.close()
    names = {thread.name for thread in threading.enumerate()}
    assert "transfers" not in names
    await session.transfers.start()
    assert session.transfers.running
