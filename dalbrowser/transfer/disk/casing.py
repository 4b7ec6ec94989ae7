"""Names that a disk takes for one although they differ: case, and how letters are composed.

Invariant: what is said of a folder was seen on its own disk, and nothing of it is left.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata


def fold(name: str) -> str:
    """Return a name as a disk compares it that ignores case and composition."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def ignores_case(folder: str) -> bool:
    """Whether two names that differ in case alone are one in ``folder``; blocks.

    Asked by an empty file of a name that is nobody else's, since folders of one disk may
    differ (ext4's ``casefold``, NTFS), and since a folder's own name says nothing of what is
    mounted there. One that is still to be made will be as the one that it is made in. Where
    no file can be made, the answer is the careful one.
    """
    while not os.path.lexists(folder) and (parent := os.path.dirname(folder)):  # noqa: PTH120
        folder = parent
    path = os.path.join(folder, f".dalprobe-a{os.urandom(16).hex()}")  # noqa: PTH118
    other = os.path.join(folder, os.path.basename(path).upper())  # noqa: PTH118, PTH119
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return True
    try:
        return os.path.lexists(other)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
