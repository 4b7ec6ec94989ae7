"""All bytes of one reply, compared with the checksum that it carries.

Invariant: bytes that are not the object's are raised, never returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from dalbrowser.storage.checksums import Witness, of_whole
from dalbrowser.storage.errors import StorageError
from dalbrowser.storage.pinning import replaced_meanwhile

WHOLE = 1024 * 1024
"""Bytes up to which an object may be moved in one call through the layers, not in blocks."""

if TYPE_CHECKING:
    from dalbrowser.storage.context import RawAccess
    from dalbrowser.storage.options import OpRead
    from dalbrowser.storage.types import FullBody, Metadata


async def read_whole(access: RawAccess, path: str, args: OpRead, *, verify_checksum: bool) -> bytes:
    """Return what one request brings."""
    reply = await access.read(path, args)
    try:
        data = await drain(cast("FullBody", reply.body))
    finally:
        await reply.body.aclose()
    if verify_checksum and args.range.is_full and reply.metadata.checksums:
        witness = witness_of(reply.metadata)
        if witness is not None:
            await compare(witness, 0, data, path)
    return data


async def read_exactly(
    access: RawAccess, path: str, args: OpRead, size: int, *, at_once: bool
) -> tuple[Metadata, bytes]:
    """Return an object of ``size`` bytes and what is told of it; ``args`` ask for all of it.

    ``at_once``: the service and all layers over it take whole objects.
    """
    if at_once and size <= WHOLE:
        metadata, data = await access.read_whole(path, args, size)
    else:
        reply = await access.read(path, args)
        metadata = reply.metadata
        try:
            if metadata.content_length not in (None, size):
                raise _another(path)
            data = await drain(cast("FullBody", reply.body))
        finally:
            await reply.body.aclose()
        if len(data) != size:
            raise _another(path)
    witness = witness_of(metadata) if metadata.checksums else None
    if witness is not None:
        await compare(witness, 0, data, path)
    return metadata, data


def _another(path: str) -> StorageError:
    error = replaced_meanwhile()
    error.operation, error.path = "read", path
    return error


async def compare(witness: Witness, at: int, block: bytes, path: str) -> None:
    """Let ``witness`` take a block, and name operation and path in what it raises."""
    try:
        await witness.take(at, block)
    except StorageError as error:
        error.operation, error.path = error.operation or "read", error.path or path
        raise


def witness_of(metadata: Metadata) -> Witness | None:
    """Return who compares the bytes with the object's checksum, where it has one of use."""
    told = of_whole(metadata.checksums)
    if told is None or not metadata.content_length:
        return None
    return Witness(*told, metadata.content_length)


async def drain(body: FullBody) -> bytes:
    """Return all that is left of ``body``."""
    blocks: list[bytes] = []
    while (block := await body.next()) is not None:
        blocks.append(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
