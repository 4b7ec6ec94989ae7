"""What a public handle may reach: the raw calls, as one protocol that ``Accessor`` satisfies.

The handles (``reader``, ``writer``, ``lister``, ``deleter``, ``multipart``) sit below the
accessor, so that a layer may build on them; this is the shape in which they see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dalbrowser.storage.types import Metakey
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.capability import Capability
    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopyMultipart,
        OpDelete,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpRead,
        OpStat,
        OpWrite,
        OpWriteMultipart,
    )
    from dalbrowser.storage.types import (
        Data,
        DeleteOutcome,
        Metadata,
        Part,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )


@record()
class AccessorInfo:
    """Who a service is and what it can do.

    ``scheme`` is the registered name, ``name`` the bucket or container (may be empty),
    ``root`` the prefix under which every path is taken (empty, or ends in ``/``).
    ``native`` is what the service does by itself, ``capability`` what it does after completion.
    ``listed`` is what its listings bring of a file without a request per entry.
    ``server`` and ``account`` say which server is reached and as whom, where a service can
    copy from another of its containers; they are compared and tell no secret.
    ``local`` says that the bytes are on this machine: reading them again costs no traffic.
    """

    scheme: str
    name: str
    root: str
    native: Capability
    capability: Capability
    listed: Metakey = Metakey.MODE
    server: str = ""
    account: str = ""
    local: bool = False


class RawAccess(Protocol):
    """The raw calls that the public handles make; paths are exact keys."""

    def info(self) -> AccessorInfo: ...
    async def stat(self, path: str, args: OpStat) -> Metadata: ...
    async def read(self, path: str, args: OpRead) -> ReadReply: ...
    async def write(self, path: str, args: OpWrite) -> RawWriter: ...
    def takes_whole(self) -> bool: ...
    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]: ...
    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata: ...
    async def list(self, path: str, args: OpList) -> RawLister: ...
    async def delete(self, path: str, args: OpDelete) -> None: ...
    async def delete_batch(
        self, items: Sequence[tuple[str, OpDelete]]
    ) -> Sequence[DeleteOutcome]: ...
    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter: ...
    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part: ...
    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata: ...
    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None: ...
    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister: ...
    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister: ...
