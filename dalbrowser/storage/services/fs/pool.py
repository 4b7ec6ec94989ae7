"""The service's own threads: every blocking call runs here, none on the loop.

Invariant: an ``OSError`` leaves as a ``StorageError``. Own threads, so that a network mount
that hangs does not starve the rest of the program.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.fs.faults import storage_error

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8


class Pool:
    """Threads that start with the first call."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dalbrowser-fs")
        self._closed = False

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``call`` in a thread. Cancelling stops the wait, not a call that has begun."""
        future = self._submit(functools.partial(call, *args, **kwargs))
        try:
            return await asyncio.wrap_future(future)
        except OSError as error:
            raise storage_error(error) from error

    async def acquire(self, undo: Callable[[T], None], call: Callable[[], T]) -> T:
        """Run ``call``, which opens something; ``undo`` gives it back on cancelling."""
        future = self._submit(call)

        def give_back(done: Future[T]) -> None:
            if not done.cancelled() and done.exception() is None:
                undo(done.result())

        try:
            return await asyncio.wrap_future(future)
        except OSError as error:
            raise storage_error(error) from error
        except asyncio.CancelledError:
            future.add_done_callback(give_back)
            raise

    async def release(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run ``call``, which gives something back: also where the caller is cancelled meanwhile.

        A cancelled ``run`` that still waits for a thread is never made, and what it was to close
        would stay open.
        """
        if self._closed:
            call(*args, **kwargs)
            return
        future = self._submit(functools.partial(call, *args, **kwargs))
        try:
            await asyncio.shield(asyncio.wrap_future(future))
        except OSError as error:
            raise storage_error(error) from error

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        if self._closed:
            raise StorageError(
                ErrorKind.INVALID_INPUT, "The connection was closed; open it again to go on."
            )
        return self._threads.submit(call)

    def close(self) -> None:
        """Take no more calls; those that run end by themselves."""
        self._closed = True
        self._threads.shutdown(wait=False)
