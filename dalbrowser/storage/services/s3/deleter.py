"""Deletes: one key, or a thousand in one request.

Invariant: a key goes into a DeleteObjects document only when XML brings it over unchanged;
every other is deleted by a request of its own, so no other key can be hit instead.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.net import xml
from dalbrowser.storage.services.s3 import replies
from dalbrowser.storage.services.s3.core import Ask, content_md5, digest_of
from dalbrowser.storage.services.s3.uploads import XMLNS
from dalbrowser.storage.types import DeleteOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.options import OpDelete
    from dalbrowser.storage.services.s3.core import S3Core

_SINGLES = 8
"""Single deletes under way at once within a batch."""
_GONE = frozenset({"NoSuchKey", "NoSuchVersion"})


async def delete(core: S3Core, key: str, args: OpDelete) -> None:
    """Delete one key; one that does not exist is fine."""
    query = [("versionId", args.version)] if args.version else []
    try:
        await core.call(Ask("DELETE", key, act="delete objects", query=query, ok=(200, 202, 204)))
    except StorageError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise


async def delete_batch(
    core: S3Core, root: str, items: Sequence[tuple[str, OpDelete]]
) -> list[DeleteOutcome]:
    """Delete many keys; one outcome each, in order."""
    together = [item for item in items if xml.can_carry(item[0])]
    alone = [item for item in items if not xml.can_carry(item[0])]
    errors: dict[tuple[str, str], StorageError | None] = {}
    if together:
        errors.update(await _together(core, together))
    slots = asyncio.Semaphore(_SINGLES)

    async def one(key: str, args: OpDelete) -> None:
        async with slots:
            try:
                await delete(core, key, args)
            except StorageError as error:
                errors[key, args.version or ""] = error
            else:
                errors[key, args.version or ""] = None

    async with asyncio.TaskGroup() as group:
        for key, args in alone:
            group.create_task(one(key, args))
    return [
        DeleteOutcome(key[len(root) :], args.version, errors[key, args.version or ""])
        for key, args in items
    ]


async def _together(
    core: S3Core, items: Sequence[tuple[str, OpDelete]]
) -> dict[tuple[str, str], StorageError | None]:
    objects = "".join(
        "<Object>"
        + xml.element("Key", key)
        + (xml.element("VersionId", args.version) if args.version else "")
        + "</Object>"
        for key, args in items
    )
    body = [f'<Delete xmlns="{XMLNS}">{objects}</Delete>'.encode()]
    _, text = await core.call(
        Ask(
            "POST",
            act="delete objects",
            query=[("delete", "")],
            headers={
                "content-type": "application/xml",
                "content-md5": content_md5(await digest_of("md5", body)),
            },
            body=body,
        )
    )
    gone, failed = replies.deletions(text)
    gone_keys = {key for key, _ in gone}
    found: dict[tuple[str, str], StorageError | None] = {}
    for key, args in items:
        name = (key, args.version or "")
        code, message = failed.get(name) or failed.get((key, "")) or ("", "")
        if code and code not in _GONE:
            found[name] = core.error_of(code, message, "delete objects")
        elif code or name in gone or (key in gone_keys and not args.version):
            found[name] = None
        else:
            found[name] = StorageError(
                ErrorKind.UNEXPECTED,
                "The server did not say whether this object was deleted. List the folder again.",
            )
    return found
