"""One small JSON object on disk: read whole, replaced atomically, never destroyed.

Invariant: at every moment the file holds either the old object or the new one, and a
file that cannot be understood is renamed, not overwritten. Blocking; call it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})


def load(path: Path) -> tuple[dict[str, Any], str | None]:
    """Return the object in ``path`` and a sentence when something was wrong with it.

    A missing file is an empty object. One that is damaged is set aside, next to itself.
    One that cannot be read raises ``OSError``: writing over it would lose it.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}, None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, set_aside(path, str(error))
    if not isinstance(value, dict):
        return {}, set_aside(path, "it does not hold a JSON object")
    return value, None


def save(path: Path, value: dict[str, Any]) -> None:
    """Replace ``path`` with ``value``, readable by this user alone; raises ``OSError``.

    A link (settings are kept elsewhere by some) stays one: what it leads to is replaced.
    """
    path = path.resolve()
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the right to change ``path`` against other processes, while reading and saving it.

    Windows, and some network disks, know no such lock; there the atomic replacement alone keeps
    the file whole.
    """
    with path.with_name(f".{path.name}.lock").open("ab") as handle:
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
        yield


def set_aside(path: Path, reason: str) -> str:
    """Rename a file that makes no sense, and return the sentence that says so."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            path.rename(aside)
            return (
                f"{path} could not be understood ({reason}); it was kept as {aside.name}"
                " and a new one begun."
            )
    raise OSError(f"{path} is damaged, and so are 999 copies set aside; remove some.")
