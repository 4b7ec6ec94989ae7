"""Whether two sides hold the same bytes, by what a listing tells and the local file's own.

Invariant: no remote byte is read; ``None`` is said where that does not decide it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage import Metadata
from dalbrowser.transfer.integrity import as_md5, multipart_count, same_etag, verify_file
from dalbrowser.transfer.model import Integrity

if TYPE_CHECKING:
    from dalbrowser.transfer.sync.items import Item


async def same_contents(source: Item, target: Item) -> bool | None:
    """Whether the contents are the same; raises ``OSError`` when a local file cannot be read.

    A local file is hashed in a thread: whole, or in the parts that the ETag speaks of. An
    ETag in parts that no common size of parts explains says nothing of a download, and of an
    upload that it was not made from this file as this program sends it.
    """
    local, remote = (source, target) if source.path else (target, source)
    if not local.path:
        return _same_etags(source.etag, target.etag)
    if remote.path or not remote.etag or local.size is None:
        return None
    proven, _ = await asyncio.to_thread(
        verify_file, local.path, Metadata(etag=remote.etag), local.size
    )
    if proven is Integrity.SIZE_ONLY:
        uploads = local is source and multipart_count(remote.etag) is not None
        return False if uploads else None
    return proven.is_proof


def _same_etags(one: str, other: str) -> bool | None:
    if as_md5(one) and as_md5(other):
        return same_etag(one, other)
    if multipart_count(one) is not None and same_etag(one, other):
        return True
    return None
