"""The benchmarks' arithmetic: turns alternate, medians count, ratios are to the best peer."""

from __future__ import annotations

import asyncio

from tests.perf.libraries import _in_turns
from tests.perf.page_server import PAGE, page
from tests.perf.table import Row, render, take_turns


def test_each_round_is_begun_by_another() -> None:
    order: list[str] = []

    def run(name: str) -> dict[str, float]:
        order.append(name)
        return {"seconds": 1.0, "peak": 0.0}

    rows = take_turns(["a", "b", "c"], 3, run, lambda _text: None)
    assert "".join(order) == "abcbcacab"
    assert [len(row.seconds) for row in rows] == [3, 3, 3]


def test_one_that_fails_is_left_out_and_its_row_says_why() -> None:
    calls: list[str] = []

    def run(name: str) -> dict[str, float]:
        calls.append(name)
        if name == "b":
            raise SystemExit("moved 1 of 2")
        return {"seconds": 2.0, "peak": 0.0}

    rows = take_turns(["a", "b"], 5, run, lambda _text: None)
    assert calls.count("b") == 1
    assert calls.count("a") == 5
    assert "| b | failed: moved 1 of 2 |" in render("x", rows, 1, "MB/s")


def test_ratios_are_of_medians_to_the_fastest_peer_not_to_ourselves() -> None:
    ours = Row("dal", [1.0, 9.0, 2.0])
    rows = [Row("slow", [8.0]), ours, Row("fast", [4.0])]
    lines = render("x", rows, 8, "MB/s").splitlines()[4:]
    assert lines == [
        "| dal | 2.00 | 1.00–9.00 | 4 | 2.00 | – |",
        "| fast | 4.00 | 4.00–4.00 | 2 | 1.00 | – |",
        "| slow | 8.00 | 8.00–8.00 | 1 | 0.50 | – |",
    ]


async def test_a_sum_over_tasks_loses_nothing() -> None:
    async def one(number: int) -> int:
        await asyncio.sleep(0)
        return number

    assert await _in_turns((one(number) for number in range(100)), 8) == 4950


def test_pages_hold_every_key_once() -> None:
    count = 2 * PAGE + 5
    pages = [page(first, count, "p/") for first in range(0, count, PAGE)]
    assert [text.count(b"<Key>") for text in pages] == [PAGE, PAGE, 5]
    assert [b"<NextContinuationToken>" in text for text in pages] == [True, True, False]
