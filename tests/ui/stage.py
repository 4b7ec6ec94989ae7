"""A real session in a throwaway home, and Qt's loop to run a story on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from qasync import QEventLoop

from dalbrowser.app.wiring import build_session
from dalbrowser.profiles import Location, Profile
from dalbrowser.settings import Folders

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from dalbrowser.session import Session

T = TypeVar("T")

PATIENCE = 20.0


class Stage:
    """A session with one connection, ``files``, to a folder of this test's own."""

    def __init__(self, session: Session, loop: QEventLoop, files: Path) -> None:
        self.session = session
        self.loop = loop
        self.files = files
        self.failures: list[BaseException] = []
        session.tasks.on_failure(lambda _name, error: self.failures.append(error))
        session.profiles.save(Profile("files", "files", "fs", {"root": str(files)}))

    def run(self, story: Awaitable[T]) -> T:
        """Run a coroutine on Qt's loop to its end; a failed task of the session fails it."""
        result: T = self.loop.run_until_complete(asyncio.wait_for(story, 60))
        if self.failures:
            raise AssertionError(f"a task failed: {self.failures}") from self.failures[0]
        return result

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something to become true as events come in."""
        deadline = self.loop.time() + PATIENCE
        while not condition():
            assert self.loop.time() < deadline, f"still waiting for {what}"
            await asyncio.sleep(0.01)

    def put(self, name: str, data: bytes) -> Location:
        """Put a file into the connection's folder and return where it is."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Location("files", "", name)


@contextlib.contextmanager
def set_stage(application: QApplication, base: Path) -> Iterator[Stage]:
    """Build a stage, and take it down again with everything that it started."""
    loop = QEventLoop(application)
    # As in the program: threads of Python's own, not qasync's.
    workers = ThreadPoolExecutor(4, thread_name_prefix="work")
    loop.set_default_executor(workers)
    asyncio.set_event_loop(loop)
    files = base / "files"
    files.mkdir(exist_ok=True)
    session = build_session(loop, Folders.under(base / "home"))
    stage = Stage(session, loop, files)
    try:
        try:
            yield stage
        finally:
            # Also when the story fails: a thread left behind would fail the tests after it.
            loop.run_until_complete(session.aclose())
    finally:
        # Offscreen, Qt keeps it until after Python has ended, and then crashes over it.
        application.clipboard().clear()
        workers.shutdown()
        loop.close()
        asyncio.set_event_loop(None)
        del loop, session, stage
        gc.collect()
