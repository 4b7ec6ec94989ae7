"""The transfers' loop waits for the window's turns, and for no longer than it has patience."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from dalbrowser.session import interpreter
from dalbrowser.session.interpreter import polite_loop, undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOON = 0.2
"""Seconds in which a loop that does not wait has had a great many turns."""


class _Beside:
    """A loop in a thread of its own, and what it ran."""

    def __init__(self) -> None:
        self.loop = polite_loop()
        self.ran = threading.Event()
        self._thread = threading.Thread(target=self.loop.run_forever, name="beside")
        self._thread.start()

    def ask(self) -> None:
        """Have something run."""
        self.ran.clear()
        self.loop.call_soon_threadsafe(self.ran.set)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def beside() -> Iterator[_Beside]:
    made = _Beside()
    yield made
    made.end()


def test_the_loop_beside_waits_for_the_windows_turn(
    beside: _Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "_PATIENCE", 30.0)
    with undisturbed(), undisturbed():
        beside.ask()
        assert not beside.ran.wait(_SOON)
    assert beside.ran.wait(10)


def test_the_loop_beside_stops_between_two_things_that_were_ready(
    beside: _Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "_PATIENCE", 30.0)
    first, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        first.set()
        go_on.wait(10)

    def both() -> None:
        beside.loop.call_soon(hold)
        beside.loop.call_soon(beside.ran.set)

    beside.loop.call_soon_threadsafe(both)
    assert first.wait(10)
    with undisturbed():
        go_on.set()
        assert not beside.ran.wait(_SOON)
    assert beside.ran.wait(10)


def test_a_turn_that_does_not_end_stops_nothing(beside: _Beside) -> None:
    with undisturbed():
        beside.ask()
        assert beside.ran.wait(10)


def test_a_turn_that_fails_is_over(beside: _Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "_PATIENCE", 30.0)
    with pytest.raises(LookupError), undisturbed():
        raise LookupError
    beside.ask()
    assert beside.ran.wait(10)
