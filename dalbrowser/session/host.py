"""The transfer engine in a thread with an event loop of its own.

Why a thread: measured on this stack, the window's loop has gaps of up to 45 ms when
transfers run in it and of 8 ms when they run beside it. Invariant: engine and operators
are touched on the engine's loop only; events reach their listeners on the window's loop only.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dalbrowser.session import interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from dalbrowser.profiles import Location
    from dalbrowser.storage import Metadata
    from dalbrowser.transfer import (
        BatchView,
        ConflictPolicy,
        Event,
        JobEvent,
        JobView,
        StartReport,
        TransferEngine,
    )
    from dalbrowser.transfer.journal import JobRow

T = TypeVar("T")


class EngineFactory(Protocol):
    """Builds the engine on its own loop, and takes apart what was built beside it."""

    def build(self, notify: Callable[[Event], None]) -> TransferEngine: ...
    async def aclose(self) -> None: ...


class TransferHost:
    """Runs one ``TransferEngine`` beside the window and mirrors its calls.

    ``report`` is what ``start`` found (interrupted jobs, a note about the journal); it is
    ``None`` before, and after a start that failed.
    """

    def __init__(self, factory: EngineFactory, loop: asyncio.AbstractEventLoop) -> None:
        self._factory = factory
        self._window_loop = loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine: TransferEngine | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._stopped = False
        self._starting = asyncio.Lock()
        self._answers: set[concurrent.futures.Future[Any]] = set()
        self._listeners: list[Callable[[Event], None]] = []
        self._start_listeners: list[Callable[[StartReport], None]] = []
        self.report: StartReport | None = None

    async def start(self) -> StartReport:
        """Start thread and engine; raises what the engine's own start raises.

        A start while another is under way waits for it; one that runs is left as it is.
        """
        async with self._starting:
            if self._thread is not None and self.report is not None:
                return self.report
            await self.close()  # What a start that was given up has left.
            return await self._start()

    async def _start(self) -> StartReport:
        self._stopped, self.report = False, None
        self._loop = self._stop = None
        started: asyncio.Future[StartReport] = self._window_loop.create_future()
        self._thread = threading.Thread(
            target=self._live, args=(started,), name="transfers", daemon=True
        )
        self._thread.start()
        try:
            self.report = await started
        except Exception:
            await self._join()
            raise
        for listener in list(self._start_listeners):
            listener(self.report)
        return self.report

    def on_started(self, listener: Callable[[StartReport], None]) -> None:
        """Call ``listener`` with the report of every start from now on."""
        self._start_listeners.append(listener)

    def on_event(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` on the window's loop for every event; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def running(self) -> bool:
        """Whether the engine takes work."""
        return self._engine is not None

    async def close(self) -> None:
        """Put the work down so that it can be resumed, and end the thread."""
        if self._thread is None:
            return
        # The thread looks at this once it can be told, and is told once it has looked.
        self._stopped = True
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        await self._join()

    async def _join(self) -> None:
        """Wait for the thread's own end, which leaves nothing to close."""
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        for answer in list(self._answers):
            answer.cancel()

    async def upload(
        self, paths: Sequence[Path], target: Location, policy: ConflictPolicy | None = None
    ) -> list[int]:
        """See ``TransferEngine.upload``."""
        if policy is None:
            return await self._run(lambda engine: engine.upload(paths, target))
        return await self._run(lambda engine: engine.upload(paths, target, policy))

    async def adopt(self, path: Path, target: Location, upload_id: str) -> int:
        """See ``TransferEngine.adopt``."""
        return await self._run(lambda engine: engine.adopt(path, target, upload_id))

    async def download(
        self,
        items: Sequence[tuple[Location, Metadata | None]],
        folder: Path,
        policy: ConflictPolicy | None = None,
    ) -> list[int]:
        """See ``TransferEngine.download``."""
        if policy is None:
            return await self._run(lambda engine: engine.download(items, folder))
        return await self._run(lambda engine: engine.download(items, folder, policy))

    async def copy(
        self,
        items: Sequence[Location],
        target: Location,
        policy: ConflictPolicy | None = None,
        *,
        move: bool = False,
        names: Mapping[Location, str] | None = None,
    ) -> list[int]:
        """See ``TransferEngine.copy``."""
        asked = {} if policy is None else {"policy": policy}
        return await self._run(
            lambda engine: engine.copy(items, target, move=move, names=names, **asked)
        )

    async def pause(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.pause``."""
        await self._run(lambda engine: engine.pause(ids))

    async def resume(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.resume``."""
        await self._run(lambda engine: engine.resume(ids))

    async def cancel(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.cancel``."""
        await self._run(lambda engine: engine.cancel(ids))

    async def retry(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.retry``."""
        await self._run(lambda engine: engine.retry(ids))

    async def run_now(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.run_now``."""
        await self._run(lambda engine: engine.run_now(ids))

    async def move_up(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.move_up``."""
        await self._run(lambda engine: engine.move_up(ids))

    async def move_down(self, ids: Sequence[int]) -> None:
        """See ``TransferEngine.move_down``."""
        await self._run(lambda engine: engine.move_down(ids))

    async def set_rate_limits(self, up: int | None, down: int | None) -> None:
        """See ``TransferEngine.set_rate_limits``."""
        await self._run(lambda engine: engine.set_rate_limits(up, down))

    async def answer(self, job_id: int, policy: ConflictPolicy, *, for_batch: bool = False) -> None:
        """See ``TransferEngine.answer``."""
        await self._run(lambda engine: engine.answer(job_id, policy, for_batch=for_batch))

    async def jobs(self) -> list[JobView]:
        """See ``TransferEngine.jobs``."""

        async def views(engine: TransferEngine) -> list[JobView]:
            return engine.jobs()

        return await self._run(views)

    async def tell_all(self) -> None:
        """See ``TransferEngine.tell_all``."""
        await self._run(lambda engine: engine.tell_all())

    async def batches(self, before: int) -> tuple[tuple[BatchView, ...], int | None]:
        """See ``TransferEngine.batches``."""
        return await self._run(lambda engine: engine.batches(before))

    async def files(self, node: int, after: int = 0) -> tuple[list[JobView], bool]:
        """See ``TransferEngine.files``."""
        return await self._run(lambda engine: engine.files(node, after))

    async def log(self, job_id: int) -> list[JobEvent]:
        """See ``TransferEngine.log``."""
        return await self._run(lambda engine: engine.log(job_id))

    async def moved(self, batch: int) -> list[JobRow]:
        """See ``TransferEngine.moved``."""
        return await self._run(lambda engine: engine.moved(batch))

    async def clear_completed(self) -> None:
        """See ``TransferEngine.clear_completed``."""
        await self._run(lambda engine: engine.clear_completed())

    async def wait(self, ids: Sequence[int]) -> list[JobView]:
        """See ``TransferEngine.wait``."""
        return await self._run(lambda engine: engine.wait(ids))

    async def _run(self, call: Callable[[TransferEngine], Coroutine[object, object, T]]) -> T:
        if self._engine is None and self._starting.locked():
            # A file dropped on a window that has just opened waits for the engine.
            async with self._starting:
                pass
        engine, loop = self._engine, self._loop
        if engine is None or loop is None:
            raise RuntimeError(
                "Transfers do not run in this window, so nothing was queued. The transfers panel"
                " says why, and can try again."
            )
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        loop.call_soon_threadsafe(_begin, answer, lambda: call(engine))
        return await asyncio.wrap_future(answer)

    def _live(self, started: asyncio.Future[StartReport]) -> None:
        with asyncio.Runner(loop_factory=interpreter.polite_loop) as runner:
            runner.run(self._main(started))

    async def _main(self, started: asyncio.Future[StartReport]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        if self._stopped:
            self._stop.set()
        engine: TransferEngine | None = None
        try:
            engine = self._factory.build(self._notify)
            report = await engine.start()
        except BaseException as error:
            await self._factory.aclose()
            self._window_loop.call_soon_threadsafe(_fail, started, error)
            return
        self._engine = engine
        self._window_loop.call_soon_threadsafe(_succeed, started, report)
        try:
            await self._stop.wait()
        finally:
            self._engine = None
            await engine.close()
            await self._factory.aclose()

    def _notify(self, event: Event) -> None:
        if not self._window_loop.is_closed():
            self._window_loop.call_soon_threadsafe(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        with interpreter.undisturbed():
            for listener in list(self._listeners):
                listener(event)


def _begin(
    answer: concurrent.futures.Future[T], call: Callable[[], Coroutine[object, object, T]]
) -> None:
    """Begin a call on the engine's own loop; one that the loop's end overtakes is never begun."""
    if answer.cancelled():
        return
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(call())

    def pass_on(done: asyncio.Future[T]) -> None:
        if done.cancelled():
            answer.cancel()
            return
        error = done.exception()
        # Whoever asked may have left in this very moment.
        with contextlib.suppress(concurrent.futures.InvalidStateError):
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(done.result())

    def leave(_answer: object) -> None:
        if answer.cancelled() and not task.done():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

    task.add_done_callback(pass_on)
    answer.add_done_callback(leave)


def _succeed(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
