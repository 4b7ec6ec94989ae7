"""From argv to the window (``main``) or to the command line (``dal``).

Imports lazily, so that the command line starts without Qt. The collector of cyclic garbage
is off meanwhile: loading makes little of it, and looking took a tenth of the time. Whoever
takes over decides how it goes on. Ctrl-C while the command line loads ends it as it ends any
program, without a traceback: nothing has been begun.
"""

from __future__ import annotations

import gc
import signal
import sys


def main() -> int:
    """Run the window: the ``dalbrowser`` command."""
    gc.disable()
    from dalbrowser.app import main as run  # start-up time: see the module docstring

    return run(sys.argv[1:])


def dal() -> int:
    """Run the command line: the ``dal`` command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()
    from dalbrowser.cli import main as run  # start-up time: see the module docstring

    return run(sys.argv[1:], alone=True)


if __name__ == "__main__":
    sys.exit(main())
