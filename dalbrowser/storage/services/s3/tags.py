"""The tags of an object, which no other reply brings: read for a copy, put where need be.

CopyObject carries them by itself; a copy made in parts begins a new object, which has none.
Invariant: a key that may read objects and not their tags can still copy, without them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import xml
from dalbrowser.storage.services.s3.core import Ask, content_md5

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.services.s3.core import S3Core

_UNREADABLE = frozenset(
    {
        ErrorKind.PERMISSION_DENIED,
        ErrorKind.UNSUPPORTED,
        ErrorKind.INVALID_INPUT,
        ErrorKind.NOT_FOUND,  # NoSuchTagSet, of some servers
    }
)


async def put_tags(core: S3Core, key: str, tags: Mapping[str, str], version: str | None) -> None:
    """Give an object these tags, for a server that drops those of an upload in parts."""
    items = (
        f"<Tag>{xml.element('Key', name)}{xml.element('Value', value)}</Tag>"
        for name, value in tags.items()
    )
    body = f"<Tagging><TagSet>{''.join(items)}</TagSet></Tagging>".encode()
    query = [("tagging", "")] + ([("versionId", version)] if version else [])
    asked = {
        "content-type": "application/xml",
        "content-md5": content_md5(hashlib.md5(body, usedforsecurity=False).digest()),
    }
    await core.call(
        Ask("PUT", key, act="write tags", query=query, headers=asked, body=[body], ok=(200, 204))
    )


async def tags_of(core: S3Core, key: str, version: str | None) -> dict[str, str]:
    """Return the tags of an object; none where they cannot be read."""
    try:
        return await _read_tags(core, key, version)
    except StorageError as error:
        if error.kind in _UNREADABLE:
            return {}
        raise


async def told_tags(
    core: S3Core, key: str, version: str | None, head: Mapping[str, str]
) -> Mapping[str, str] | None:
    """Return the tags of an object whose HEAD was answered with ``head``.

    ``None`` where they may not be read, or the answer is none. No request is made where the
    server says how many there are, and there are none.
    """
    config = core.config
    count = head.get("x-amz-tagging-count")
    tells = count is not None or config.tag_counts or not config.endpoint
    if not config.object_tags or (tells and count in {None, "0"}):
        return {}
    try:
        return await _read_tags(core, key, version)
    except StorageError as error:
        if error.kind in {ErrorKind.NOT_FOUND, ErrorKind.UNSUPPORTED} and count is None:
            return {}
        if error.is_temporary or error.kind not in {*_UNREADABLE, ErrorKind.UNEXPECTED}:
            raise
        return None


async def _read_tags(core: S3Core, key: str, version: str | None) -> dict[str, str]:
    query = [("tagging", "")]
    if version is not None:
        query.append(("versionId", version))
    _, text = await core.call(Ask("GET", key, act="read tags", query=query))
    root = xml.parse(text, "The reply (Tagging)")
    if xml.local(root.tag) != "Tagging":
        # Whoever does not know the question answers with the object itself.
        raise StorageError(ErrorKind.UNEXPECTED, "The server did not answer with tags.")
    return {
        xml.text_of(item, "Key") or "": xml.text_of(item, "Value") or ""
        for item in root.iter()
        if xml.local(item.tag) == "Tag"
    }
