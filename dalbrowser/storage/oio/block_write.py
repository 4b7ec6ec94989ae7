"""The writer of services that take blocks by id and then a list of ids, as Azure Blob does.

It is the multipart writer with the ids for parts, so all of that writer's invariants hold.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Protocol

from dalbrowser.storage.oio.multipart_write import MultipartWriter
from dalbrowser.storage.types import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.types import Data, Metadata

MAX_BLOCKS = 50_000
"""Blocks of one blob (Azure, "Put Block": 50,000 committed blocks)."""


class BlockBackend(Protocol):
    """What a service gives to ``block_writer``. Each method is one request."""

    async def single(self, data: Data) -> Metadata:
        """Write the whole object in one request; ``data`` may be empty."""
        ...

    async def block(self, block_id: str, data: Data) -> None:
        """Send one block under its id; all ids of an object have the same length."""
        ...

    async def commit(self, block_ids: Sequence[str]) -> Metadata:
        """Make the object out of the blocks, in this order."""
        ...

    async def discard(self, block_ids: Sequence[str]) -> None:
        """Drop the blocks; services that forget uncommitted blocks by themselves do nothing."""
        ...


class _BlocksAsParts:
    """A ``MultipartBackend`` whose upload id is the prefix of its blocks' ids."""

    def __init__(self, backend: BlockBackend, session: str) -> None:
        self._backend = backend
        self._session = session
        self._sent: set[int] = set()

    async def single(self, data: Data) -> Metadata:
        return await self._backend.single(data)

    async def begin(self) -> str:
        return self._session

    async def part(self, upload_id: str, number: int, data: Data) -> Part:
        self._sent.add(number)
        block_id = self._id(number)
        await self._backend.block(block_id, data)
        return Part(number, memoryview(data).nbytes, block_id)

    async def complete(self, upload_id: str, parts: Sequence[Part]) -> Metadata:
        return await self._backend.commit([part.etag for part in parts])

    async def abort(self, upload_id: str) -> None:
        await self._backend.discard([self._id(number) for number in sorted(self._sent)])

    def _id(self, number: int) -> str:
        return b64encode(f"{self._session}-{number:06d}".encode()).decode()


def block_writer(
    backend: BlockBackend, session: str, *, chunk: int, concurrent: int = 1
) -> MultipartWriter:
    """Return a writer; ``session`` is unique to this write, so that two writers never mix."""
    return MultipartWriter(
        _BlocksAsParts(backend, session), chunk=chunk, concurrent=concurrent, max_parts=MAX_BLOCKS
    )
