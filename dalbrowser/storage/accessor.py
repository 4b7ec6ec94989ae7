"""The one protocol that every service and every layer implements: the raw API.

Nothing above can tell a service from a stack of layers around it. A default answers
``Unsupported`` without a request, so a service overrides exactly what it declares in its
capability. All paths are exact keys relative to the service's root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.storage.errors import unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.storage.context import AccessorInfo
    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopy,
        OpCopyMultipart,
        OpCreateDir,
        OpCreateMultipart,
        OpDelete,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpPresign,
        OpRead,
        OpRename,
        OpStat,
        OpWrite,
        OpWriteMultipart,
    )
    from dalbrowser.storage.types import (
        Bucket,
        Data,
        DeleteOutcome,
        HttpExchange,
        Metadata,
        Part,
        PresignedRequest,
        RawLister,
        RawPartLister,
        RawPartWriter,
        RawUploadLister,
        RawWriter,
        ReadReply,
    )


class Accessor:
    """Base of all services and layers. Every method but ``info`` may raise ``StorageError``."""

    def info(self) -> AccessorInfo:
        """Return who the service is and what it can do; never blocks, never fails."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Release connections; safe to call twice."""

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        """Report every HTTP exchange to ``sink`` from now on; services without HTTP have none."""

    async def check(self) -> None:
        """Make the cheapest request that proves address, credentials and container."""
        raise unsupported("check")

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        """Create the folder ``path`` (ends in ``/``); succeeds when it exists."""
        raise unsupported("create_dir")

    async def stat(self, path: str, args: OpStat) -> Metadata:
        """Return the metadata of ``path``, or raise ``NotFound``."""
        raise unsupported("stat")

    async def read(self, path: str, args: OpRead) -> ReadReply:
        """Open the *stored* bytes of ``path``, no content encoding undone."""
        raise unsupported("read")

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        """Open a writer; nothing is visible before its ``close`` returns."""
        raise unsupported("write")

    def takes_whole(self) -> bool:
        """Whether ``read_whole`` and ``write_whole`` are there, and every layer heeds them."""
        return False

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        """Return a small object and its bytes; ``ConditionNotMatch`` unless it has ``size``."""
        raise unsupported("reading at once")

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        """Write a small object in one request; ``again`` if an earlier one may have landed."""
        raise unsupported("writing at once")

    async def list(self, path: str, args: OpList) -> RawLister:
        """List a folder (``path`` ends in ``/`` or is empty) or, natively, a prefix."""
        raise unsupported("list")

    async def delete(self, path: str, args: OpDelete) -> None:
        """Delete ``path``; succeeds when it does not exist."""
        raise unsupported("delete")

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        """Delete up to ``delete_max_size`` paths in one request; one outcome each, in order."""
        raise unsupported("batch delete")

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        """Copy on the server; return what it said of the new object."""
        raise unsupported("copy")

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        """Rename on the server, atomically."""
        raise unsupported("rename")

    async def presign(self, path: str, args: OpPresign) -> PresignedRequest:
        """Sign a request for somebody else to send; no request is made."""
        raise unsupported("presign")

    async def list_buckets(self) -> Sequence[Bucket]:
        """Return every bucket that the credentials may list."""
        raise unsupported("list_buckets")

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        """Begin an upload and return its id."""
        raise unsupported("create_multipart")

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        """Open the writer of one part."""
        raise unsupported("write_multipart")

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        """Fill one part from a range of an existing object, on the server."""
        raise unsupported("copy_multipart")

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        """Turn ``parts``, in order of their numbers, into the object."""
        raise unsupported("complete_multipart")

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        """Drop the upload and its parts; succeeds when it is already gone."""
        raise unsupported("abort_multipart")

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        """List the incomplete uploads whose key begins with ``path``."""
        raise unsupported("list_multiparts")

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        """List the parts that the server holds of one upload, in order of their numbers."""
        raise unsupported("list_parts")
