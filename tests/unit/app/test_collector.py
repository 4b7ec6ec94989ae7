"""Cyclic garbage goes in the window's thread, whoever makes it."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import pytest

from dalbrowser.app.collector import collect_what_is_due, collected_here

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
