"""An engine over the memory service, and a local folder to transfer from and to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.rig import Rig
from tests.unit.transfer.relayed import relayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.s3_server import S3Server
    from tests.unit.transfer.relayed import Place


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig over the memory service."""
    made = Rig(tmp_path)
    yield made
    await made.op.aclose()


@pytest.fixture
async def place(tmp_path: Path, moto_s3: S3Server, moto_bucket: str) -> AsyncIterator[Place]:
    """A rig over moto, with a relay between the two."""
    async with relayed(tmp_path, moto_s3, moto_bucket) as made:
        yield made
