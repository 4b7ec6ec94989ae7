"""A server that records what left, and an S3 service that talks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def recorder() -> AsyncIterator[LyingServer]:
    """A server that answers every request with 200 and no body."""
    async with LyingServer() as server:
        yield server
