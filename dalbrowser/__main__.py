"""From argv to the window (``main``) or to the command line (``dal``).

Imports lazily, so that the command line starts without Qt.
"""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the window: the ``dalbrowser`` command."""
    from dalbrowser.app import main as run  # start-up time: see the module docstring

    return run(sys.argv[1:])


def dal() -> int:
    """Run the command line: the ``dal`` command."""
    # Loading makes little garbage, and looking for it took a tenth of the time. ``main`` turns
    # the collector on again.
    gc.disable()
    from dalbrowser.cli import main as run  # start-up time: see the module docstring

    return run(sys.argv[1:], alone=True)


if __name__ == "__main__":
    sys.exit(main())
