"""While the window draws, and while it takes in what the engine tells, the engine's loop waits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QWidget

from dalbrowser.session import interpreter
from dalbrowser.transfer import JobsRemoved

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

_SOON = 0.2
"""Seconds in which a loop that does not wait has had a great many turns."""


class _Asker:
    """Asks the engine's loop for a sign, and notes whether it came at once."""

    def __init__(self, stage: Stage) -> None:
        loop = stage.session.transfers._loop
        assert loop is not None
        self._loop = loop
        self.sign = threading.Event()
        self.came_at_once: list[bool] = []

    def ask(self) -> None:
        self._loop.call_soon_threadsafe(self.sign.set)
        self.came_at_once.append(self.sign.wait(_SOON))


class _Painted(QWidget):
    """Asks when it is drawn first."""

    def __init__(self, asker: _Asker, parent: QWidget) -> None:
        super().__init__(parent)
        self._asker = asker

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._asker.came_at_once:
            self._asker.ask()


@pytest.fixture
def asker(stage: Stage, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> _Asker:
    monkeypatch.setattr(interpreter, "_PATIENCE", 30.0)
    return _Asker(stage)


def test_the_engine_waits_while_the_window_draws(
    stage: Stage, window: MainWindow, asker: _Asker
) -> None:
    async def story() -> None:
        painted = _Painted(asker, window)
        painted.resize(10, 10)
        painted.show()
        await stage.until(lambda: asker.came_at_once != [], "the drawing")
        assert asker.came_at_once == [False]
        await stage.until(asker.sign.is_set, "the engine")
        painted.deleteLater()

    stage.run(story())


def test_the_engine_waits_while_the_window_takes_in_what_it_tells(
    stage: Stage, window: MainWindow, asker: _Asker
) -> None:
    async def story() -> None:
        stop = stage.session.transfers.on_event(lambda _event: asker.ask())
        stage.session.transfers._notify(JobsRemoved(()))
        await stage.until(lambda: asker.came_at_once != [], "the news")
        stop()
        assert asker.came_at_once[0] is False
        await stage.until(asker.sign.is_set, "the engine")

    stage.run(story())


def test_the_engine_waits_while_the_table_takes_in_what_changed(
    stage: Stage, window: MainWindow, asker: _Asker
) -> None:
    async def story() -> None:
        model = window.panels.transfers.model
        model.changed.connect(asker.ask)
        model.take(JobsRemoved((1,)))
        await stage.until(lambda: asker.came_at_once != [], "the table")
        model.changed.disconnect(asker.ask)
        assert asker.came_at_once[0] is False
        await stage.until(asker.sign.is_set, "the engine")

    stage.run(story())
