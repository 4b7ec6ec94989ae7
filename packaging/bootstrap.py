"""Set up everything and run the program, or every check of it.

    python3 packaging/bootstrap.py run [-- ARGUMENTS OF dalbrowser]
    python3 packaging/bootstrap.py test [-- ARGUMENTS OF pytest]

Makes a virtual environment in .venv (or in $DALBROWSER_VENV), installs this checkout in
it and looks for the system libraries that Qt needs; as root on Debian what is missing is
installed, elsewhere the line that installs it is said. Done once, fast from then on.

Invariant: needs nothing but a Python's standard library, and whatever goes wrong ends in
a sentence that says what to do.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from checks import SERVERS, run_checks
from environment import Environment, choose_folder
from interpreter import Stop, clean_environ, find_interpreter, has_ensurepip, version_of
from qtlibs import Component, has_display, missing_components
from systems import install_packages, this_system

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
_NEEDS_NO_DISPLAY = ("-h", "--help", "--version")


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say and return the exit code."""
    command, rest = _parse(arguments)
    try:
        if command == "test":
            return _test(rest)
        return _run(rest)
    except Stop as stop:
        print(f"bootstrap: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bootstrap: stopped; run the same command again to go on.", file=sys.stderr)
        return 130


def _parse(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Split off what follows ``--``; it belongs to the program or to pytest."""
    own = list(arguments)
    rest: list[str] = []
    if "--" in own:
        cut = own.index("--")
        own, rest = own[:cut], own[cut + 1 :]
    parser = argparse.ArgumentParser(
        prog="bootstrap.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("run", "test"), help="open the window, or check all")
    found, strange = parser.parse_known_args(own)
    if strange:
        words = " ".join(strange)
        parser.error(
            f"{words} is none of its own; what follows -- goes to the program or to pytest:"
            f" bootstrap.py {found.command} -- {words}"
        )
    return str(found.command), rest


def _run(rest: list[str]) -> int:
    """Set up, then become the program."""
    environ = run_environ(rest)
    environment = _set_up([])
    command = [str(environment.python), "-m", "dalbrowser", *rest]
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environ)  # noqa: S606 (no shell on purpose)
    return subprocess.run(command, env=environ, check=False).returncode


def run_environ(rest: Sequence[str]) -> dict[str, str]:
    """Return the environment for the program, offscreen for a picture without a display.

    Raises ``Stop`` when a window is wanted and there is nowhere to show it.
    """
    environ = clean_environ()
    if has_display() or environ.get("QT_QPA_PLATFORM"):
        return environ
    picture = any(word.split("=")[0] == "--screenshot" for word in rest)
    if not picture and not any(word in _NEEDS_NO_DISPLAY for word in rest):
        raise Stop(
            "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can "
            "be shown. Start it from a desktop session (or with ssh -X), or draw it to a "
            "picture: python3 packaging/bootstrap.py run -- --demo --screenshot out.png"
        )
    environ["QT_QPA_PLATFORM"] = "offscreen"
    return environ


def _test(rest: list[str]) -> int:
    """Set up with the tools and the servers, then run every check."""
    environment = _set_up(["dev"])
    left_out = _install_servers()
    return run_checks(ROOT, environment.python.parent, rest, left_out)


def _set_up(extras: list[str]) -> Environment:
    """Return an environment with the checkout and ``extras``, on a system with Qt's libraries."""
    environment = Environment(ROOT, choose_folder(ROOT))
    _provide_qt_libraries()
    if environment.is_ready(extras):
        return environment
    with environment.alone():
        if not environment.is_ready(extras):
            interpreter = find_interpreter()
            _provide_ensurepip(interpreter)
            environment.make(interpreter)
            environment.install(extras)
    return environment


def _provide_qt_libraries() -> None:
    missing = missing_components()
    if not missing:
        return
    system = this_system()
    names = ", ".join(component.what for component in missing)
    if not system.can_install:
        raise Stop(f"Qt needs {names}. This line installs it:\n  {system.advice(missing)}")
    failure = install_packages(system.packages(missing))
    still = missing_components()
    if still:
        names = ", ".join(component.what for component in still)
        raise Stop(f"Qt needs {names}, which could not be installed. {failure or ''}".strip())


def _provide_ensurepip(interpreter: str) -> None:
    if has_ensurepip(interpreter):
        return
    major, minor = version_of(interpreter) or (3, 11)
    package = Component("venv", f"python{major}.{minor}-venv", "python3-libs", "python", "python3")
    system = this_system()
    failure = "" if system.can_install else None
    if system.can_install:
        failure = install_packages(system.packages([package])) or ""
        if has_ensurepip(interpreter):
            return
    raise Stop(
        f"{interpreter} cannot make virtual environments: its module ensurepip is missing. "
        + (failure or f"This line installs it:\n  {system.advice([package])}")
    )


def _install_servers() -> dict[str, str]:
    """Install what the tests run against, and return what is left out, and why."""
    system = this_system()
    wanted = [part for server in SERVERS if server.missing() for part in server.parts()]
    failure = None
    if wanted and system.can_install:
        failure = install_packages(system.packages(wanted))
    left_out = {}
    for server in SERVERS:
        gone = server.missing()
        if gone:
            advice = failure or f"to run it: {system.advice(server.parts())}"
            left_out[server.name] = f"no {', '.join(gone)} here; {advice}"
    return left_out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
