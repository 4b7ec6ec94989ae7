"""What the tests of the transfers panel do with it: press, select, read its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from dalbrowser.profiles import Location

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.transfer import JobState, JobView
    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage

MIB = 1024 * 1024
INBOX = Location("files", "", "inbox/")


def press(panel: QWidget, name: str) -> None:
    button = panel.findChild(QPushButton, name)
    assert isinstance(button, QPushButton)
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def sources(base: Path, count: int, size: int) -> list[Path]:
    folder = base / "local"
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.bin" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number % 256]) * size)
    return paths


def rows(panel: TransferPanel) -> list[JobView]:
    return [panel.model.job_at(row) for row in range(panel.model.rowCount())]


def states(panel: TransferPanel) -> list[JobState]:
    """The states of the jobs, without the rows that sum several up."""
    return [view.state for view in rows(panel) if view.id > 0]


def select(panel: TransferPanel, name: str) -> JobView:
    """Select the row of that name."""
    row, view = next((row, view) for row, view in enumerate(rows(panel)) if view.name == name)
    panel.view.selectRow(row)
    return view


async def all_in(stage: Stage, panel: TransferPanel, state: JobState, count: int) -> None:
    await stage.until(lambda: states(panel) == [state] * count, f"{count} × {state.word}")
