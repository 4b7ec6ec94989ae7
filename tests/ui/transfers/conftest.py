"""The panel alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.ui.transfers.panel import TransferPanel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ui.stage import Stage


@pytest.fixture
def panel(stage: Stage) -> Iterator[TransferPanel]:
    """The panel alone, over the session of the stage."""
    panel = TransferPanel(stage.session)
    panel.resize(1100, 300)
    panel.show()
    yield panel
    panel.close()
    panel.deleteLater()
