"""Everything below a prefix of a service, in the order of the keys.

Invariant: folders and their markers (keys that end in ``/`` and hold nothing) are no rows:
a sync is of files, and never deletes a folder that somebody made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage import Metakey
from dalbrowser.storage.paths import spell
from dalbrowser.transfer.sync.items import Item

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from dalbrowser.storage import Entry, Operator

_WANTED = Metakey.MODE | Metakey.CONTENT_LENGTH | Metakey.LAST_MODIFIED | Metakey.ETAG
_PAGE = 1000


async def remote_items(
    op: Operator, prefix: str, *, unordered: bool = False
) -> AsyncGenerator[list[Item], None]:
    """Yield the objects below ``prefix`` (a folder's key, or empty), a page at a time.

    ``unordered`` says that the service was seen not to list in order: then all are taken
    first, and sorted here.
    """
    info = op.info()
    # Asking for what comes after the folder makes a walk that is put together here ordered.
    after = None if info.native.list_with_start_after else spell(prefix)
    lister = op.lister(
        spell(prefix), recursive=True, start_after=after, metakey=_WANTED & info.listed
    )
    gathered: list[Item] = []
    async with lister:
        async for page in lister.pages():
            items = [item for entry in page if (item := _item(entry, prefix)) is not None]
            if unordered:
                gathered += items
            elif items:
                yield items
    gathered.sort(key=lambda item: item.key)
    for at in range(0, len(gathered), _PAGE):
        yield gathered[at : at + _PAGE]


def _item(entry: Entry, prefix: str) -> Item | None:
    key, facts = entry.path[len(prefix) :], entry.metadata
    if not key:
        return None
    if facts.is_dir or key.endswith("/"):
        if not facts.content_length or not key.endswith("/") or not facts.etag:
            return None
        why = "its key ends in '/' like a folder's and it holds bytes; rename it"
        return Item(key=key, obstacle=why, failed=True)
    return Item(
        key=key,
        size=facts.content_length,
        modified=facts.last_modified.timestamp() if facts.last_modified else None,
        etag=facts.etag or "",
        version=facts.version or "",
    )
