"""The virtual environment: where it is, what state it is in, how it is made and filled.

A stamp file in it says what it was filled from. Invariant: a folder is removed only when
it is a virtual environment or a half-made one of ours; a stamp is written last, so that
an interrupted installation is done again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpreter import SUPPORTED, Stop, clean_environ, version_of

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

_STAMP = "dalbrowser-stamp.json"
_BEGUN = "dalbrowser-begun"
_PIP_LOG = "dalbrowser-pip.log"
_UNREACHABLE = (
    "name resolution",
    "NewConnectionError",
    "Network is unreachable",
    "Connection refused",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "CERTIFICATE_VERIFY_FAILED",
    "Could not fetch URL",
)


class Environment:
    """One virtual environment, in ``folder``, for the checkout in ``root``."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder

    @property
    def python(self) -> Path:
        """The interpreter inside; it may not exist yet."""
        if sys.platform == "win32":
            return self.folder / "Scripts" / "python.exe"
        return self.folder / "bin" / "python"

    def is_ready(self, extras: Sequence[str]) -> bool:
        """Return whether the package and ``extras`` are installed from today's pyproject.toml."""
        stamp = self._stamp()
        return (
            stamp.get("source") == self._source()
            and set(extras) <= set(stamp.get("extras", []))
            and version_of(self.python) in SUPPORTED
        )

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold others off that set up the same folder: each takes the other's for half made."""
        name = hashlib.sha256(os.fsencode(str(self.folder))).hexdigest()[:16]
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                path = Path(tempfile.gettempdir()) / f"dalbrowser-setup-{name}.lock"
                handle = stack.enter_context(path.open("ab"))
                try:
                    _lock(handle, wait=False)
                except BlockingIOError:
                    print("Another one sets it up; waiting for that", flush=True)
                    _lock(handle, wait=True)
            yield

    def make(self, interpreter: str) -> None:
        """Create the environment unless a working one is there; rebuild a broken one."""
        if version_of(self.python) in SUPPORTED and self._has_pip():
            return
        self._remove_broken()
        print(f"Making a virtual environment in {self.folder}", flush=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / _BEGUN).write_text("made by packaging/bootstrap.py\n", "utf-8")
        except OSError as error:
            raise Stop(
                f"The virtual environment cannot be written to {self.folder} ({error.strerror}). "
                "Set DALBROWSER_VENV to a folder that you can write to."
            ) from error
        done = subprocess.run(
            [interpreter, "-m", "venv", str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_environ(),
            check=False,
        )
        if done.returncode != 0:
            raise Stop(f"{interpreter} -m venv failed; it said:\n{_tail(done.stdout)}")

    def install(self, extras: Sequence[str]) -> None:
        """Install the checkout, editable, with ``extras`` and those it already had."""
        stamp = self._stamp()
        both = sorted(set(extras) | set(stamp.get("extras", [])))
        # By a name that holds nothing of the path: pip takes brackets in it for extras.
        target = "." + ("[{}]".format(",".join(both)) if both else "")
        print("Installing dalbrowser and what it needs (a few minutes the first time)", flush=True)
        log = self.folder / _PIP_LOG
        (self.folder / _STAMP).unlink(missing_ok=True)
        log.unlink(missing_ok=True)
        command = [str(self.python), "-I", "-m", "pip", "--log", str(log), "--no-input", "install"]
        command += ["--disable-pip-version-check", "--retries", "5"]
        if not sys.stdout.isatty():
            command += ["--quiet", "--progress-bar", "off"]
        command += ["--editable", target]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            env=clean_environ(),
            cwd=str(self.root),
            check=False,
        )
        if done.returncode != 0:
            raise Stop(_explain(log))
        self._prove_import()
        content = {"source": self._source(), "extras": both}
        (self.folder / _STAMP).write_text(json.dumps(content, indent=1) + "\n", "utf-8")

    def _prove_import(self) -> None:
        """Load Qt once, so that a library that no list names fails here, in a sentence."""
        program = "import dalbrowser, keyring, httpx, qasync; import PySide6.QtWidgets"
        done = subprocess.run(
            [str(self.python), "-I", "-c", program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(clean_environ(), QT_API="pyside6", QT_QPA_PLATFORM="offscreen"),
            check=False,
        )
        if done.returncode != 0:
            raise Stop(
                "Everything is installed, but it does not load; Python said:\n"
                + _tail(done.stderr, 3)
            )

    def _source(self) -> str:
        """Return a digest of what an installation depends on."""
        digest = hashlib.sha256()
        digest.update((self.root / "pyproject.toml").read_bytes())
        digest.update(os.fsencode(str(self.root)))
        try:
            # Holds the version and the folder of the interpreter that it was made from.
            digest.update((self.folder / "pyvenv.cfg").read_bytes())
        except OSError:
            return ""
        return digest.hexdigest()

    def _stamp(self) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _has_pip(self) -> bool:
        done = subprocess.run(
            [str(self.python), "-I", "-m", "pip", "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode == 0

    def _remove_broken(self) -> None:
        if not self.folder.exists():
            return
        ours = any((self.folder / name).exists() for name in ("pyvenv.cfg", _BEGUN))
        if not self.folder.is_dir() or not (ours or not any(self.folder.iterdir())):
            raise Stop(
                f"{self.folder} is there but is not a virtual environment, so it is left alone. "
                "Move it away, or set DALBROWSER_VENV to another folder."
            )
        print(f"The virtual environment in {self.folder} is broken; making it anew", flush=True)
        shutil.rmtree(self.folder)


def choose_folder(root: Path) -> Path:
    """Return where the environment belongs.

    ``DALBROWSER_VENV`` wins; then ``.venv`` in the checkout; then, when the checkout cannot
    be written to, a folder of the user's cache that belongs to this checkout alone.
    """
    wish = os.environ.get("DALBROWSER_VENV")
    if wish:
        return Path(wish).expanduser().absolute()
    own = root / ".venv"
    if os.access(own if own.exists() else root, os.W_OK):
        return own
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():
        cache = Path("~/.cache").expanduser()
    name = "venv-" + hashlib.sha256(os.fsencode(str(root))).hexdigest()[:16]
    return cache / "dalbrowser" / name


def _lock(handle: BinaryIO, *, wait: bool) -> None:
    # There is none on Windows.
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _explain(log: Path) -> str:
    """Say why pip failed, from its own log."""
    try:
        text = log.read_text("utf-8", "replace")
    except OSError:
        text = ""
    if any(mark in text for mark in _UNREACHABLE):
        return (
            "The package index could not be reached. Check the network, a proxy (HTTPS_PROXY) "
            "and the index (PIP_INDEX_URL), then run this command again: what is already "
            f"installed is kept. pip's log: {log}"
        )
    if "No space left on device" in text:
        return f"The disk is full. Free about 1 GB and run this command again. pip's log: {log}"
    return f"pip could not install the package (its messages are above; all of them: {log})."


def _tail(output: bytes, lines: int = 12) -> str:
    return "\n".join(output.decode("utf-8", "replace").strip().splitlines()[-lines:])
