"""Only who said so waits for others, also in the threads that it hands work to."""

from __future__ import annotations

import asyncio
import contextvars

from dalbrowser.utils.yielding import give_way, give_way_to


async def test_a_thread_of_a_task_gives_way_to_whom_the_task_said() -> None:
    met: list[str] = []
    give_way_to(lambda: met.append("waited"))
    await asyncio.to_thread(give_way)
    assert met == ["waited"]


async def test_other_work_waits_for_nobody() -> None:
    met: list[str] = []

    async def one() -> None:
        give_way_to(lambda: met.append("one"))
        give_way()

    async def other() -> None:
        give_way()

    await asyncio.create_task(one())
    await asyncio.create_task(other())
    contextvars.copy_context().run(give_way)
    assert met == ["one"]
