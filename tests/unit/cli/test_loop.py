"""The loop of a command: libuv's where there is one, else asyncio's own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from dalbrowser.cli.run import new_loop

if TYPE_CHECKING:
    import pytest


def test_a_command_has_the_loop_of_libuv() -> None:
    with contextlib.closing(new_loop()) as loop:
        assert type(loop).__module__.startswith("uvloop")


def test_where_there_is_none_asyncio_s_own_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with contextlib.closing(new_loop()) as loop:
        assert type(loop).__module__.startswith("asyncio")
        assert loop.run_until_complete(asyncio.sleep(0, "served")) == "served"
