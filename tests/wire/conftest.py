"""A server that records what left, an S3 service that talks to it, and the loops it may be on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.loops import pytest_asyncio_loop_factories
from tests.servers.lying import LyingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["pytest_asyncio_loop_factories", "recorder"]


@pytest.fixture
async def recorder() -> AsyncIterator[LyingServer]:
    """A server that answers every request with 200 and no body."""
    async with LyingServer() as server:
        yield server
