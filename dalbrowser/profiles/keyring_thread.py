"""The one thread that talks to the OS keyring.

Invariant: calls run one at a time, in the order they were submitted (a D-Bus connection is
not made for several threads), and never keep the program from ending: the thread is a
daemon. Nothing here waits; the caller decides for how long.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

    _Call = tuple[Callable[[KeyringBackend], Any], Future[Any]]
    _Calls = queue.SimpleQueue[_Call | None]

_UNTRUSTED = ("keyring.backends.fail.", "keyring.backends.null.", "keyrings.alt.")


class NoKeyring(Exception):
    """There is no keyring that keeps a secret secret; the text says why."""


class KeyringThread:
    """Runs calls against the keyring's backend, found in that thread at the first call."""

    def __init__(self, find_backend: Callable[[], KeyringBackend] | None = None) -> None:
        self._find_backend = find_backend or _system_backend
        self._calls: _Calls = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, call: Callable[[KeyringBackend], Any]) -> Future[Any]:
        """Queue ``call(backend)``; its future cannot be cancelled by a waiter that gives up."""
        future: Future[Any] = Future()
        # Running from the start: cancelling one waiter's wrapper must not cancel the call.
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(self._calls,), name="keyring", daemon=True
                )
                self._thread.start()
            self._calls.put((call, future))
        return future

    def close(self) -> None:
        """Let the thread end after what was submitted so far; another call begins one anew."""
        with self._lock:
            if self._thread is not None:
                self._calls.put(None)
                self._thread, self._calls = None, queue.SimpleQueue()

    def _run(self, calls: _Calls) -> None:
        while (wanted := calls.get()) is not None:
            call, future = wanted
            try:
                result = call(acceptable(self._find_backend()))
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            # A secret must not stay referenced while the thread waits for its next call.
            del call, future, wanted
            result = None


def acceptable(backend: KeyringBackend) -> KeyringBackend:
    """Return the backend to use, the first good one of a chain; raises ``NoKeyring``.

    The null and fail backends keep nothing, and those of ``keyrings.alt`` write files that
    are plain or protected by a password typed on the terminal: none counts as a keyring.
    """
    candidates = list(getattr(backend, "backends", ())) or [backend]
    for candidate in candidates:
        kind = type(candidate)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if not name.startswith(_UNTRUSTED) and "plaintext" not in name.lower():
            chosen: KeyringBackend = candidate
            return chosen
    raise NoKeyring(type(candidates[0]).__module__)


def _system_backend() -> KeyringBackend:
    # Imported here, in the thread: finding the backends already talks to D-Bus.
    import keyring  # noqa: PLC0415

    return keyring.get_keyring()
