"""What the service does on the disk, in blocking calls; the backend runs them in threads.

Invariant: only the name that was asked for is touched. A delete never goes through a link,
and never empties a folder; nothing is replaced but by a finished file.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.fs import meta
from dalbrowser.storage.services.fs.atomic import rename_exclusive
from dalbrowser.storage.services.fs.faults import not_found
from dalbrowser.storage.services.fs.root import Place, Root, segments
from dalbrowser.storage.services.fs.temporary import TemporaryFile, clear_leftovers, exists

if TYPE_CHECKING:
    from dalbrowser.storage.options import OpRead, OpStat
    from dalbrowser.storage.types import Metadata

_OPEN_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""Not blocking: opening a named pipe would otherwise wait for its writer."""


class Core:
    """The file system under one root."""

    def __init__(self, root: Root, *, attributes: bool) -> None:
        self.root = root
        self.attributes = attributes

    def check(self) -> None:
        """Raise unless the root is a folder that can be read."""
        fd = self.root.open()
        try:
            os.close(os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd))
        finally:
            os.close(fd)

    def find(self, key: str) -> Place:
        """Return the place of ``key``, links followed; what is missing on the way is NotFound."""
        try:
            return self.root.locate(segments(key), follow=True)
        except (FileNotFoundError, NotADirectoryError):
            raise not_found() from None

    def stat(self, key: str, args: OpStat) -> Metadata:
        """Return what ``key`` is; with a final slash it must be a folder."""
        with self.find(key) as place:
            st = place.lstat_or_none()
            folder = st is not None and stat.S_ISDIR(st.st_mode)
            if st is None or (key.endswith("/") and not folder):
                raise not_found()
            if folder:
                return meta.describe(st)
            meta.check(st, args)
            return meta.describe(st, self.beside(place.fd, place.name))

    def beside(self, folder: int, name: str) -> dict[str, object]:
        """Return what is kept beside the bytes of a name in an open folder."""
        return meta.load(f"/proc/self/fd/{folder}/{name}") if self.attributes else {}

    def open_read(self, key: str, args: OpRead | OpStat) -> tuple[int, os.stat_result, Metadata]:
        """Open a regular file and return its descriptor, state and metadata."""
        with self.find(key) as place:
            # Opening alone can disturb what is no file: a pipe's writer, a tape, a watchdog.
            _require_file(place.lstat())
            fd = os.open(place.name, _OPEN_READ, dir_fd=place.fd)
        try:
            st = os.fstat(fd)
            _require_file(st)
            meta.check(st, args)
            extra = meta.load(fd) if self.attributes else {}
            return fd, st, meta.describe(st, extra)
        except BaseException:
            os.close(fd)
            raise

    def new_file(self, key: str, *, append: bool = False, tag: str | None = None) -> TemporaryFile:
        """Begin a file beside ``key``; what no file may replace is refused at once."""
        place = self.root.locate(segments(key), create=True, follow=append)
        try:
            st = place.lstat_or_none()
            if place.name == "." or (st is not None and stat.S_ISDIR(st.st_mode)):
                raise _is_folder()
            _require_no_device(st)
            if append and st is not None and not stat.S_ISREG(st.st_mode):
                raise StorageError(
                    ErrorKind.UNSUPPORTED,
                    "Only a regular file can be appended to; use another name.",
                )
            return TemporaryFile(self.root, place, tag)
        except BaseException:
            place.close()
            self.root.remove_made(place.made)
            raise

    def create_dir(self, key: str) -> None:
        """Make the folder and those above it; fine when it is there."""
        with self.root.locate(segments(key), create=True, follow=True) as place:
            if place.name == ".":
                return
            try:
                os.mkdir(place.name, dir_fd=place.fd)
            except FileExistsError:
                if not stat.S_ISDIR(place.lstat().st_mode):
                    raise StorageError(
                        ErrorKind.NOT_A_DIRECTORY,
                        "There is a file of this name, so no folder can be; use another name.",
                    ) from None
                return
            self.root.sync_folder(place)

    def delete(self, key: str) -> None:
        """Delete a file, a link itself, or with a final slash an empty folder.

        ``a`` and ``a/`` are two keys, as everywhere: the form that does not match what is
        there deletes nothing and succeeds. A link that leads nowhere matches both.
        """
        names = segments(key)
        if not names:
            raise StorageError(
                ErrorKind.PERMISSION_DENIED,
                "This is the folder of the connection itself, which is not deleted from here.",
            )
        try:
            place = self.root.locate(names)
        except (FileNotFoundError, NotADirectoryError):
            return
        with place:
            self._delete(place, folder=key.endswith("/"))

    def _delete(self, place: Place, *, folder: bool) -> None:
        st = place.lstat_or_none()
        if st is None:
            return
        is_link = stat.S_ISLNK(st.st_mode)
        is_folder = self._leads_to_folder(place) if is_link else stat.S_ISDIR(st.st_mode)
        # What a link led to may have gone with the same tree: then it has no form of its own.
        if is_folder is not folder and not (is_link and folder and self._leads_nowhere(place)):
            return
        if place.link is not None:
            raise StorageError(
                ErrorKind.PERMISSION_DENIED,
                f"The path goes through the link {place.link!r}; nothing is deleted through a"
                f" link. Delete it where it is: {'/'.join(place.real)!r}.",
            )
        try:
            if folder and not is_link:
                self._remove_folder(place)
            else:
                os.unlink(place.name, dir_fd=place.fd)
        except FileNotFoundError:
            return
        self.root.sync_folder(place)

    def _leads_to_folder(self, place: Place) -> bool:
        """Whether a link is shown as a folder: it leads to one, inside the root."""
        try:
            with self.root.locate(list(place.real), follow=True) as end:
                return stat.S_ISDIR(end.lstat().st_mode)
        except (OSError, StorageError):
            return False

    def _leads_nowhere(self, place: Place) -> bool:
        """Whether what a link leads to is missing."""
        try:
            with self.root.locate(list(place.real), follow=True) as end:
                return end.lstat_or_none() is None
        except (FileNotFoundError, NotADirectoryError):
            return True
        except (OSError, StorageError):
            return False

    def _remove_folder(self, place: Place) -> None:
        try:
            os.rmdir(place.name, dir_fd=place.fd)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            fd = os.open(place.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place.fd)
            try:
                clear_leftovers(fd)
            finally:
                os.close(fd)
            os.rmdir(place.name, dir_fd=place.fd)

    def is_file(self, key: str) -> bool:
        """Whether a regular file is at the key itself, not where a link leads."""
        with self.root.locate(segments(key)) as place:
            st = place.lstat_or_none()
            return st is not None and stat.S_ISREG(st.st_mode)

    def rename(self, source: str, target: str, *, exclusive: bool) -> None:
        """Move a file, or a link itself, to another name; folders for it are made."""
        try:
            begin = self.root.locate(segments(source))
        except (FileNotFoundError, NotADirectoryError):
            raise not_found() from None
        with begin:
            st = begin.lstat_or_none()
            if st is None:
                raise not_found()
            if stat.S_ISDIR(st.st_mode) or self._leads_to_folder(begin):
                raise _is_folder()
            with self.root.locate(segments(target), create=True) as end:
                try:
                    self._rename(begin, st, end, exclusive=exclusive)
                except BaseException:
                    self.root.remove_made(end.made)
                    raise

    def _rename(self, begin: Place, st: os.stat_result, end: Place, *, exclusive: bool) -> None:
        """Rename; ``respelt`` is the entry itself, where another case makes no other name."""
        there = end.lstat_or_none()
        if begin.real == end.real:
            raise StorageError(
                ErrorKind.IS_SAME_FILE, "Both paths lead to the same file; give another target."
            )
        same = there is not None and os.path.samestat(there, st)
        respelt = same and end.name not in _names(end)
        if there is not None and exclusive and not respelt:
            raise exists()
        _require_no_device(there)
        if same and not respelt and st.st_nlink > 1:
            # Two names of one file: rename(2) would do nothing and keep both.
            os.unlink(begin.name, dir_fd=begin.fd)
        elif exclusive and not respelt:
            try:
                rename_exclusive(begin.name, begin.fd, end.name, end.fd)
            except FileExistsError:
                raise exists() from None
        else:
            os.rename(begin.name, end.name, src_dir_fd=begin.fd, dst_dir_fd=end.fd)
        self.root.sync_folder(end)
        self.root.sync_folder(begin)


def _names(place: Place) -> set[str]:
    """Return the names in a place's folder, as they are spelt there."""
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=place.fd)
    try:
        with os.scandir(fd) as scan:
            return {item.name for item in scan}
    finally:
        os.close(fd)


def _is_folder() -> StorageError:
    return StorageError(
        ErrorKind.IS_A_DIRECTORY, "There is a folder of this name; give the path of a file."
    )


def _require_file(st: os.stat_result) -> None:
    """Refuse to read what has no bytes of its own."""
    if stat.S_ISDIR(st.st_mode):
        raise _is_folder()
    if not stat.S_ISREG(st.st_mode):
        raise StorageError(
            ErrorKind.UNSUPPORTED,
            "This is a device, pipe or socket, not a file; it has no bytes to read here.",
        )


def _require_no_device(there: os.stat_result | None) -> None:
    """Refuse to put a file in the place of what is neither file, folder nor link."""
    if there is not None and not (
        stat.S_ISREG(there.st_mode) or stat.S_ISLNK(there.st_mode) or stat.S_ISDIR(there.st_mode)
    ):
        raise StorageError(
            ErrorKind.UNSUPPORTED,
            "This is a device, pipe or socket, and no file takes its place; use another name.",
        )
