"""Everything below a local folder, in the order of the keys. The walk blocks: it runs in threads.

As a source, a file's key is its relative path, as ``dal cp -r`` has it. As a target, it is
the key that ``transfer.localnames`` would bring there. Invariants: what cannot be read, is a
link to a folder, or has a name that no key can have, is a row that says so; links to folders
are not followed; one folder's names are in memory at a time, and those above it.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from dalbrowser.transfer.disk.localnames import key_of, segments_of
from dalbrowser.transfer.sync.items import Item

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

_PAGE = 1000
_UNFINISHED = re.compile(r"\..+\.dalpart$", re.DOTALL)
_CONTINUES = "%_"


class _Name(NamedTuple):
    """One name in a folder: where it sorts, whether it is walked into, where it lies."""

    key: str
    is_folder: bool
    foreign: bool
    path: str
    leads_on: bool = False
    """Whether it is a link to a folder."""


async def local_items(root: str, *, target: bool) -> AsyncGenerator[list[Item], None]:
    """Yield the files below ``root``, a page at a time; nothing when ``root`` is not there.

    ``target`` says that keys are to be read back from names that downloads wrote.
    """
    rows = _Walk(root, target=target).rows()
    while page := await asyncio.to_thread(lambda: list(islice(rows, _PAGE))):
        yield page


class _Walk:
    def __init__(self, root: str, *, target: bool) -> None:
        self._root = root
        self._target = target

    def rows(self) -> Iterator[Item]:
        if self._target and not os.path.lexists(self._root):
            return
        levels = [self._enter(_Name("", True, False, self._root))]
        while levels:
            row = next(levels[-1], None)
            if row is None:
                levels.pop()
            elif isinstance(row, Item):
                yield row
            else:
                levels.append(self._enter(row))

    def _enter(self, folder: _Name) -> Iterator[Item | _Name]:
        try:
            names = self._names(folder, folder.path, ())
        except OSError as error:
            why = f"the folder cannot be read ({error.strerror or error})"
            yield Item(key=folder.key, path=folder.path, obstacle=why, failed=True, below=True)
            return
        names.sort()
        for name in names:
            if name.is_folder:
                yield name
            else:
                yield self._file(name)

    def _names(self, folder: _Name, path: str, begun: tuple[str, ...]) -> list[_Name]:
        """Read a folder; the folders that only continue a long name are read with it."""
        found: list[_Name] = []
        with os.scandir(path) as scan:
            for entry in scan:
                is_folder = entry.is_dir(follow_symlinks=False)
                if self._target and is_folder and entry.name.endswith(_CONTINUES):
                    found += self._names(folder, entry.path, (*begun, entry.name))
                    continue
                name, foreign = self._key((*begun, entry.name))
                leads_on = entry.is_symlink() and _is_folder(entry.path)
                key = f"{folder.key}{name}/" if is_folder or leads_on else folder.key + name
                foreign = foreign or folder.foreign
                found.append(_Name(key, is_folder, foreign, entry.path, leads_on))
        return found

    def _key(self, names: tuple[str, ...]) -> tuple[str, bool]:
        """Return the segment of a key that these names stand for, and whether none does."""
        if not self._target:
            return names[0], False
        segment = key_of(names)
        if segments_of(segment) != list(names):
            return "/".join(names), True
        return segment, False

    def _file(self, name: _Name) -> Item:
        why, failed = "", False
        facts: os.stat_result | None = None
        try:
            facts = os.lstat(name.path)
            linked = stat.S_ISLNK(facts.st_mode)
            if linked and not self._target and not name.leads_on:
                facts = os.stat(name.path)  # noqa: PTH116 -- exact names
        except OSError as error:
            why, failed, linked = f"it cannot be read ({error.strerror or error})", True, False
        if facts is not None:
            why = self._why_not(name, facts, linked=linked)
        if not why and not self._target and not _is_text(name.key):
            why, failed = "its name is not valid UTF-8, which every key has to be; rename it", True
        if facts is None or why:
            return Item(
                key=name.key,
                path=name.path,
                foreign=name.foreign,
                obstacle=why,
                failed=failed,
                below=name.leads_on,
            )
        return Item(
            key=name.key,
            size=facts.st_size,
            modified=facts.st_mtime_ns / 1e9,
            mtime_ns=facts.st_mtime_ns,
            path=name.path,
            foreign=name.foreign,
        )

    def _why_not(self, name: _Name, facts: os.stat_result, *, linked: bool) -> str:
        if name.leads_on:
            return "it is a link to a folder, and those are not followed"
        if linked and self._target:
            return "it is a link, and nothing is written through or over one"
        if _UNFINISHED.search(os.path.basename(name.path)):  # noqa: PTH119
            return "it is a download that has not ended"
        if not stat.S_ISREG(facts.st_mode):
            return "it is not a regular file"
        return ""


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 -- blocks, as everything here


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
