"""The composition root: builds everything in order, owns the loop, start and shutdown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run the whole program in this process until its window is closed.

    ``argv`` is without the program's name. Returns the exit code: 0, or 2 when ``argv``
    makes no sense, or 1 when the program could not start. A ``QApplication`` that exists
    already is used, so that a test can drive the real window by its object names.
    """
    from dalbrowser.app.arguments import parse  # start-up time: Qt only when needed

    arguments = parse(argv)
    if isinstance(arguments, int):
        return arguments
    problem = arguments.prepare_environment()
    if problem is not None:
        sys.stderr.write(f"dalbrowser: {problem}\n")
        return 1
    from dalbrowser.app.imports import import_plainly  # after the environment, which Qt reads once

    import_plainly()
    from dalbrowser.app.run import run  # the whole window

    return run(arguments)
