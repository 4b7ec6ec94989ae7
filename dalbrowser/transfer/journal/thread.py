"""The journal's one writer thread: every statement runs in it, in order, in group commits.

Invariant: what was submitted runs, also when the task that awaits it is cancelled; its
answer is given only after the commit that holds it has reached the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from dalbrowser.transfer.model import TransferError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LAG = 0.1
"""Seconds that a posted statement may wait for company before it is committed."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

MOST = 2000
"""Statements of one commit, so that nobody waits long for an answer."""


@record(frozen=False)
class _Item:
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop | None = None
    answer: asyncio.Future[Any] | None = None
    soon: bool = False


class JournalThread:
    """Runs functions of the connection in one thread.

    ``opener`` runs there first, and ``closed`` last, once the connection is closed.
    """

    def __init__(
        self, opener: Callable[[], sqlite3.Connection], closed: Callable[[], None]
    ) -> None:
        self._opener = opener
        self._when_closed = closed
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="transfer-journal", daemon=True)
        self._opened = threading.Event()
        self._failure: BaseException | None = None
        self._closed = False
        self.commits = 0
        self.damaged = False
        """Whether something that was read or written met a damaged file."""

    async def start(self) -> None:
        """Start the thread and open the connection in it; raises what the opening raised."""
        self._thread.start()
        await asyncio.to_thread(self._opened.wait)
        if self._failure is not None:
            raise self._failure

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction and return its result once that is committed.

        Raises ``TransferError`` after the end: nobody would ever answer.
        """
        if self._closed:
            message = "The program is ending; go on when it runs again."
            raise TransferError(message)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Item(work, loop, answer))
        return await answer

    def post(self, work: Callable[[sqlite3.Connection], object], *, soon: bool = False) -> None:
        """Run ``work`` in order, with nobody waiting for it.

        It waits up to ``LAG`` for company; with ``soon`` not, for it is a group already.
        """
        self._queue.put(_Item(work, soon=soon))

    async def close(self) -> None:
        """Commit what was submitted, close the connection, end the thread."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            connection = self._opener()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._opened.set()
        try:
            while self._turn(connection):
                pass
        finally:
            connection.close()
            self._when_closed()

    def _turn(self, connection: sqlite3.Connection) -> bool:
        """Gather one group and commit it; false once the end was asked for."""
        group: list[_Item] = []
        due: float | None = None
        going = True
        while len(group) < MOST:
            wait = None if due is None else max(0.0, due - time.monotonic())
            try:
                item = self._queue.get(timeout=wait)
            except queue.Empty:
                break
            if item is None:
                going = False
                break
            group.append(item)
            # Somebody waits: take only what is there already.
            if item.answer is not None or item.soon:
                due = 0.0
            elif due is None:
                due = time.monotonic() + LAG
        if group:
            self._commit(connection, group)
        return going

    def _commit(self, connection: sqlite3.Connection, group: list[_Item]) -> None:
        outcomes: list[tuple[_Item, Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for item in group:
                outcomes.append((item, *self._attempt(connection, item)))
            connection.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            failure = self._sentence(error)
            outcomes = [(item, None, failure) for item in group]
        for item, result, trouble in outcomes:
            _deliver(item, result, trouble)

    def _attempt(
        self, connection: sqlite3.Connection, item: _Item
    ) -> tuple[Any, BaseException | None]:
        connection.execute("SAVEPOINT one")
        try:
            result = item.work(connection)
        except Exception as error:
            # Known before the next statements: they may fail for the same reason.
            trouble = self._sentence(error) if isinstance(error, sqlite3.Error) else error
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            return None, trouble
        connection.execute("RELEASE one")
        return result, None

    def _sentence(self, error: sqlite3.Error) -> TransferError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            self.damaged = True
            trouble = TransferError(
                f"The list of transfers is damaged ({error}). Start the program again: it looks"
                " through the list then, sets it aside, and begins a new one."
            )
        else:
            trouble = TransferError(
                f"The list of transfers could not be written ({error}); check that its folder has"
                " free space and can be written to. Nothing was counted as done that is not."
            )
        trouble.__cause__ = error
        return trouble


def _deliver(item: _Item, result: Any, trouble: BaseException | None) -> None:
    answer = item.answer
    if answer is None or item.loop is None:
        return

    def settle() -> None:
        if answer.done():
            return
        if trouble is not None:
            answer.set_exception(trouble)
        else:
            answer.set_result(result)

    # The loop is gone when a program ends in the middle; the commit has been made.
    with contextlib.suppress(RuntimeError):
        item.loop.call_soon_threadsafe(settle)
