"""Listings of a memory store: pages over the sorted keys, folders folded by bisection.

Invariant: a token is the least key that the next page may hold, so a key that is written or
deleted meanwhile never makes another appear twice or go missing.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from dalbrowser.storage.oio.paging import GivenPages, PageLister
from dalbrowser.storage.types import Entry, EntryMode, Metadata, Metakey, Page
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from dalbrowser.storage.options import OpList
    from dalbrowser.storage.services.memory.core import Store
    from dalbrowser.storage.types import RawLister

PAGE = 1000
_FOLDER = Metadata(mode=EntryMode.DIR, known=Metakey.COMPLETE)


def list_store(store: Store, root: str, path: str, args: OpList) -> RawLister:
    """List the keys that begin with ``path`` under ``root``, folded unless recursive."""
    prefix = root + path
    limit = args.limit or PAGE
    after = None if args.start_after is None else root + args.start_after
    if args.versions or args.deleted:
        entries = _versions(store, root, prefix, args, after)
        return GivenPages(Page(entries[at : at + limit]) for at in range(0, len(entries), limit))
    fold = _Fold(store, root, prefix, after, limit, args.recursive)
    first = prefix if after is None else max(prefix, after + "\0")

    async def fetch(token: str | None) -> tuple[Page, str | None]:
        with store.lock:
            return fold.page(token or first)

    return PageLister(fetch)


@record()
class _Fold:
    """One listing of current objects; keys and prefixes with the root."""

    store: Store
    root: str
    prefix: str
    after: str | None
    limit: int
    recursive: bool

    def page(self, lowest: str) -> tuple[Page, str | None]:
        """Return the page that begins at key ``lowest``, and the least key of the next."""
        keys, objects, skip = self.store.keys, self.store.objects, len(self.root)
        entries: list[Entry] = []
        at = bisect_left(keys, lowest)
        while at < len(keys) and keys[at].startswith(self.prefix):
            key = keys[at]
            if len(entries) >= self.limit:
                return Page(entries), key
            slash = -1 if self.recursive else key.find("/", len(self.prefix))
            if slash >= 0 and _has_current(self.store, key[: slash + 1], at):
                folder = key[: slash + 1]
                if self.after is None or folder > self.after:
                    entries.append(Entry(folder[skip:], _FOLDER))
                at = bisect_left(keys, key[:slash] + "0", at)
                continue
            stored = objects[key][-1]
            if slash < 0 and stored.data is not None and key != self.root:
                entries.append(Entry(key[skip:], stored.metadata))
            at += 1
        return Page(entries), None


def _has_current(store: Store, folder: str, at: int) -> bool:
    """Whether any key under ``folder``, from index ``at`` on, is not deleted."""
    while at < len(store.keys) and store.keys[at].startswith(folder):
        if store.objects[store.keys[at]][-1].data is not None:
            return True
        at += 1
    return False


def _versions(store: Store, root: str, prefix: str, args: OpList, after: str | None) -> list[Entry]:
    """Return every version under a prefix, by key and newest first."""
    entries: list[Entry] = []
    folders: set[str] = set()
    with store.lock:
        for key in store.keys[bisect_left(store.keys, prefix) :]:
            if not key.startswith(prefix):
                break
            slash = -1 if args.recursive else key.find("/", len(prefix))
            name = key if slash < 0 else key[: slash + 1]
            if after is not None and name <= after:
                continue
            if slash >= 0:
                if name not in folders:
                    folders.add(name)
                    entries.append(Entry(name[len(root) :], _FOLDER))
                continue
            entries += _of_key(store, key, key[len(root) :], args)
    return entries


def _of_key(store: Store, key: str, path: str, args: OpList) -> list[Entry]:
    versions = store.objects[key]
    found: list[Entry] = []
    for index in range(len(versions) - 1, -1, -1):
        metadata, newest = versions[index].metadata, index == len(versions) - 1
        if metadata.is_deleted and not args.deleted:
            continue
        if not args.versions and not newest:
            continue
        found.append(Entry(path, _marked(metadata, current=newest)))
    return found


def _marked(metadata: Metadata, *, current: bool) -> Metadata:
    return replace(metadata, is_current=current)
