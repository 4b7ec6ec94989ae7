"""A server-side copy above the service's limit for one request: filled part by part.

Invariants: all parts come from one version of the source, pinned by its ETag; on any
failure the upload is aborted and the target is untouched.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.oio.multipart_write import MAX_PARTS, part_size
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCopyMultipart,
    OpCreateMultipart,
)
from dalbrowser.storage.types import ByteRange

if TYPE_CHECKING:
    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpCopy
    from dalbrowser.storage.types import Metadata, Part

DEFAULT_CHUNK = 512 * 1024 * 1024
"""Bytes of one copied part: no byte passes through here, so parts are large and few."""


async def copy_in_parts(
    access: Accessor, source: str, target: str, args: OpCopy, metadata: Metadata
) -> Metadata:
    """Copy ``source``, described by ``metadata``, to ``target``; headers are carried over."""
    total = metadata.content_length or 0
    if args.if_match is not None and args.if_match not in ("*", metadata.etag):
        raise StorageError(
            ErrorKind.CONDITION_NOT_MATCH,
            f"The source's ETag is {metadata.etag}, not {args.if_match}.",
            operation="copy",
            path=source,
        )
    limits = access.info().native
    chunk = part_size(
        args.chunk or min(DEFAULT_CHUNK, limits.copy_max_size or DEFAULT_CHUNK),
        total,
        min_size=limits.write_multi_min_size,
        max_size=limits.write_multi_max_size,
        max_parts=limits.write_multi_max_parts or MAX_PARTS,
    )
    upload_id = await access.create_multipart(target, _same_headers(metadata))
    slots = asyncio.Semaphore(args.concurrent)

    async def one(number: int) -> Part:
        start = (number - 1) * chunk
        wanted = OpCopyMultipart(
            upload_id=upload_id,
            number=number,
            source=source,
            range=ByteRange(start, min(start + chunk, total)),
            if_match=metadata.etag,
            source_version=args.source_version,
        )
        async with slots:
            return await access.copy_multipart(target, wanted)

    tasks = [asyncio.ensure_future(one(n)) for n in range(1, -(total // -chunk) + 1)]
    try:
        parts = await asyncio.gather(*tasks)
        return await access.complete_multipart(
            target,
            parts,
            OpCompleteMultipart(upload_id=upload_id, if_not_exists=args.if_not_exists),
        )
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.shield(access.abort_multipart(target, OpAbortMultipart(upload_id=upload_id)))
        raise


def _same_headers(metadata: Metadata) -> OpCreateMultipart:
    return OpCreateMultipart(
        content_type=metadata.content_type,
        content_disposition=metadata.content_disposition,
        content_encoding=metadata.content_encoding,
        cache_control=metadata.cache_control,
        user_metadata=metadata.user_metadata,
        storage_class=metadata.storage_class,
    )
