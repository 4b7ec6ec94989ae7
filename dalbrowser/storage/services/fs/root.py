"""Confinement: from an exact key to a folder's descriptor and a name in it.

Invariant: a path is walked one name at a time, by descriptor and without following links,
so that no link, also none put in place while this runs, leads outside the root. Links are
expanded by hand, and only when they stay inside. A key that a file system cannot express
is refused; none is ever mapped to another file.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from types import TracebackType

MULTIPART_FOLDER = ".dalbrowser-multipart"
"""Directly under the root: what incomplete uploads hold."""
TEMPORARY_PREFIX = ".dalbrowser-tmp-"
"""In any folder: a file that is being written and has no name yet."""

_WALK = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
_LINKS_MAX = 40
"""As many as the Linux kernel follows in one path (path_resolution(7))."""


def segments(key: str) -> list[str]:
    """Return the names that an exact key is made of; one final slash is dropped.

    Raises ``PermissionDenied`` for ``..``, NUL and this service's temporary names, and
    ``InvalidInput`` for what a file system cannot express: empty names (``a//b``) and ``.``.
    """
    if not key:
        return []
    names = key.removesuffix("/").split("/")
    for name in names:
        if name == ".." or "\0" in name:
            raise StorageError(
                ErrorKind.PERMISSION_DENIED,
                "A path with '..' or NUL could leave the folder of this connection; give the"
                " path without it.",
            )
        if not name or name == ".":
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                "A file system has no empty name and no name '.', so this path cannot be kept"
                " here exactly; use another path.",
            )
        if name.startswith(TEMPORARY_PREFIX):
            raise _reserved()
    try:
        os.fsencode(key)
    except UnicodeEncodeError:
        raise StorageError(
            ErrorKind.INVALID_INPUT,
            "The path holds half of a character, which no file name can; use another path.",
        ) from None
    return names


def hidden(name: str, *, top: bool) -> bool:
    """Whether a listing leaves ``name`` out; ``top`` says that it is directly under the root."""
    return name.startswith(TEMPORARY_PREFIX) or (top and name == MULTIPART_FOLDER)


@record(frozen=False)
class Place:
    """A name in an open folder; closes the folder as a context manager.

    ``link`` is the first link that the walk went through (as a path under the root), or
    ``None``; ``real`` is where the place is without links; ``made`` are the folders that the
    walk created, outermost first.
    """

    fd: int
    name: str
    real: tuple[str, ...]
    link: str | None = None
    made: list[tuple[str, ...]] = field(default_factory=list)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder; safe to call twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def lstat(self) -> os.stat_result:
        """Return what is at the name itself, links not followed."""
        return os.stat(self.name, dir_fd=self.fd, follow_symlinks=False)

    def lstat_or_none(self) -> os.stat_result | None:
        """Return what is at the name, or ``None`` when nothing is."""
        try:
            return self.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None


class Root:
    """The folder that confines a connection. All methods block: call them in a thread."""

    def __init__(self, path: str, *, durable: bool) -> None:
        self.path = path
        self.durable = durable

    def open(self) -> int:
        """Open the root itself. A link *to* the root is what the user named, and is followed."""
        try:
            return os.open(self.path, _WALK & ~os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            raise StorageError(
                ErrorKind.CONFIG_INVALID,
                f"The folder {self.path!r} of this connection does not exist or is not a folder;"
                " create it, or change the connection.",
            ) from None

    def locate(self, names: list[str], *, create: bool = False, follow: bool = False) -> Place:
        """Walk to ``names`` and return the place of the last one, which need not exist.

        ``create`` makes the folders on the way. ``follow`` expands a link at the last name
        too. A place whose name is ``.`` is the open folder itself (the root, for one).
        """
        return _Walk(self, create=create, follow=follow).run(names)

    def inside(self, target: str) -> list[str]:
        """Return an absolute link target's names under the root, or raise ``PermissionDenied``."""
        real = os.path.realpath(self.path).rstrip("/")
        for candidate in (target, os.path.realpath(target)):
            if candidate == real or candidate.startswith(real + "/"):
                return candidate[len(real) :].split("/")
        raise _outside()

    def sync(self, fd: int) -> None:
        """Wait until the disk has ``fd`` (a file or a folder), when the connection is durable."""
        if not self.durable:
            return
        try:
            os.fsync(fd)
        except OSError as error:
            # EINVAL: a descriptor or file system that cannot be synced, which is not a failure.
            if error.errno != errno.EINVAL:
                raise

    def sync_folder(self, place: Place) -> None:
        """Make a change of names in the place's folder durable, where it may be read."""
        if self.durable:
            try:
                fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=place.fd)
            except PermissionError:
                return  # A drop box. The change is made, and it is not this that fails.
            try:
                self.sync(fd)
            finally:
                os.close(fd)

    def remove_made(self, made: list[tuple[str, ...]]) -> None:
        """Remove folders that a given-up write created, those that are still empty."""
        for names in reversed(made):
            with contextlib.suppress(OSError, StorageError), self.locate(list(names)) as place:
                os.rmdir(place.name, dir_fd=place.fd)


class _Walk:
    """One walk; ``stack`` holds the open folders from the root down, ``done`` their names."""

    def __init__(self, root: Root, *, create: bool, follow: bool) -> None:
        self.root = root
        self.create = create
        self.follow = follow
        self.stack: list[int] = []
        self.done: list[str] = []
        self.made: list[tuple[str, ...]] = []
        self.link: str | None = None
        self.links = 0

    def run(self, names: list[str]) -> Place:
        self.stack.append(self.root.open())
        try:
            return self._run(deque(names))
        finally:
            for fd in self.stack:
                os.close(fd)

    def _run(self, todo: deque[str]) -> Place:
        while todo:
            name = todo.popleft()
            if name == "..":
                self._up()
            elif name in {"", "."}:
                continue
            elif name == MULTIPART_FOLDER and not self.done:
                raise _reserved()
            elif not todo and not (self.follow and self._is_link(name)):
                return self._place(name)
            elif not self._enter(name):
                self._expand(name, todo)
        return self._place(".")

    def _place(self, name: str) -> Place:
        real = tuple(self.done if name == "." else [*self.done, name])
        return Place(self.stack.pop(), name, real, self.link, self.made)

    def _up(self) -> None:
        if len(self.stack) == 1:
            raise _outside()
        os.close(self.stack.pop())
        self.done.pop()

    def _is_link(self, name: str) -> bool:
        try:
            os.readlink(name, dir_fd=self.stack[-1])
        except OSError:
            return False
        return True

    def _enter(self, name: str) -> bool:
        """Go into a folder; ``False`` when the name is a link."""
        top = self.stack[-1]
        try:
            fd = os.open(name, _WALK, dir_fd=top)
        except FileNotFoundError:
            if not self.create:
                raise
            fd = self._make(name)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP} and self._is_link(name):
                return False
            raise
        self.stack.append(fd)
        self.done.append(name)
        return True

    def _make(self, name: str) -> int:
        top = self.stack[-1]
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=top)
            self.made.append((*self.done, name))
            self.root.sync_folder(Place(top, ".", ()))
        return os.open(name, _WALK, dir_fd=top)

    def _expand(self, name: str, todo: deque[str]) -> None:
        self.links += 1
        if self.links > _LINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if self.link is None:
            self.link = "/".join([*self.done, name])
        target = os.readlink(name, dir_fd=self.stack[-1])
        if target.startswith("/"):
            names = self.root.inside(target)
            while len(self.stack) > 1:
                self._up()
        else:
            names = target.split("/")
        todo.extendleft(reversed(names))


def absolute(text: str) -> str:
    """Return a configured folder as an absolute path, or raise ``ConfigInvalid``."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        path = Path(text)
    if "\0" in text or not path.is_absolute():
        raise StorageError(
            ErrorKind.CONFIG_INVALID,
            f"The folder {text!r} is not absolute; begin it with '/' or '~'.",
            service="fs",
        )
    return os.path.normpath(path) if ".." not in path.parts else str(path)


def _reserved() -> StorageError:
    return StorageError(
        ErrorKind.PERMISSION_DENIED,
        f"Names that begin with {TEMPORARY_PREFIX!r}, and the folder {MULTIPART_FOLDER!r}, are"
        " kept for unfinished writes; use another name.",
    )


def _outside() -> StorageError:
    return StorageError(
        ErrorKind.PERMISSION_DENIED,
        "A link on this path leads outside the folder of this connection; open its target"
        " through a connection of its own.",
    )
