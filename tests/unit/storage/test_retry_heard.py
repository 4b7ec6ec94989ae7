"""Who hears of retries, and what is never repeated: a piece of work, not an operator, decides."""

from __future__ import annotations

import asyncio

from dalbrowser.storage import (
    ChaosLayer,
    Operator,
    Retried,
    RetryBudget,
    RetryLayer,
    StorageError,
    hear_retries,
    tried_once,
)


async def no_wait(_: float, /) -> None:
    await asyncio.sleep(0)


def shaky() -> Operator:
    """An operator of whose calls half fail for the moment."""
    layer = RetryLayer(attempts=40, sleep=no_wait, budget=RetryBudget(capacity=10_000))
    return Operator("memory").layer(ChaosLayer(ratio=0.5, seed=3)).layer(layer)


async def test_each_piece_of_work_hears_of_its_own_and_of_the_tasks_it_begins() -> None:
    op = shaky()
    heard: dict[str, list[Retried]] = {"a": [], "b": []}

    async def work(name: str) -> None:
        hear_retries(heard[name].append)
        await asyncio.gather(*(op.write(f"{name}{n}", b"x") for n in range(10)))

    await asyncio.gather(work("a"), work("b"))
    for name, retries in heard.items():
        assert retries
        assert all(retried.path.startswith(name) for retried in retries)
    before = sum(map(len, heard.values()))
    for n in range(10):
        await op.write(f"c{n}", b"x")
    assert sum(map(len, heard.values())) == before


async def test_what_is_tried_once_fails_as_it_was_and_stays_temporary() -> None:
    op = shaky()
    failures: list[StorageError] = []
    for n in range(20):
        try:
            with tried_once():
                await op.create_multipart(f"m{n}")
        except StorageError as error:
            failures.append(error)
    assert 3 < len(failures) < 17
    assert all(error.is_temporary for error in failures)
    assert not any("attempts" in error.context for error in failures)
    # Outside of it the layer works again.
    for n in range(20):
        await op.create_multipart(f"after{n}")
