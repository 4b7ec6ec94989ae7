"""Every check of the project, run one after the other, and the summary at the end.

Invariant: one failure does not hide the next, the tests run last, and what this machine
could not run is said in the last lines, with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from interpreter import clean_environ
from qtlibs import X11, Component, loads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Server(NamedTuple):
    """Something real that tests run against: its programs, and what Qt needs to go with it."""

    name: str
    programs: tuple[str, ...]
    components: tuple[Component, ...]
    libraries: tuple[Component, ...] = ()

    def missing(self) -> list[str]:
        """Return the programs that are not on ``PATH``, and the libraries that do not load."""
        gone = [name for name in self.programs if shutil.which(name) is None]
        return gone + [one.what for one in self.libraries if not loads(one.what)]

    def parts(self) -> tuple[Component, ...]:
        """Return everything that brings it."""
        return (*self.components, *self.libraries)


SERVERS = (
    Server(
        "Ceph RADOS Gateway",
        ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph", "openssl"),
        (
            Component("ceph-mon", "ceph-mon", "ceph-mon", "", "ceph-mon"),
            Component("ceph-osd", "ceph-osd", "ceph-osd", "", "ceph-osd"),
            Component("radosgw", "radosgw", "ceph-radosgw", "", "ceph-radosgw"),
            Component("openssl", "openssl", "openssl", "openssl", "openssl"),
        ),
    ),
    Server(
        "the Secret Service (gnome-keyring)",
        ("gnome-keyring-daemon", "dbus-run-session", "dbus-send"),
        (
            Component("gnome-keyring", "gnome-keyring", "gnome-keyring", "gnome-keyring"),
            Component("dbus-run-session", "dbus-daemon", "dbus-daemon", "dbus"),
            Component("dbus-send", "dbus-bin", "dbus-tools", "dbus"),
        ),
    ),
    Server(
        "a desktop with a tray (Xvfb)",
        ("Xvfb", "dbus-daemon"),
        (
            Component("Xvfb", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
            Component("dbus-daemon", "dbus-daemon", "dbus-daemon", "dbus"),
        ),
        X11,
    ),
)
"""``rclone serve s3`` comes with the test extra, from PyPI, and is on every machine."""


_MOST_PROCESSES = 4
"""Each process of the tests takes about 1 GB with its servers, most of it Ceph's store."""


class Result(NamedTuple):
    """How one check ended: its exit code, and how long it took in seconds."""

    name: str
    code: int
    seconds: float


def run_checks(
    root: Path, bin_folder: Path, pytest_arguments: Sequence[str], left_out: Mapping[str, str]
) -> int:
    """Run everything with the tools in ``bin_folder``; return 0 only when all of it passed."""
    with tempfile.TemporaryDirectory(prefix="dalbrowser-test-") as scratch:
        environ = checks_environ(root, Path(scratch))
        results = [
            _run(name, [str(bin_folder / command[0]), *command[1:]], root, environ)
            for name, command in (
                ("ruff check", ["ruff", "check", "."]),
                ("ruff format", ["ruff", "format", "--check", "."]),
                ("mypy", ["mypy"]),
                ("import-linter", ["lint-imports", "--no-cache"]),
                ("pytest", ["python", "-m", "pytest", *spread(), *pytest_arguments]),
            )
        ]
    print(summary(results, left_out), flush=True)
    return 1 if any(result.code for result in results) else 0


def spread() -> list[str]:
    """Return pytest's options for the cores of this machine; later options overrule them.

    Each process starts servers of its own, so a file's tests stay in one; the long files
    come first, as in one process. A process that dies ends the run: what it was to run next
    would else wait for ever.
    """
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    return [
        f"--numprocesses={processes}",
        "--dist=loadfile",
        "--no-loadscope-reorder",
        "--max-worker-restart=0",
    ]


def checks_environ(root: Path, scratch: Path) -> dict[str, str]:
    """Return the environment of the checks: no display, no proxy, nobody's credentials.

    In a checkout that cannot be written to, the tools' caches go to ``scratch``.
    """
    environ = {
        name: value
        for name, value in clean_environ().items()
        if not name.startswith(("AWS_", "QT_", "PYTEST_"))
    }
    environ["QT_QPA_PLATFORM"] = "offscreen"
    direct = ",".join(
        part for part in (environ.get("NO_PROXY"), "127.0.0.1,localhost,.localhost") if part
    )
    environ["NO_PROXY"] = environ["no_proxy"] = direct
    if not os.access(root, os.W_OK):
        for name in ("RUFF_CACHE_DIR", "MYPY_CACHE_DIR", "HYPOTHESIS_STORAGE_DIRECTORY"):
            environ[name] = str(scratch / name.lower())
        environ["PYTHONPYCACHEPREFIX"] = str(scratch / "pycache")
        environ["PYTEST_ADDOPTS"] = "-p no:cacheprovider"
    return environ


def summary(results: Sequence[Result], left_out: Mapping[str, str]) -> str:
    """Return the last lines of a run."""
    lines = ["", "Summary"]
    for result in results:
        word = "passed" if result.code == 0 else f"FAILED (exit code {result.code})"
        lines.append(f"  {result.name:<14} {result.seconds:7.1f} s  {word}")
    for what, why in left_out.items():
        lines.append(f"  left out: {what}: {why}")
    failed = [result.name for result in results if result.code]
    lines.append("Failed: " + ", ".join(failed) if failed else "Everything passed.")
    return "\n".join(lines)


def _run(name: str, command: Sequence[str], root: Path, environ: Mapping[str, str]) -> Result:
    print(f"\n--- {name}", flush=True)
    begun = time.monotonic()
    try:
        code = subprocess.run(
            command, cwd=str(root), env=dict(environ), stdin=subprocess.DEVNULL, check=False
        ).returncode
    except OSError as error:
        print(f"{command[0]} does not start: {error.strerror}", flush=True)
        code = 127
    return Result(name, code, time.monotonic() - begun)
