"""Exact keys: what a path is, and the only two things that are ever done to one.

A path *is* the key. One leading ``/`` is a convenience and is dropped (``/a`` is ``a``,
the key ``/a`` is written ``//a``); nothing else is trimmed, collapsed or normalised.
A path that ends in ``/`` names a folder; ``""`` is the root.

A path that reads as the URI of a service (``s3://bucket/key``) is a mistake for an operator,
which is bound to one service: it is refused, so that no object of another name is touched.
The key of that very name is written with the slash: ``/s3://bucket/key``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OWN_SERVICES = {
    "fs": "dalbrowser.storage.services.fs:Fs",
    "memory": "dalbrowser.storage.services.memory:Memory",
    "s3": "dalbrowser.storage.services.s3:S3",
}
"""The entry points of this package. Reading those of everything that is installed takes a
start as long as reading its own code, and only what somebody else brings is worth it."""


@cache
def brought_services() -> dict[str, EntryPoint]:
    """Return the services that other packages bring, by scheme."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - start-up time: see above

    points = entry_points(group="dalbrowser.services")
    return {point.name: point for point in points if point.name not in OWN_SERVICES}


def schemes() -> tuple[str, ...]:
    """Return the names of all registered services, sorted."""
    return tuple(sorted({*OWN_SERVICES, *brought_services()}))


def is_scheme(name: str) -> bool:
    """Whether a service is registered as ``name``."""
    return name in OWN_SERVICES or name in brought_services()


def exact(path: str) -> str:
    """Return the key that ``path`` names: one leading slash dropped, nothing else.

    Raises ``InvalidInput`` for the URI of a service, this one's or another's.
    """
    if path.startswith("/"):
        return path[1:]
    if _is_uri(path):
        scheme = path.partition("://")[0]
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            f"{path!r} is a URI of the service {scheme!r}, and an operator is bound to one"
            " service: give the path within it, or make another operator with from_uri."
            " The key of that very name is written with a slash before it.",
            path=path,
        )
    return path


def _is_uri(text: str) -> bool:
    scheme, mark, _ = text.partition("://")
    return bool(mark) and is_scheme(scheme)


def spell(key: str) -> str:
    """Write an exact key, such as a listing returns, as the path argument that names it.

    The inverse of ``exact``: without it the key ``/a`` would be taken for ``a``, and the
    key ``s3://a`` be refused.
    """
    return f"/{key}" if key.startswith("/") or _is_uri(key) else key


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
