"""What every test shares: the real servers, and a check that no task is left running."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
from typing import TYPE_CHECKING

import pytest

from dalbrowser.app.collector import collect_what_is_due

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

# Before any test makes a QApplication: windows are drawn without a display.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# And before any asks for a keyring: none is found by itself, least of all a person's own.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# A run in the background ignores SIGINT, and so would the programs that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As in the program, cyclic garbage goes in the main thread alone: a timer of Qt's that is
# destroyed in another goes off all the same, and its widget is no more.
gc.disable()

pytest_plugins = ["tests.servers.plugin", "pytester"]

_TURNS_TO_END = 20


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """Collect the garbage of a test in the main thread, when there is much of it."""
    yield
    collect_what_is_due()


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest) -> None:
    """Fail a coroutine test that leaves asyncio tasks running when it ends."""
    function = getattr(request, "function", None)
    if function is not None and inspect.iscoroutinefunction(inspect.unwrap(function)):
        request.getfixturevalue("watch_tasks")


@pytest.fixture
async def watch_tasks() -> AsyncIterator[None]:
    """Compare the loop's tasks after the test with none at all, but the test's own."""
    before = asyncio.all_tasks()
    yield
    for _ in range(_TURNS_TO_END):
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    names = ", ".join(f"{task.get_name()} ({task.get_coro()!r})" for task in left)
    pytest.fail(f"tasks left running: {names}", pytrace=False)
