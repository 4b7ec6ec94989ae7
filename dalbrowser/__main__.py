"""From argv to the window (``main``) or to the command line (``dal``).

Imports lazily, so that the command line starts without Qt. The collector of cyclic garbage
is off meanwhile: loading makes little of it, and looking took a tenth of the time. Whoever
takes over decides how it goes on. Ctrl-C while the command line loads ends it as it ends any
program, without a traceback: nothing has been begun.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import sys

_FILES = 10_240
"""Open files and connections at most: what macOS allows a process, and far more than are needed."""


def main() -> int:
    """Run the window: the ``dalbrowser`` command."""
    gc.disable()
    _allow_many_files()
    from dalbrowser.app import main as run  # start-up time: see the module docstring

    return run(sys.argv[1:])


def dal() -> int:
    """Run the command line: the ``dal`` command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()
    _allow_many_files()
    from dalbrowser.cli import main as run  # start-up time: see the module docstring

    return run(sys.argv[1:], alone=True)


def _allow_many_files() -> None:
    """Raise the limit of open files as far as this process may, as Go's programs do.

    Shells and desktops give 256 to 1,024; many small transfers at once need some hundreds.
    """
    try:
        import resource  # there is none on Windows
    except ImportError:
        return
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


if __name__ == "__main__":
    sys.exit(main())
