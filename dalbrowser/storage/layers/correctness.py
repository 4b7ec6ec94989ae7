"""Refuses, before any request, what the service cannot honour or what cannot mean anything.

Invariant: an argument that changes the meaning of an operation is either honoured by the
service or answered with ``Unsupported``; it is never silently dropped.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError, unsupported
from dalbrowser.storage.layer import LayeredAccessor
from dalbrowser.storage.layers.declared_size import SizedPartWriter, SizedWriter, require_declared
from dalbrowser.storage.layers.error_context import Where, range_text
from dalbrowser.storage.oio.multipart_write import MAX_PARTS
from dalbrowser.storage.options import OpDelete, OpRead, OpStat, OpWrite
from dalbrowser.storage.paths import require_dir, require_file
from dalbrowser.storage.types import DeleteOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import (
        OpAbortMultipart,
        OpCompleteMultipart,
        OpCopy,
        OpCopyMultipart,
        OpCreateDir,
        OpCreateMultipart,
        OpList,
        OpListMultiparts,
        OpListParts,
        OpPresign,
        OpRename,
        OpWriteMultipart,
    )
    from dalbrowser.storage.types import (
        Bucket,
        Data,
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

_CONDITIONS = ("if_match", "if_none_match", "if_modified_since", "if_unmodified_since")
_OVERRIDES = ("override_cache_control", "override_content_disposition", "override_content_type")
_HEADERS = (
    "content_type",
    "content_disposition",
    "content_encoding",
    "cache_control",
    "user_metadata",
    "storage_class",
    "tags",
    "acl",
    "checksum",
)
_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "stat": ("stat_with_", (*_CONDITIONS, *_OVERRIDES, "version", "tags")),
    "read": ("read_with_", (*_CONDITIONS, *_OVERRIDES, "version")),
    "write": ("write_with_", (*_HEADERS, "if_match", "if_none_match", "if_not_exists")),
    "create_multipart": ("write_with_", _HEADERS),
    "complete_multipart": ("write_with_", ("if_not_exists", "if_match", "tags")),
    "write_multipart": ("write_with_", ("checksum",)),
    "copy": ("copy_with_", ("if_not_exists", "if_match", "source_version", "source_bucket")),
    "copy_multipart": ("copy_with_", ("source_bucket",)),
    "rename": ("rename_with_", ("if_not_exists",)),
    "delete": ("delete_with_", ("version", "if_match")),
    "list": ("list_with_", ("recursive", "limit", "start_after", "versions", "deleted")),
}
"""For each operation the prefix of its flags and the arguments that change its meaning."""

_WISHES = (("checksum", "auto"),)
"""Values that say "if you can", and so are never refused."""
_NEEDS = {
    "create_multipart": "multipart",
    "write_multipart": "multipart",
    "complete_multipart": "multipart",
    "abort_multipart": "multipart",
    "copy_multipart": "multipart_copy",
    "list_multiparts": "multipart_list_uploads",
    "list_parts": "multipart_list_parts",
}
_SIGNED = {OpStat: "stat", OpRead: "read", OpWrite: "write", OpDelete: "delete"}


class CorrectnessLayer:
    """Applied outermost of the three layers that every operator has."""

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with its arguments checked."""
        return CorrectnessAccessor(inner)


class CorrectnessAccessor(LayeredAccessor):
    """See the module."""

    def __init__(self, inner: Accessor) -> None:
        super().__init__(inner)
        info = inner.info()
        self._scheme = info.scheme
        self._cap = info.capability
        self._refused = {
            operation: tuple(
                option for option in options if not getattr(self._cap, prefix + option)
            )
            for operation, (prefix, options) in _OPTIONS.items()
        }

    def _require(self, operation: str, args: object = None) -> None:
        """Raise ``Unsupported`` for an operation, or an argument of it, that is not declared."""
        if not getattr(self._cap, _NEEDS.get(operation, operation)):
            raise unsupported(operation, f"the service {self._scheme!r} cannot do it")
        self._require_options(operation, args)

    def _require_options(self, operation: str, args: object) -> None:
        """Raise ``Unsupported`` for an argument whose flag is not declared."""
        for option in self._refused.get(operation, ()):
            if (value := getattr(args, option)) and (option, value) not in _WISHES:
                raise unsupported(
                    f"{operation} with {option}", "leave the argument out, or use another service"
                )

    def _where(self, operation: str, path: str | None = None, range: str | None = None) -> Where:
        return Where(self._scheme, operation, path, range)

    async def create_dir(self, path: str, args: OpCreateDir) -> None:
        with self._where("create_dir", path):
            require_dir(path)
            self._require("create_dir")
        await self.inner.create_dir(path, args)

    async def stat(self, path: str, args: OpStat) -> Metadata:
        with self._where("stat", path):
            self._require("stat", args)
        return await self.inner.stat(path, args)

    async def read(self, path: str, args: OpRead) -> ReadReply:
        with self._where("read", path, range_text(args.range)):
            require_file(path)
            self._require("read", args)
            if args.range.last is not None and not self._cap.read_with_suffix:
                raise unsupported("reading the last bytes")
            if not args.range.is_full and not self._cap.read_with_range:
                raise unsupported("reading a range", "read the whole object")
        return await self.inner.read(path, args)

    async def read_whole(self, path: str, args: OpRead, size: int) -> tuple[Metadata, bytes]:
        try:
            require_file(path)
            self._require("read", args)
        except StorageError as error:
            raise self._where("read", path).name(error) from None
        return await self.inner.read_whole(path, args, size)

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        try:
            self._require_writable(path, args)
            require_declared(self._cap, args, memoryview(data).nbytes)
        except StorageError as error:
            raise self._where("write", path).name(error) from None
        return await self.inner.write_whole(path, args, data, again=again)

    def _require_writable(self, path: str, args: OpWrite) -> None:
        require_file(path)
        self._require("write", args)
        if args.append and not self._cap.write_can_append:
            raise unsupported("appending", "write the whole object anew")
        _require_positive("chunk", args.chunk)
        _require_positive("concurrent", args.concurrent)
        self._require_total(args.content_length or 0)

    async def write(self, path: str, args: OpWrite) -> RawWriter:
        with self._where("write", path):
            self._require_writable(path, args)
        writer = await self.inner.write(path, args)
        return SizedWriter(writer, self._where("write", path), self._cap, args)

    def _require_total(self, size: int) -> None:
        limit = self._cap.write_total_max_size
        if limit is not None and size > limit:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"{size} bytes are more than the {limit} that an object may have here; split it.",
            )

    async def list(self, path: str, args: OpList) -> RawLister:
        with self._where("list", path):
            self._require("list", args)
            _require_positive("limit", args.limit)
            _require_positive("concurrent", args.concurrent)
        return await self.inner.list(path, args)

    async def delete(self, path: str, args: OpDelete) -> None:
        with self._where("delete", path):
            self._require("delete", args)
            _require_named(path)
        await self.inner.delete(path, args)

    async def delete_batch(self, items: Sequence[tuple[str, OpDelete]]) -> Sequence[DeleteOutcome]:
        limit = self._cap.delete_max_size
        if limit is not None and len(items) > limit:
            with self._where("delete_batch"):
                raise StorageError(
                    ErrorKind.INVALID_INPUT,
                    f"{len(items)} paths are more than the {limit} of one batch; send several.",
                )
        outcomes = [self._refusal(path, args) for path, args in items]
        sound = [item for item, refused in zip(items, outcomes, strict=True) if refused is None]
        done = iter(await self.inner.delete_batch(sound) if sound else ())
        return [refused or next(done) for refused in outcomes]

    def _refusal(self, path: str, args: OpDelete) -> DeleteOutcome | None:
        """Return the outcome of a path that cannot be sent; the others of its batch go on."""
        try:
            with self._where("delete", path):
                self._require("delete", args)
                _require_named(path)
        except StorageError as error:
            return DeleteOutcome(path, args.version, error)
        return None

    async def copy(self, source: str, target: str, args: OpCopy) -> Metadata:
        with self._where("copy", f"{source} -> {target}"):
            require_file(source)
            require_file(target)
            self._require("copy", args)
            if args.source_version is None and args.source_bucket is None:
                _require_two(source, target)
            _require_positive("chunk", args.chunk)
            _require_positive("concurrent", args.concurrent)
        return await self.inner.copy(source, target, args)

    async def rename(self, source: str, target: str, args: OpRename) -> None:
        with self._where("rename", f"{source} -> {target}"):
            require_file(source)
            require_file(target)
            self._require("rename", args)
            _require_two(source, target)
        await self.inner.rename(source, target, args)

    async def presign(self, path: str, args: OpPresign) -> PresignedRequest:
        with self._where("presign", path):
            signed = _SIGNED[type(args.operation)]
            self._require(f"presign_{signed}")
            self._require_options(signed, args.operation)
            if isinstance(args.operation, OpStat) and args.operation.tags:
                raise unsupported(
                    "presign of a stat with tags", "leave them out: one link is one request"
                )
            if not isinstance(args.operation, OpDelete):
                require_file(path)
            if args.expires.total_seconds() < 1:
                raise StorageError(
                    ErrorKind.INVALID_INPUT, "A presigned request must live at least one second."
                )
        return await self.inner.presign(path, args)

    async def list_buckets(self) -> Sequence[Bucket]:
        with self._where("list_buckets"):
            self._require("list_buckets")
        return await self.inner.list_buckets()

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        with self._where("create_multipart", path):
            require_file(path)
            self._require("create_multipart", args)
        return await self.inner.create_multipart(path, args)

    async def write_multipart(self, path: str, args: OpWriteMultipart) -> RawPartWriter:
        where = self._where("write_multipart", path)
        with where:
            require_file(path)
            self._require("write_multipart", args)
            self._require_part(args.number, args.size)
        return SizedPartWriter(await self.inner.write_multipart(path, args), where, args.size)

    def _require_part(self, number: int, size: int | None) -> None:
        most = self._cap.write_multi_max_parts or MAX_PARTS
        if not 1 <= number <= most:
            raise StorageError(
                ErrorKind.INVALID_INPUT, f"Part number {number} is not between 1 and {most}."
            )
        largest = self._cap.write_multi_max_size
        if size is not None and (size < 0 or (largest is not None and size > largest)):
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                f"A part of {size} bytes cannot be; a part has 0 to {largest} bytes here.",
            )

    async def copy_multipart(self, path: str, args: OpCopyMultipart) -> Part:
        with self._where("copy_multipart", path, range_text(args.range)):
            require_file(path)
            require_file(args.source)
            self._require("copy_multipart", args)
            self._require_part(args.number, args.range.size)
            if args.range.last is not None or args.range.end is None or not args.range.size:
                raise StorageError(
                    ErrorKind.INVALID_INPUT,
                    "A part is copied from a range with a start and an end after it.",
                )
        return await self.inner.copy_multipart(path, args)

    async def complete_multipart(
        self, path: str, parts: Sequence[Part], args: OpCompleteMultipart
    ) -> Metadata:
        with self._where("complete_multipart", path):
            require_file(path)
            self._require("complete_multipart", args)
            ordered = sorted(parts, key=lambda part: part.number)
            self._require_parts(ordered)
        return await self.inner.complete_multipart(path, ordered, args)

    def _require_parts(self, parts: Sequence[Part]) -> None:
        if not parts:
            raise StorageError(
                ErrorKind.INVALID_INPUT,
                "An upload needs at least one part to be completed; write one, or abort it.",
            )
        least = self._cap.write_multi_min_size or 0
        for part, following in pairwise(parts):
            self._require_part(part.number, None)
            if part.number == following.number:
                raise StorageError(
                    ErrorKind.INVALID_INPUT, f"Part {part.number} is given twice; give it once."
                )
            if part.size < least:
                raise StorageError(
                    ErrorKind.INVALID_INPUT,
                    f"Part {part.number} has {part.size} bytes; every part but the last needs"
                    f" at least {least} here. Write it again, larger.",
                )

    async def abort_multipart(self, path: str, args: OpAbortMultipart) -> None:
        with self._where("abort_multipart", path):
            self._require("abort_multipart")
        await self.inner.abort_multipart(path, args)

    async def list_multiparts(self, path: str, args: OpListMultiparts) -> RawUploadLister:
        with self._where("list_multiparts", path):
            self._require("list_multiparts")
            _require_positive("limit", args.limit)
        return await self.inner.list_multiparts(path, args)

    async def list_parts(self, path: str, args: OpListParts) -> RawPartLister:
        with self._where("list_parts", path):
            self._require("list_parts")
            _require_positive("limit", args.limit)
        return await self.inner.list_parts(path, args)


def _require_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise StorageError(ErrorKind.INVALID_INPUT, f"{name}={value} must be at least 1.")


def _require_named(path: str) -> None:
    if not path:
        raise StorageError(ErrorKind.INVALID_INPUT, "The root cannot be deleted; name an entry.")


def _require_two(source: str, target: str) -> None:
    if source == target:
        raise StorageError(
            ErrorKind.IS_SAME_FILE, "Source and target are the same; choose another target."
        )
