"""Keys that cannot both be files of one local folder.

A service may hold ``a`` and ``a/b``; a disk cannot, nor ``A`` beside ``a`` where names differ
in nothing but case. Invariant: the first of two keeps the name, and the other is told why not.
"""

from __future__ import annotations

import os
import unicodedata


class Clashes:
    """Given every key once, in order. ``folded`` says that the disk ignores case."""

    def __init__(self, *, folded: bool) -> None:
        self._files: list[str] = []
        self._names: dict[int, int] | None = {} if folded else None

    def of(self, key: str) -> str:
        """Return why this key cannot have its local name, or an empty text."""
        while self._files and key >= f"{self._files[-1]}0":
            # '0' comes after '/': nothing below that name follows any more.
            self._files.pop()
        for file in self._files:
            if key.startswith(f"{file}/"):
                return f"{file!r} is a file there, and this needs a folder of that name"
        if self._names is not None and not self._free(key):
            return "another key has this local name, which differs in nothing but case"
        self._files.append(key)
        return ""

    def _free(self, key: str) -> bool:
        """Whether no other spelling of the key, or of a folder above it, came before.

        Numbers are kept in place of names: a million keys take tens of megabytes, not hundreds.
        """
        names = self._names if self._names is not None else {}
        for end in [at for at, char in enumerate(key) if char == "/"] + [len(key)]:
            folded = hash(fold(key[:end]))
            exact = hash(key[:end])
            if names.setdefault(folded, exact) != exact:
                return False
        return True


def fold(name: str) -> str:
    """Return a name as a disk compares it that ignores case and composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def ignores_case(folder: str) -> bool:
    """Whether the disk that holds ``folder`` (or the nearest above that exists) ignores case.

    Blocks. It asks for the folder by its name in the other case, and writes nothing.
    """
    path = os.path.abspath(folder)  # noqa: PTH100
    while True:
        parent, name = os.path.split(path)
        other = os.path.join(parent, name.swapcase())  # noqa: PTH118
        if other != path and os.path.lexists(path):
            try:
                return os.path.samefile(path, other)  # noqa: PTH121
            except OSError:
                return False
        if parent == path:
            return False
        path = parent
