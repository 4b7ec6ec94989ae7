"""The loops that a connection to a service may be on: asyncio's own, and the command line's.

A folder of tests that is to run on both imports ``pytest_asyncio_loop_factories`` into its
``conftest.py``. Tests of the window have Qt's loop, from ``pytest-qt`` and qasync.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.cli.run import new_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

__all__ = ["pytest_asyncio_loop_factories"]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each coroutine test once on either."""
    del config, item
    return {"asyncio": asyncio.new_event_loop, "command": new_loop}
