"""The task supervisor: groups are exclusive, no failure is lost, nothing is left."""

from __future__ import annotations

import asyncio

import pytest

from dalbrowser.session import TaskSupervisor


async def _forever() -> None:
    await asyncio.Event().wait()


async def _fail() -> None:
    raise ValueError("broken on purpose")


async def test_a_group_cancels_its_predecessor_and_only_it() -> None:
    tasks = TaskSupervisor(asyncio.get_running_loop())
    first = tasks.spawn(_forever(), owner="a", name="first", group="g")
    other = tasks.spawn(_forever(), owner="a", name="other", group="h")
    second = tasks.spawn(_forever(), owner="a", name="second", group="g")
    await asyncio.wait([first])
    assert first.cancelled()
    assert set(tasks.live) == {"a/other", "a/second"}
    await tasks.aclose()
    assert other.cancelled()
    assert second.cancelled()
    assert tasks.live == ()


async def test_a_finished_task_frees_its_group_but_not_its_successors() -> None:
    tasks = TaskSupervisor(asyncio.get_running_loop())
    first = tasks.spawn(asyncio.sleep(0), owner="a", name="first", group="g")
    await first
    second = tasks.spawn(_forever(), owner="a", name="second", group="g")
    await asyncio.sleep(0)
    tasks.cancel_group("g")
    await asyncio.wait([second])
    assert second.cancelled()


async def test_each_failure_reaches_every_sink_once_and_cancellation_none() -> None:
    tasks = TaskSupervisor(asyncio.get_running_loop())
    heard: list[tuple[str, str]] = []
    tasks.on_failure(lambda name, error: heard.append((name, str(error))))
    stop = tasks.on_failure(lambda name, error: heard.append(("second", type(error).__name__)))
    task = tasks.spawn(_fail(), owner="a", name="bad")
    cancelled = tasks.spawn(_forever(), owner="a", name="gone")
    cancelled.cancel()
    await asyncio.wait([task, cancelled])
    await asyncio.sleep(0)
    assert heard == [("a/bad", "broken on purpose"), ("second", "ValueError")]
    stop()
    again = tasks.spawn(_fail(), owner="a", name="again")
    await asyncio.wait([again])
    await asyncio.sleep(0)
    assert heard[2:] == [("a/again", "broken on purpose")]


async def test_a_failure_that_nobody_listens_to_reaches_the_loop() -> None:
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    loop.set_exception_handler(lambda _, context: heard.append(context["message"]))
    tasks = TaskSupervisor(loop)
    task = tasks.spawn(_fail(), owner="a", name="bad")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert heard == ["task a/bad failed and nobody listens"]


async def test_an_owner_is_cancelled_as_a_whole() -> None:
    tasks = TaskSupervisor(asyncio.get_running_loop())
    mine = [tasks.spawn(_forever(), owner="mine", name=str(n)) for n in range(3)]
    theirs = tasks.spawn(_forever(), owner="theirs", name="x")
    tasks.cancel_owner("mine")
    await asyncio.wait(mine)
    assert tasks.live == ("theirs/x",)
    await tasks.aclose()
    assert theirs.cancelled()


async def test_nothing_starts_after_the_end() -> None:
    tasks = TaskSupervisor(asyncio.get_running_loop())
    await tasks.aclose()
    with pytest.raises(RuntimeError, match="after the end"):
        tasks.spawn(_forever(), owner="a", name="late")


async def test_awaited_tasks_can_be_waited_for() -> None:
    tasks = TaskSupervisor(asyncio.get_running_loop())
    assert not tasks.are_awaited()
    await tasks.ended()
    over = asyncio.Event()
    tasks.on_failure(lambda _name, _error: over.set())
    tasks.spawn(over.wait(), owner="a", name="one", awaited=True)
    tasks.spawn(_fail(), owner="b", name="two", awaited=True)
    other = tasks.spawn(_forever(), owner="a", name="other")
    assert tasks.are_awaited()
    await tasks.ended()
    assert not tasks.are_awaited()
    assert not other.done()
    await tasks.aclose()
