"""Exact keys: what a path is, and the only two things that are ever done to one.

A path *is* the key. One leading ``/`` is a convenience and is dropped (``/a`` is ``a``,
the key ``/a`` is written ``//a``); nothing else is trimmed, collapsed or normalised.
A path that ends in ``/`` names a folder; ``""`` is the root.
"""

from __future__ import annotations

from dalbrowser.storage.errors import ErrorKind, StorageError


def exact(path: str) -> str:
    """Return the key that ``path`` names: one leading slash dropped, nothing else."""
    return path[1:] if path.startswith("/") else path


def spell(key: str) -> str:
    """Write an exact key, such as a listing returns, as the path argument that names it.

    The inverse of ``exact``: without it the key ``/a`` would be taken for ``a``.
    """
    return f"/{key}" if key.startswith("/") else key


def is_dir_path(path: str) -> bool:
    """Whether an exact path names a folder; the root does."""
    return not path or path.endswith("/")


def require_file(path: str) -> None:
    """Raise ``IsADirectory`` when an exact path names a folder."""
    if is_dir_path(path):
        raise StorageError(
            ErrorKind.IS_A_DIRECTORY,
            "The path ends in '/' and so names a folder; give the path of an object.",
        )


def require_dir(path: str) -> None:
    """Raise ``NotADirectory`` when an exact path does not name a folder."""
    if not is_dir_path(path):
        raise StorageError(
            ErrorKind.NOT_A_DIRECTORY, "The path of a folder ends in '/'; add the slash."
        )


def parent(path: str) -> str:
    """Return the folder that holds an exact path: ``a/b`` → ``a/``, ``a/b/`` → ``a/``."""
    return path[: path.rfind("/", 0, len(path) - 1) + 1] if path else ""


def basename(path: str) -> str:
    """Return the last segment of an exact path; a folder's keeps its slash."""
    return path[path.rfind("/", 0, len(path) - 1) + 1 :] if path else ""
