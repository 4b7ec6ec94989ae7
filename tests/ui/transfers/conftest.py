"""A real session for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.ui.transfers.panel import TransferPanel
from tests.ui.stage import Stage, set_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PySide6.QtWidgets import QApplication


@pytest.fixture
def stage(qapp: QApplication, tmp_path: Path) -> Iterator[Stage]:
    """A session in a throwaway home."""
    with set_stage(qapp, tmp_path) as made:
        yield made


@pytest.fixture
def panel(stage: Stage) -> Iterator[TransferPanel]:
    """The panel alone, over the session of the stage."""
    panel = TransferPanel(stage.session)
    panel.resize(1100, 300)
    panel.show()
    yield panel
    panel.close()
    panel.deleteLater()
