"""Cyclic garbage goes in the window's thread, whoever makes it."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import pytest

from dalbrowser.app.collector import Due, collect_what_is_due, collected_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot


class Knot:
    """A cycle that says which thread untied it."""

    untied: list[str]

    def __init__(self, untied: list[str]) -> None:
        self.me = self
        self.untied = untied

    def __del__(self) -> None:
        self.untied.append(threading.current_thread().name)


def _make_knots(untied: list[str], count: int) -> None:
    for _ in range(count):
        Knot(untied)


@pytest.fixture(params=[True, False])
def enabled(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether CPython collects by itself before the guard."""
    before = gc.isenabled()
    switch = {True: gc.enable, False: gc.disable}
    switch[request.param]()
    yield request.param
    switch[before]()


def test_garbage_of_another_thread_is_collected_in_this_one(
    enabled: bool, qapp: QApplication, qtbot: QtBot
) -> None:
    untied: list[str] = []
    with collected_here():
        other = threading.Thread(target=_make_knots, args=(untied, 5000), name="other")
        other.start()
        other.join()
        assert untied == []
        qtbot.waitUntil(lambda: len(untied) == 5000, timeout=5000)
    assert set(untied) == {threading.current_thread().name}
    assert gc.isenabled() is enabled


def test_nothing_is_collected_before_it_is_due(qapp: QApplication) -> None:
    untied: list[str] = []
    with collected_here():
        _make_knots(untied, 10)
        collect_what_is_due()
        assert untied == []
    gc.collect()
    assert len(untied) == 10


def _looks(due: Due, *counts: tuple[int, int, int]) -> list[int | None]:
    return [due.generation(one) for one in counts]


def test_garbage_waits_for_the_third_look_at_which_nothing_is_going_on() -> None:
    due = Due()
    # The first is a change from nothing.
    assert _looks(due, *[(5000, 0, 0)] * 4) == [None, None, None, 0]
    assert _looks(due, *[(100, 1, 0)] * 4) == [None] * 4
    assert _looks(due, *[(5000, 11, 0)] * 4) == [None, None, None, 1]
    assert _looks(due, *[(5000, 0, 11)] * 4) == [None, None, None, 2]


def test_while_much_is_going_on_the_young_wait_for_five_seconds() -> None:
    due = Due()
    busy = [(5000 if look % 2 else 9000, 11, 11) for look in range(75)]
    assert _looks(due, *busy) == ([None] * 24 + [0]) * 3


def test_while_much_is_going_on_the_old_wait_ten_times_as_long() -> None:
    due = Due()
    busy = [(5000 if look % 2 else 9000, 11, 101) for look in range(25)]
    assert _looks(due, *busy) == [None] * 24 + [2]
    busy = [(5000 if look % 2 else 9000, 101, 11) for look in range(25)]
    assert _looks(due, *busy) == [None] * 24 + [1]
