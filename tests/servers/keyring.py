"""A real Secret Service (gnome-keyring) on a private D-Bus, and keyrings for everywhere else.

``SecretService`` is started inside a session bus of its own with a private home; nothing
of the person's desktop is seen or touched. ``MemoryKeyring`` and ``BlockedKeyring`` stand
in where the behaviour under test is ours alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import PasswordDeleteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon", "dbus-send")
PASSWORD = "keyring password"
_WAIT = 20.0

# The daemon unlocks (and creates) the login collection with the password on its stdin; it is
# ready when the name has an owner. "ready" is told on stdout, then the bus lives until stdin ends.
_SESSION = r"""
mkfifo "$XDG_RUNTIME_DIR/password"
gnome-keyring-daemon --foreground --components=secrets --unlock \
  --control-directory="$XDG_RUNTIME_DIR/keyring" \
  < "$XDG_RUNTIME_DIR/password" > /dev/null &
daemon=$!
printf '%s' "$KEYRING_TEST_PASSWORD" > "$XDG_RUNTIME_DIR/password"
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null \
    | grep -q 'boolean true'; do
  kill -0 "$daemon" || exit 1
  sleep 0.05
done
printf '%s\n' "$DBUS_SESSION_BUS_ADDRESS"
cat > /dev/null
kill "$daemon"
wait "$daemon"
"""


def missing() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextlib.contextmanager
def secret_service(
    home: Path | None = None, password: str = PASSWORD
) -> Iterator[Mapping[str, str]]:
    """Run a Secret Service and give the environment in which programs find it.

    The same ``home`` a second time has the items of the first; with another ``password``
    it stays locked, which a headless session cannot change.
    """
    with tempfile.TemporaryDirectory(prefix="kr.") as made:
        place = home or Path(made)
        environment = _environment(place, password)
        log = place / "keyring.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                ["dbus-run-session", "--", "bash", "-c", _SESSION],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        limit = threading.Timer(_WAIT, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        try:
            address = process.stdout.readline().strip()
            limit.cancel()
            if not address:
                raise RuntimeError(f"gnome-keyring did not start: {log.read_text()}")
            yield {**environment, "DBUS_SESSION_BUS_ADDRESS": address}
        finally:
            limit.cancel()
            process.stdin.close()
            process.stdout.close()
            try:
                process.wait(_WAIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _environment(home: Path, password: str) -> dict[str, str]:
    run = home / "run"
    if run.exists():
        shutil.rmtree(run)
    run.mkdir(mode=0o700, parents=True)
    (home / ".local/share/keyrings").mkdir(parents=True, exist_ok=True)
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"}
    return {
        **{name: value for name, value in os.environ.items() if name not in hidden},
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(run),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "KEYRING_TEST_PASSWORD": password,
        "NO_AT_BRIDGE": "1",
        "GIO_USE_VFS": "local",
    }


class MemoryKeyring(KeyringBackend):
    """A keyring that keeps its items in memory and counts how often each is read."""

    @properties.classproperty
    def priority(cls) -> float:
        """Never chosen by itself: keyring finds every backend class that was ever imported."""
        raise RuntimeError("only for the test that sets it")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.items: dict[tuple[str, str], str] = {}
        self.reads: list[str] = []
        self.threads: set[str] = set()

    def get_password(self, service: str, username: str) -> str | None:
        self.threads.add(threading.current_thread().name)
        self.reads.append(username)
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.items.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class BlockedKeyring(MemoryKeyring):
    """One whose dialog stays open until ``answer`` is called; ``asked`` is set when it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self._answered = threading.Event()

    def answer(self) -> None:
        """Close the dialog, now and for good."""
        self._answered.set()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        self._answered.wait()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.asked.set()
        self._answered.wait()
        super().set_password(service, username, password)
