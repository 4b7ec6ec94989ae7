"""Which Python the program is installed for, and where one is found.

Invariant: this file parses on Python 3.8, so that a Python that is too old, or too new,
ends in a sentence and not in a SyntaxError.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUPPORTED = ((3, 13), (3, 12), (3, 11))
"""The versions in ``requires-python`` of pyproject.toml, the preferred one first."""

_BENDS = frozenset(
    {
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONWARNINGS",
        "PYTHONSTARTUP",
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_REQUIRE_HASHES",
        "__PYVENV_LAUNCHER__",
    }
)
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


class Stop(Exception):
    """The bootstrap cannot go on; its text says why and what to do."""


def find_interpreter() -> str:
    """Return the path of a supported Python: this one, or the newest on ``PATH``.

    Raises ``Stop`` naming the supported versions when there is none.
    """
    if tuple(sys.version_info[:2]) in SUPPORTED:
        return sys.executable
    for major, minor in SUPPORTED:
        found = shutil.which(f"python{major}.{minor}")
        # A version manager's shim exists for versions that are not installed: ask it.
        if found and version_of(found) == (major, minor):
            return found
    raise Stop(
        "dalbrowser runs on Python 3.11, 3.12 or 3.13. This is Python {} ({}), and neither "
        "python3.13, python3.12 nor python3.11 was found on PATH. Install one of them and run "
        "this command again.".format(".".join(str(n) for n in sys.version_info[:3]), sys.executable)
    )


def version_of(python: str | Path) -> tuple[int, int] | None:
    """Return the version of the interpreter at ``python``, or ``None`` when it does not run."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )
        major, minor = done.stdout.decode("ascii").strip().split(".")
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def has_ensurepip(python: str) -> bool:
    """Return whether ``python`` can put pip into a new environment.

    Debian splits ensurepip off into a package of its own.
    """
    done = subprocess.run(
        [python, "-I", "-c", "import ensurepip, venv"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def clean_environ() -> dict[str, str]:
    """Return this process's environment without what would bend another Python.

    ``PYTHONWARNINGS=error`` in a shell would fail pip; ``PYTHONPATH`` would shadow what
    was installed; ``PIP_USER`` and its like would install elsewhere.
    """
    return {name: value for name, value in os.environ.items() if name not in _BENDS}
