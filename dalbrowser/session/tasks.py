"""The one place that starts tasks: every task has an owner, a name and maybe a group.

Invariants: a group holds at most one live task (a new one cancels its predecessor); no
failure is lost (each reaches every failure sink exactly once, cancellation is not a
failure); after ``aclose`` no task of the supervisor is left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class TaskSupervisor:
    """Starts, groups, watches and ends tasks on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: dict[asyncio.Task[object], tuple[str, str | None]] = {}
        self._groups: dict[str, asyncio.Task[object]] = {}
        self._awaited: set[asyncio.Task[object]] = set()
        self._sinks: list[Callable[[str, BaseException], None]] = []
        self._closed = False

    def spawn(
        self,
        coro: Coroutine[object, object, T],
        *,
        owner: str,
        name: str,
        group: str | None = None,
        awaited: bool = False,
    ) -> asyncio.Task[T]:
        """Start ``coro``; a task already in ``group`` is cancelled first.

        ``awaited`` says that a program that ends waits for it: what a person asked for is
        written down nowhere before it is over, and would be lost without a word.
        Raises ``RuntimeError`` after ``aclose``.
        """
        if self._closed:
            coro.close()
            raise RuntimeError(f"The task {owner}/{name} was started after the end.")
        if group is not None:
            self.cancel_group(group)
        task = self._loop.create_task(coro, name=f"{owner}/{name}")
        self._tasks[task] = (owner, group)
        if group is not None:
            self._groups[group] = task
        if awaited:
            self._awaited.add(task)
        task.add_done_callback(self._finished)
        return task

    def on_failure(self, sink: Callable[[str, BaseException], None]) -> Callable[[], None]:
        """Call ``sink(task name, error)`` for each failed task; returns how to stop that."""
        self._sinks.append(sink)
        return lambda: self._sinks.remove(sink)

    def cancel_group(self, group: str) -> None:
        """Cancel the live task of ``group``, if there is one."""
        task = self._groups.pop(group, None)
        if task is not None:
            task.cancel()

    def cancel_owner(self, owner: str) -> None:
        """Cancel every live task of ``owner``."""
        for task, (name, _) in list(self._tasks.items()):
            if name == owner:
                task.cancel()

    @property
    def live(self) -> tuple[str, ...]:
        """The names of the tasks that have not ended."""
        return tuple(task.get_name() for task in self._tasks)

    def are_awaited(self) -> bool:
        """Whether an awaited task is live."""
        return bool(self._awaited)

    async def ended(self) -> None:
        """Wait until the awaited tasks that are live now have ended, however they do."""
        if self._awaited:
            await asyncio.wait(list(self._awaited))

    async def aclose(self) -> None:
        """Cancel everything and wait until it has ended."""
        self._closed = True
        current = asyncio.current_task()
        waiting = [task for task in self._tasks if task is not current]
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    def _finished(self, task: asyncio.Task[object]) -> None:
        _, group = self._tasks.pop(task)
        self._awaited.discard(task)
        if group is not None and self._groups.get(group) is task:
            del self._groups[group]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        sinks = list(self._sinks)
        if not sinks:
            self._loop.call_exception_handler(
                {
                    "message": f"task {task.get_name()} failed and nobody listens",
                    "exception": error,
                }
            )
        for sink in sinks:
            sink(task.get_name(), error)
