"""The secrets of connections: in the OS keyring, or for this session only and saying so.

Invariant: a secret is written nowhere but to the keyring, and appears in no ``repr``,
message or log. The keyring can block for as long as a dialog is open, so whoever waits for
it waits to a deadline. Works from any number of threads and event loops at once.
"""

from __future__ import annotations

import asyncio
import json
import threading
from enum import Enum
from typing import TYPE_CHECKING, Any

from dalbrowser.profiles.keyring_thread import KeyringThread, NoKeyring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from keyring.backend import KeyringBackend

SERVICE = "dalbrowser"
"""The service name of every keyring item; its user name is the connection's id."""

_SESSION = "Secrets are kept for this session only and must be typed again next time"


class SecretsKept(Enum):
    """Where secrets are."""

    KEYRING = "keyring"
    SESSION_ONLY = "session only"


class SecretStore:
    """Secrets by connection id, each read from the keyring once and then from memory.

    ``deadline`` is how long, in seconds, one call may wait for the keyring.
    ``problem`` is a sentence while the keyring is not used, else ``None``. Once it has
    failed it is left alone (no second prompt) until ``set`` or ``try_again``. What could not
    be written meanwhile is written as soon as either finds that it works again.
    """

    def __init__(
        self,
        *,
        deadline: float = 30.0,
        find_backend: Callable[[], KeyringBackend] | None = None,
    ) -> None:
        self._deadline = deadline
        self._thread = KeyringThread(find_backend)
        self._lock = threading.RLock()
        self._known: dict[str, dict[str, str]] = {}
        self._changes: dict[str, int] = {}
        self._reading: dict[str, Future[Any]] = {}
        self._late: Future[Any] | None = None
        self._owed: set[str] = set()
        self._partial: set[str] = set()
        self._problem: str | None = None

    def __repr__(self) -> str:
        return f"SecretStore({self.state.value})"

    @property
    def problem(self) -> str | None:
        """Why the keyring is not used, and what to do; ``None`` while it works."""
        return self._problem

    @property
    def state(self) -> SecretsKept:
        """Where a secret set now would be kept, as far as is known."""
        return SecretsKept.SESSION_ONLY if self._problem else SecretsKept.KEYRING

    async def get(self, profile_id: str) -> dict[str, str]:
        """Return the secrets of one connection; empty when none are known."""
        with self._lock:
            known = self._known.get(profile_id)
            if known is not None:
                return dict(known)
            if self._problem is not None:
                return {}
            reading = self._reading.get(profile_id)
            if reading is None:
                reading = self._thread.submit(lambda backend: self._read(backend, profile_id))
                self._reading[profile_id] = reading
                reading.add_done_callback(lambda _: self._reading.pop(profile_id, None))
        await self._wait(reading)
        with self._lock:
            return dict(self._known.get(profile_id, {}))

    def generation(self, profile_id: str) -> int:
        """Count the changes of one connection's secrets, so that a stale operator is noticed."""
        with self._lock:
            return self._changes.get(profile_id, 0)

    async def set(self, profile_id: str, secrets: Mapping[str, str]) -> SecretsKept:
        """Keep the secrets of one connection, and say where. No secrets means ``delete``."""
        kept = {name: value for name, value in secrets.items() if value}
        if not kept:
            await self.delete(profile_id)
            return self.state
        self._remember(profile_id, kept)
        await self._write(lambda backend: self._store(backend, profile_id, kept))
        return self.state

    async def change(self, profile_id: str, typed: Mapping[str, str]) -> SecretsKept:
        """Put what was typed over the secrets of one connection, and say where; the others stay.

        Others that cannot be read now (the keyring is locked) are joined to it once they can.
        """
        changed = {name: value for name, value in typed.items() if value}
        if not changed:
            return self.state
        await self.get(profile_id)
        with self._lock:
            known = self._known.get(profile_id)
            partial = known is None or profile_id in self._partial
            kept = {**(known or {}), **changed}
            self._remember(profile_id, kept, partial=partial)
        await self._write(lambda backend: self._store(backend, profile_id, kept))
        return self.state

    async def delete(self, profile_id: str) -> None:
        """Forget the secrets of one connection; succeeds when there are none."""
        self._remember(profile_id, {})
        await self._write(lambda backend: self._store(backend, profile_id, {}))

    async def try_again(self) -> SecretsKept:
        """Ask the keyring anew (it may have been unlocked or started); say whether it works."""
        with self._lock:
            self._problem = None
        # An item that never exists: a locked keyring fails here, an open one answers None.
        await self._wait(self._thread.submit(lambda b: b.get_password(SERVICE, "availability")))
        await self._pay()
        return self.state

    def close(self) -> None:
        """Let the keyring's thread go after what was asked of it so far."""
        self._thread.close()

    def _remember(self, profile_id: str, secrets: dict[str, str], *, partial: bool = False) -> None:
        """Take what somebody set; ``partial``: the keyring may hold others, which stay."""
        with self._lock:
            self._known[profile_id] = secrets
            self._owed.add(profile_id)
            (self._partial.add if partial else self._partial.discard)(profile_id)
            self._changes[profile_id] = self._changes.get(profile_id, 0) + 1

    def _read(self, backend: KeyringBackend, profile_id: str) -> None:
        """Read one item in the keyring's thread, and keep it even if nobody waits any more.

        It is kept before the future is done, so that whoever finds the future done finds it.
        """
        found = _decode(backend.get_password(SERVICE, profile_id))
        with self._lock:
            # What was set while this was reading is newer than what was read.
            if profile_id not in self._known:
                self._remember(profile_id, found)
                self._owed.discard(profile_id)

    def _store(self, backend: KeyringBackend, profile_id: str, secrets: dict[str, str]) -> None:
        """Make one item what ``secrets`` says, in the keyring's thread."""
        with self._lock:
            partial = profile_id in self._partial
        others = _decode(backend.get_password(SERVICE, profile_id)) if partial else {}
        kept = {**others, **secrets}
        if kept:
            backend.set_password(SERVICE, profile_id, json.dumps(kept))
        else:
            _delete(backend, profile_id)
        with self._lock:
            # Unless it was changed meanwhile: that change is queued behind this one.
            if self._known.get(profile_id) == secrets:
                if kept != secrets:
                    self._remember(profile_id, kept)
                self._partial.discard(profile_id)
                self._owed.discard(profile_id)

    async def _pay(self) -> None:
        """Write what the keyring did not take before, unless it fails again."""
        with self._lock:
            owed = sorted(self._owed)
        for name in owed:
            if self._problem is not None:
                return

            def store(backend: KeyringBackend, name: str = name) -> None:
                self._store(backend, name, self._known[name])

            await self._wait(self._thread.submit(store))

    async def _write(self, call: Callable[[KeyringBackend], Any]) -> None:
        """Run a change in the keyring, in order behind a call that is late.

        While one is late nothing waits: the change is queued, and done if the keyring
        ever comes back; until then memory is what counts.
        """
        with self._lock:
            late = self._late is not None and not self._late.done()
            if not late:
                self._problem = None
            future = self._thread.submit(call)
        if late:
            future.add_done_callback(_swallow)
        else:
            await self._wait(future)
            await self._pay()

    async def _wait(self, future: Future[Any]) -> Any:
        """Return the call's result, or ``None`` after noting what is wrong."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._deadline)
        except TimeoutError:
            # A TimeoutError of the backend's own arrives here too; then the call is done.
            late = not future.done()
            with self._lock:
                if late:
                    self._late = future
                self._problem = (
                    f"The keyring did not answer within {self._deadline:g} s (a dialog may be"
                    f" waiting). {_SESSION}; answer the dialog, then try again."
                )
            future.add_done_callback(self._came_late)
        except NoKeyring:
            self._degrade("There is no keyring on this system (no Secret Service answers)", "")
        except Exception as error:
            # Only the kind is told: a backend's text may quote what it was given.
            self._degrade(*_told(error))
        return None

    def _came_late(self, future: Future[Any]) -> None:
        """Take the outcome of a call after its deadline: the dialog has been answered."""
        failed = future.exception() is not None
        with self._lock:
            if self._late is future:
                self._late = None
                if not failed:
                    self._problem = None

    def _degrade(self, what: str, advice: str) -> None:
        with self._lock:
            self._problem = f"{what}. {_SESSION}{advice}."


def _told(error: Exception) -> tuple[str, str]:
    kind = type(error).__name__
    if kind == "KeyringLocked":
        return "The keyring is locked", "; unlock it, then try again"
    if kind == "NoKeyringError":
        return "There is no keyring on this system", ""
    return f"The keyring failed ({kind})", "; see that it runs, then try again"


def _decode(text: str | None) -> dict[str, str]:
    """Read one keyring item; one that is not ours counts as empty."""
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    return {str(name): str(secret) for name, secret in value.items()}


def _delete(backend: KeyringBackend, profile_id: str) -> None:
    # Imported here, in the keyring's thread, where the package has been loaded already.
    from keyring.errors import PasswordDeleteError  # noqa: PLC0415

    try:
        backend.delete_password(SERVICE, profile_id)
    except PasswordDeleteError:
        # Also what "no such item" is; it matters only when the item is still there.
        if backend.get_password(SERVICE, profile_id) is not None:
            raise


def _swallow(future: Future[Any]) -> None:
    """Take the outcome of a call that nobody waits for any more."""
    future.exception()
