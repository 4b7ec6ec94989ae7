"""An engine over the memory service, and a local folder to transfer from and to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.rig import Rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over the memory service."""
    made = Rig(tmp_path)
    yield made
    await made.op.aclose()
