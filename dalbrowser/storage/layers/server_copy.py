"""Copies of any size and renames, made on the server out of the requests that it has.

Each works over any accessor: the complete layer runs it over the service, the operator over
all its layers, so that each request by itself is retried and limited.

Invariants: all parts of a copy come from one version of the source, pinned by its ETag; on
any failure the upload is aborted and the target is untouched; the source of a rename is
deleted only after its copy was confirmed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dalbrowser.storage.errors import ErrorKind, StorageError, unsupported
from dalbrowser.storage.oio.multipart_write import MAX_PARTS, part_size
from dalbrowser.storage.options import (
    OpAbortMultipart,
    OpCompleteMultipart,
    OpCopy,
    OpCopyMultipart,
    OpCreateMultipart,
    OpDelete,
    OpStat,
)
from dalbrowser.storage.types import ByteRange

if TYPE_CHECKING:
    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.capability import Capability
    from dalbrowser.storage.types import Metadata, Part

DEFAULT_CHUNK = 512 * 1024 * 1024
"""Bytes of one copied part: no byte passes through here, so parts are large and few."""


async def copy_any_size(
    access: Accessor, source: str, target: str, args: OpCopy, known: Metadata | None = None
) -> Metadata:
    """Copy by one request, or in parts when the source is larger than one request takes.

    ``known`` describes the source where it was looked at; it must, in another bucket.
    """
    native = access.info().native
    limit = native.copy_max_size
    if limit is None or not native.multipart_copy:
        return await access.copy(source, target, args)
    if args.source_size is not None and args.source_size <= limit:
        return await access.copy(source, target, args)
    metadata = known or await access.stat(source, OpStat(version=args.source_version))
    if (metadata.content_length or 0) <= limit:
        args = replace(args, source_size=metadata.content_length)
        return await access.copy(source, target, args)
    return await copy_in_parts(access, source, target, args, metadata)


async def rename_by_copy(
    access: Accessor, source: str, target: str, *, if_not_exists: bool
) -> None:
    """Copy under the source's ETag, then delete the source if it is still the one copied.

    Both names exist for a moment. A source that changes in between is kept, as far as the
    service takes conditions; the error is then ``ConditionNotMatch``.
    """
    native = access.info().native
    before = await access.stat(source, OpStat())
    wanted = OpCopy(
        if_not_exists=if_not_exists,
        if_match=before.etag if native.copy_with_if_match else None,
        source_size=before.content_length,
    )
    await copy_any_size(access, source, target, wanted)
    still = before.etag if native.delete_with_if_match else None
    try:
        await access.delete(source, OpDelete(if_match=still))
    except StorageError as error:
        # A repeated delete whose first answer was lost finds nothing that could match.
        if still is None or await _is_there(access, source):
            raise error


async def _is_there(access: Accessor, path: str) -> bool:
    try:
        await access.stat(path, OpStat())
    except StorageError as error:
        return error.kind is not ErrorKind.NOT_FOUND
    return True


async def copy_in_parts(
    access: Accessor, source: str, target: str, args: OpCopy, metadata: Metadata
) -> Metadata:
    """Copy ``source``, described by ``metadata``, to ``target``.

    Headers, user metadata, storage class and readable tags are carried over. The ACL is not,
    as it is not by one request for the copy either: the copy is its owner's alone.
    """
    total = metadata.content_length or 0
    if args.if_match is not None and args.if_match not in ("*", metadata.etag):
        raise StorageError(
            ErrorKind.CONDITION_NOT_MATCH,
            f"The source's ETag is {metadata.etag}, not {args.if_match}.",
            operation="copy",
            path=source,
        )
    limits = access.info().native
    if args.if_not_exists and not limits.write_with_if_not_exists:
        raise unsupported("copying in parts with if_not_exists", "leave the argument out")
    chunk = part_size(
        args.chunk or min(DEFAULT_CHUNK, limits.copy_max_size or DEFAULT_CHUNK),
        total,
        min_size=limits.write_multi_min_size,
        max_size=limits.write_multi_max_size,
        max_parts=limits.write_multi_max_parts or MAX_PARTS,
    )
    upload_id = await access.create_multipart(target, _same_headers(metadata, limits, source, args))
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
            source_bucket=args.source_bucket,
        )
        async with slots:
            return await access.copy_multipart(target, wanted)

    tasks = [asyncio.ensure_future(one(n)) for n in range(1, -(total // -chunk) + 1)]
    try:
        parts = await asyncio.gather(*tasks)
        finish = OpCompleteMultipart(upload_id=upload_id, if_not_exists=args.if_not_exists)
        return await access.complete_multipart(target, parts, finish)
    except BaseException as error:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await access.abort_multipart(target, OpAbortMultipart(upload_id=upload_id))
        except StorageError as failure:
            error.add_note(f"Its upload {upload_id} is left over, as aborting failed: {failure}")
        raise


def _same_headers(
    metadata: Metadata, limits: Capability, source: str, args: OpCopy
) -> OpCreateMultipart:
    """Carry the source's headers and tags over, those that the service can write."""
    names = ("content_type", "content_disposition", "content_encoding", "cache_control")
    kept: dict[str, Any] = {
        name: getattr(metadata, name)
        for name in (*names, "user_metadata", "storage_class")
        if getattr(limits, f"write_with_{name}")
    }
    if limits.write_with_tags:
        kept |= {"tags_from": source, "tags_version": args.source_version}
        kept["tags_bucket"] = args.source_bucket
    return OpCreateMultipart(**kept)
