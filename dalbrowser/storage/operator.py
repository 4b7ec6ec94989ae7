"""The public API: what people call.

An ``Operator`` is bound to one service and one container; every path is an exact key (see
``paths``). Keyword arguments stand for OpenDAL's ``*_with`` builders. Invariant: every
operator carries the error context, complete and correctness layers, innermost first.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from dalbrowser.storage import copying, registry
from dalbrowser.storage.deleter import Deleter
from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.layers.complete import CompleteLayer
from dalbrowser.storage.layers.correctness import CorrectnessLayer
from dalbrowser.storage.layers.error_context import ErrorContextLayer
from dalbrowser.storage.lister import Lister
from dalbrowser.storage.multipart import Multipart, list_uploads
from dalbrowser.storage.options import (
    OpCopy,
    OpCreateDir,
    OpCreateMultipart,
    OpDelete,
    OpList,
    OpPresign,
    OpRead,
    OpRename,
    OpStat,
    OpWrite,
    made,
)
from dalbrowser.storage.paths import exact
from dalbrowser.storage.reader import Reader
from dalbrowser.storage.types import ByteRange, Metakey
from dalbrowser.storage.whole import WHOLE, read_exactly, read_whole
from dalbrowser.storage.writer import Writer

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.capability import Capability
    from dalbrowser.storage.context import AccessorInfo
    from dalbrowser.storage.layer import Layer
    from dalbrowser.storage.types import (
        Bucket,
        Data,
        DeleteOutcome,
        Entry,
        HttpExchange,
        Metadata,
        MultipartUpload,
        PresignedRequest,
    )


class Operator:
    """Access to one service. Every method may raise ``StorageError``.

    ``Operator("memory")`` builds a service by its registered name from its configuration;
    see ``from_uri`` and ``from_accessor`` for the other ways.
    """

    def __init__(self, scheme: str, **config: Any) -> None:
        self._access = _completed(registry.build(scheme, config))

    @classmethod
    def from_accessor(cls, accessor: Accessor) -> Operator:
        """Return an operator over a raw service."""
        return cls._over(_completed(accessor))

    @classmethod
    def from_uri(cls, uri: str) -> Operator:
        """Build from ``scheme://name/root?option=value``.

        ``name`` is the bucket or container, ``root`` the prefix under which paths are taken;
        options are the service's configuration fields. Percent-encoding is undone in each.
        """
        return cls._over(_completed(registry.build(*registry.parse_uri(uri))))

    @classmethod
    def _over(cls, access: Accessor) -> Operator:
        operator = cls.__new__(cls)
        operator._access = access
        return operator

    def layer(self, layer: Layer) -> Operator:
        """Return a new operator with ``layer`` around this one, which is unchanged."""
        return self._over(layer.layer(self._access))

    def info(self) -> AccessorInfo:
        """Return who the service is and what it can do."""
        return self._info

    @property
    def capability(self) -> Capability:
        """What is possible here, after completion."""
        return self._info.capability

    @property
    def accessor(self) -> Accessor:
        """The raw API under this operator, layers included."""
        return self._access

    def __repr__(self) -> str:
        info = self.info()
        return f"Operator(scheme={info.scheme!r}, name={info.name!r}, root={info.root!r})"

    def observe(self, sink: Callable[[HttpExchange], None]) -> None:
        """Report every HTTP exchange to ``sink`` from now on."""
        self._access.observe(sink)

    @cached_property
    def _info(self) -> AccessorInfo:
        # Every layer is asked for it in turn, and none ever answers otherwise.
        return self._access.info()

    @cached_property
    def _takes_whole(self) -> bool:
        return self._access.takes_whole()

    async def aclose(self) -> None:
        """Release connections; safe to call twice."""
        await self._access.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def check(self) -> None:
        """Make the cheapest request that proves address, credentials and container."""
        await self._access.check()

    async def list_buckets(self) -> Sequence[Bucket]:
        """Return every bucket that the credentials may list."""
        return await self._access.list_buckets()

    async def stat(
        self,
        path: str,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        version: str | None = None,
        tags: bool = False,
    ) -> Metadata:
        """Return the metadata of ``path``; a path that ends in ``/`` asks for a folder.

        With ``tags`` they come along, at the cost of a request more where there are some.
        Raises ``NotFound``, or ``ConditionNotMatch`` when a condition does not hold.
        """
        args = OpStat(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            version=version,
            tags=tags,
        )
        return await self._access.stat(exact(path), args)

    async def exists(self, path: str) -> bool:
        """Whether ``path`` is there; any error but ``NotFound`` is raised."""
        try:
            await self._access.stat(exact(path), OpStat())
        except StorageError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return False
            raise
        return True

    async def read(
        self,
        path: str,
        *,
        range: ByteRange | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        version: str | None = None,
        chunk: int | None = None,
        concurrent: int = 1,
        verify_checksum: bool = True,
    ) -> bytes:
        """Return the stored bytes of ``path``, or of a range of it (end exclusive).

        With ``chunk`` the bytes come by requests of that size, ``concurrent`` at a time.
        ``verify_checksum`` as in ``reader``.
        """
        args = OpRead(
            range=range or ByteRange(),
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            version=version,
        )
        if chunk is None and concurrent == 1:
            return await read_whole(
                self._access, exact(path), args, verify_checksum=verify_checksum
            )
        reader = Reader(
            self._access,
            exact(path),
            args,
            chunk=chunk,
            concurrent=concurrent,
            verify_checksum=verify_checksum,
        )
        async with reader:
            return b"".join([block async for block in reader])

    async def read_exactly(
        self, path: str, size: int, *, if_match: str | None = None, version: str | None = None
    ) -> tuple[Metadata, bytes]:
        """Return the metadata and the stored bytes of an object that has ``size`` of them.

        Raises ``ConditionNotMatch`` when it has not, and ``Unexpected``, temporary, when the
        bytes do not have the checksum that came with them. For what fits into memory.
        """
        args = OpRead(if_match=if_match, version=version)
        return await read_exactly(self._access, exact(path), args, size, at_once=self._takes_whole)

    def reader(
        self,
        path: str,
        *,
        range: ByteRange | None = None,
        chunk: int | None = None,
        concurrent: int = 1,
        prefetch: int = 0,
        gap: int | None = None,
        verify_checksum: bool = True,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        version: str | None = None,
    ) -> Reader:
        """Return a reader; makes no request, so errors come at the first read.

        ``chunk`` in bytes splits the read into requests of that size, ``concurrent`` under
        way at once and ``prefetch`` more kept ready; ``gap`` in bytes joins near ranges of
        ``fetch`` into one request. ``verify_checksum``: a whole object that is read in order
        is compared with the checksum that its reply carries (never a range); other bytes are
        ``Unexpected``, temporary, with the code ``ChecksumMismatch``.
        """
        args = OpRead(
            range=range or ByteRange(),
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            version=version,
        )
        return Reader(
            self._access,
            exact(path),
            args,
            chunk=chunk,
            concurrent=concurrent,
            prefetch=prefetch,
            gap=gap,
            verify_checksum=verify_checksum,
        )

    async def write(
        self, path: str, data: Data, *, buffer: int | None = None, **options: Any
    ) -> Metadata:
        """Write a whole object and return what the service said of it.

        ``options`` are the fields of ``OpWrite``: ``append``, ``chunk``, ``concurrent``,
        ``content_type``, ``if_not_exists`` and so on.
        """
        size, anew = memoryview(data).nbytes, not options.get("append")
        if anew:
            options.setdefault("content_length", size)
        if anew and size <= WHOLE and self._takes_whole:
            args = made(OpWrite, options, "write", path)
            data = data if isinstance(data, bytes) else bytes(data)
            return await self._access.write_whole(exact(path), args, data)
        writer = self.writer(path, buffer=buffer, **options)
        async with writer:
            await writer.write(data)
        return await writer.close()

    def writer(self, path: str, *, buffer: int | None = None, **options: Any) -> Writer:
        """Return a writer; ``buffer`` in bytes gathers small blocks, ``options`` as ``OpWrite``."""
        args = made(OpWrite, options, "write", path)
        return Writer(self._access, exact(path), args, buffer=buffer)

    def lister(
        self,
        path: str,
        *,
        recursive: bool = False,
        limit: int | None = None,
        start_after: str | None = None,
        versions: bool = False,
        deleted: bool = False,
        metakey: Metakey = Metakey.NONE,
        concurrent: int = 8,
    ) -> Lister:
        """Return a lister of a folder (``dir/``) or of a prefix (``di``); makes no request.

        ``limit`` is the size of a page, not of the listing. ``start_after`` is an exact key,
        exclusive. ``metakey`` says which fields each entry must know; those that the listing
        does not bring cost a stat a file (see ``Lister.cost``), ``concurrent`` at a time.
        """
        args = OpList(
            recursive=recursive,
            limit=limit,
            start_after=None if start_after is None else exact(start_after),
            versions=versions,
            deleted=deleted,
            metakey=metakey,
            concurrent=concurrent,
        )
        return Lister(self._access, exact(path), args)

    async def list(
        self,
        path: str,
        *,
        recursive: bool = False,
        limit: int | None = None,
        start_after: str | None = None,
        versions: bool = False,
        deleted: bool = False,
        metakey: Metakey = Metakey.NONE,
        concurrent: int = 8,
    ) -> list[Entry]:
        """Return all entries at once; see ``lister``."""
        lister = self.lister(
            path,
            recursive=recursive,
            limit=limit,
            start_after=start_after,
            versions=versions,
            deleted=deleted,
            metakey=metakey,
            concurrent=concurrent,
        )
        entries: list[Entry] = []
        async with lister:
            async for page in lister.pages():
                entries += page
        return entries

    async def create_dir(self, path: str) -> None:
        """Create a folder (``path`` ends in ``/``); succeeds when it exists."""
        await self._access.create_dir(exact(path), OpCreateDir())

    async def copy(self, source: str, target: str, **options: Any) -> Metadata:
        """Copy on the server and return what it said of the new object.

        ``options`` are the fields of ``OpCopy``: ``if_not_exists``, ``if_match`` (on the
        source), ``source_version``, ``source_size``, ``chunk``, ``concurrent``.
        """
        args = made(OpCopy, options, "copy", source)
        return await copying.copy(self._access, exact(source), exact(target), args)

    def copies_from(self, origin: Operator) -> bool:
        """Whether the server itself can copy from ``origin``'s bucket into this one's."""
        return copying.copies_from(self.info(), origin.info())

    async def copy_from(
        self, origin: Operator, source: str, target: str, **options: Any
    ) -> Metadata:
        """Copy ``source`` of another bucket of the same server; the bytes stay there.

        ``origin`` is the operator of that bucket, with the same keys; ``options`` as in
        ``copy``. ``Unsupported`` where ``copies_from`` is false. Without ``source_size`` the
        source is looked at first, and pinned to what was seen where the server takes conditions.
        """
        args = made(OpCopy, options, "copy", source)
        source, target = exact(source), exact(target)
        return await copying.copy_from(self._access, origin.accessor, source, target, args)

    async def rename(self, source: str, target: str, *, if_not_exists: bool = False) -> None:
        """Rename an object; where the service cannot, it is copied and then deleted."""
        args = OpRename(if_not_exists=if_not_exists)
        await copying.rename(self._access, exact(source), exact(target), args)

    async def delete(
        self, path: str, *, version: str | None = None, if_match: str | None = None
    ) -> None:
        """Delete one entry; succeeds when it does not exist."""
        await self._access.delete(exact(path), OpDelete(version=version, if_match=if_match))

    async def delete_many(
        self, paths: Iterable[str | tuple[str, str | None]], *, concurrent: int = 2
    ) -> builtins.list[DeleteOutcome]:
        """Delete many entries, given as paths or ``(path, version)``; one outcome each, in order.

        A path that cannot be deleted is an outcome with an error, not an exception.
        """
        items = [
            (exact(item), None) if isinstance(item, str) else (exact(item[0]), item[1])
            for item in paths
        ]
        return await Deleter(self._access, concurrent=concurrent).delete(items)

    async def remove_all(self, path: str) -> int:
        """Delete ``path`` and everything under it; return how many entries that were.

        ``a/`` means the folder, ``a`` the object and the folder of that name, never ``ab``;
        ``/`` means everything, and ``""`` is refused. Raises the first failure, after having
        tried all.
        """
        if not path:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                "An empty path does not mean everything; say '/' if that is what is meant.",
                operation="remove_all",
                path=path,
            )
        removed, failure = 0, None
        async for outcomes in Deleter(self._access).remove_all(exact(path)):
            for outcome in outcomes:
                removed += outcome.error is None
                failure = failure or outcome.error
        if failure is not None:
            raise failure
        return removed

    async def presign_stat(
        self, path: str, *, expires: timedelta, **options: Any
    ) -> PresignedRequest:
        """Sign a ``stat`` for somebody else to send; ``options`` as ``OpStat``."""
        args = made(OpStat, options, "presign", path)
        return await self._presign(path, args, expires)

    async def presign_read(
        self, path: str, *, expires: timedelta, **options: Any
    ) -> PresignedRequest:
        """Sign a ``read`` for somebody else to send; ``options`` as ``OpRead``."""
        args = made(OpRead, options, "presign", path)
        return await self._presign(path, args, expires)

    async def presign_write(
        self, path: str, *, expires: timedelta, **options: Any
    ) -> PresignedRequest:
        """Sign a ``write`` for somebody else to send; ``options`` as ``OpWrite``."""
        args = made(OpWrite, options, "presign", path)
        return await self._presign(path, args, expires)

    async def presign_delete(
        self, path: str, *, expires: timedelta, version: str | None = None
    ) -> PresignedRequest:
        """Sign a ``delete`` for somebody else to send."""
        return await self._presign(path, OpDelete(version=version), expires)

    async def _presign(
        self, path: str, operation: OpStat | OpRead | OpWrite | OpDelete, expires: timedelta
    ) -> PresignedRequest:
        args = OpPresign(operation=operation, expires=expires)
        return await self._access.presign(exact(path), args)

    async def create_multipart(self, path: str, **options: Any) -> Multipart:
        """Begin a multipart upload; ``options`` as ``OpCreateMultipart``."""
        args = made(OpCreateMultipart, options, "create_multipart", path)
        key = exact(path)
        upload_id = await self._access.create_multipart(key, args)
        return Multipart(self._access, key, upload_id, checksum=args.checksum)

    def into_multipart(
        self, path: str, upload_id: str, *, checksum: str | None = None
    ) -> Multipart:
        """Return the handle of an upload begun earlier, perhaps elsewhere; makes no request."""
        return Multipart(self._access, exact(path), upload_id, checksum=checksum)

    def list_multiparts(
        self, path: str = "", *, limit: int | None = None
    ) -> AsyncIterator[MultipartUpload]:
        """Iterate over incomplete uploads under a folder, or of exactly one path."""
        return list_uploads(self._access, exact(path), limit=limit)


def _completed(accessor: Accessor) -> Accessor:
    for layer in (ErrorContextLayer(), CompleteLayer(), CorrectnessLayer()):
        accessor = layer.layer(accessor)
    return accessor
