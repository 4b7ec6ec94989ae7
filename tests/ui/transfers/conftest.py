"""A real session for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
