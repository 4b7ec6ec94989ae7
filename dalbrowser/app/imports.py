"""Importing modules without PySide reading the source text of each.

PySide 6 puts a function of its own in the place of ``__import__``. It looks for PySide's name in
the source of every module that is imported after it, for a feature (``from __feature__ import …``)
that nothing here uses, and Python keeps all lines that were read: 0.1 s of the window's start and
13 MB (PySide 6.11, 490 modules). Invariant: only what PySide has put there is taken away.
"""

from __future__ import annotations

import builtins


def import_plainly() -> None:
    """Let imports from now on go the way that they went before PySide was loaded, which it is."""
    import PySide6.QtCore  # noqa: F401, PLC0415 - Qt is loaded once its environment is made

    theirs = getattr(builtins, "__feature_import__", None)
    before = getattr(builtins, "__orig_import__", None)
    if before is not None and builtins.__import__ is theirs:
        builtins.__import__ = before
