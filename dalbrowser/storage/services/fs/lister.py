"""A listing of a folder or a prefix, in the order of the keys.

Invariant: keys come strictly ascending by code point, a folder as ``name/`` before what it
holds, so that any key can be the ``start_after`` of another listing. A folder's names are
read in one go and sorted; what each is, is asked a page at a time. Recursion does not enter
links: they could lead in a circle, and a recursive delete would follow them. A page that
failed, or that nobody waited for to the end, comes when the next is asked for: none is lost.
"""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.services.fs import meta
from dalbrowser.storage.services.fs.faults import storage_error
from dalbrowser.storage.services.fs.root import hidden, segments
from dalbrowser.storage.types import Entry, EntryMode, Metadata, Metakey, Page

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dalbrowser.storage.options import OpList
    from dalbrowser.storage.services.fs.core import Core
    from dalbrowser.storage.services.fs.pool import Pool

PAGE = 1000
"""Entries of a page where the caller does not say; as many as S3 gives."""


class FsLister:
    """Lists ``path``: a folder when it ends in ``/`` or is empty, else a prefix of keys."""

    def __init__(self, pool: Pool, core: Core, path: str, args: OpList) -> None:
        self._pool = pool
        self._limit = max(1, args.limit or PAGE)
        self._lock = threading.Lock()
        self._core = core
        self._path = path
        self._args = args
        self._page: list[Entry] | None = None
        self._entries = self._walk()

    def _walk(self) -> Generator[Entry, None, None]:
        return _Walk(self._core, self._args).entries(self._path)

    async def next_page(self) -> Page | None:
        """Return the next page, or ``None`` after the last."""
        entries = await self._pool.run(self._take)
        self._page = None
        return Page(entries) if entries else None

    def _take(self) -> list[Entry]:
        """Return the page that is due; one that was taken and not handed on is due still."""
        with self._lock:
            if self._page is None:
                self._page = self._next()
            return self._page

    def _next(self) -> list[Entry]:
        taken: list[Entry] = []
        failure: OSError | StorageError | None = None
        try:
            taken.extend(islice(self._entries, self._limit))
        except (OSError, StorageError) as error:
            failure = error
        if taken:
            self._args = replace(self._args, start_after=taken[-1].path)
        if failure is not None:
            # A generator that raised has ended, which must not be taken for the listing's end.
            self._entries = self._walk()
            if not taken:
                raise failure
        return taken

    async def aclose(self) -> None:
        """Close the folders that are open."""
        await self._pool.release(self._close)

    def _close(self) -> None:
        with self._lock:
            self._entries.close()
            self._page = []


class _Walk:
    """The walk itself, a generator that is driven from threads, one at a time."""

    def __init__(self, core: Core, args: OpList) -> None:
        self.core = core
        self.after = args.start_after
        self.recursive = args.recursive
        wanted = args.metakey
        self.top = -1
        self.attributes = core.attributes and bool(
            wanted & (meta.ATTRIBUTE_KEYS | Metakey.COMPLETE)
        )
        complete = self.attributes or not core.attributes
        self.known = meta.ALL_KEYS if complete else meta.FREE_KEYS

    def entries(self, path: str) -> Generator[Entry, None, None]:
        cut = path.rfind("/") + 1
        folder, prefix = path[:cut], path[cut:]
        names = segments(folder)
        try:
            with self.core.root.locate(names, follow=True) as place:
                fd = _open_folder(place.name, place.fd)
                self.top = fd if not place.real else -1
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            if folder and not prefix and self._passes(folder):
                yield Entry(folder, meta.describe(os.fstat(fd)))
            yield from self._folder(fd, folder, prefix)
        finally:
            os.close(fd)

    def _passes(self, key: str) -> bool:
        return self.after is None or key > self.after

    def _folder(self, fd: int, folder: str, prefix: str) -> Iterator[Entry]:
        for key, is_folder, is_link in self._keys(fd, folder, prefix):
            name = key[len(folder) :].removesuffix("/")
            if self._passes(key):
                entry = self._entry(fd, key, name, is_link=is_link)
                if entry is None:
                    continue
                yield entry
            if is_folder and not is_link and self.recursive and self._may_hold(key):
                yield from self._descend(fd, name, key)

    def _descend(self, fd: int, name: str, key: str) -> Iterator[Entry]:
        try:
            inner = _open_folder(name, fd)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            failure = storage_error(error)
            failure.message = f"The folder {key!r} cannot be read. {failure.message}"
            raise failure from error
        try:
            yield from self._folder(inner, key, "")
        finally:
            os.close(inner)

    def _may_hold(self, folder: str) -> bool:
        """Whether a folder can hold keys after ``start_after``."""
        return self.after is None or folder > self.after or self.after.startswith(folder)

    def _keys(self, fd: int, folder: str, prefix: str) -> list[tuple[str, bool, bool]]:
        """Read a folder's names: keys in order, whether each is a folder, whether it is a link."""
        found = []
        with os.scandir(fd) as scan:
            for item in scan:
                name = item.name
                if not name.startswith(prefix) or hidden(name, top=fd == self.top):
                    continue
                is_link = item.is_symlink()
                if is_link:
                    is_folder = self._link_is_folder(folder + name)
                else:
                    is_folder = item.is_dir(follow_symlinks=False)
                found.append(
                    (f"{folder}{name}/" if is_folder else folder + name, is_folder, is_link)
                )
        found.sort()
        return found

    def _link_is_folder(self, key: str) -> bool:
        metadata = self._link(key)
        return metadata is not None and metadata.is_dir

    def _link(self, key: str) -> Metadata | None:
        """Return what a link leads to; ``None`` when that is missing or outside the root."""
        try:
            with self.core.root.locate(segments(key), follow=True) as place:
                extra = self.core.beside(place.fd, place.name) if self.attributes else None
                return meta.describe(place.lstat(), extra, self.known)
        except (OSError, StorageError):
            return None

    def _entry(self, fd: int, key: str, name: str, *, is_link: bool) -> Entry | None:
        """Return the entry, or ``None`` when it vanished or turned into something else."""
        if is_link:
            # A broken link is shown: nothing more can be learnt of it.
            broken = Metadata(mode=EntryMode.UNKNOWN, known=meta.ALL_KEYS)
            return Entry(key, self._link(key.removesuffix("/")) or broken)
        try:
            st = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            if storage_error(error).is_temporary:
                raise
            # A mount whose server died, a broken disk: what else is here is listed all the same.
            mode = EntryMode.DIR if key.endswith("/") else EntryMode.UNKNOWN
            return Entry(key, Metadata(mode=mode, known=meta.ALL_KEYS))
        if stat.S_ISDIR(st.st_mode) is not key.endswith("/"):
            return None
        extra = self.core.beside(fd, name) if self.attributes else None
        return Entry(key, meta.describe(st, extra, self.known))


def _open_folder(name: str, parent: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
