"""Gives what is written a content type by its name, where the caller gave none.

Invariant: a type that was given is never changed, and reading is never touched: what a
service says of an object stays what it says.
"""

from __future__ import annotations

import mimetypes
import posixpath
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from dalbrowser.storage.layer import LayeredAccessor

if TYPE_CHECKING:
    from dalbrowser.storage.accessor import Accessor
    from dalbrowser.storage.options import OpCreateMultipart, OpWrite
    from dalbrowser.storage.types import Data, Metadata, RawWriter

_MORE = {
    ".7z": "application/x-7z-compressed",
    ".avif": "image/avif",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".jsonl": "application/x-ndjson",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".toml": "application/toml",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}
"""What Python's own table lacks, or has otherwise."""

_COMPRESSED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/octet-stream",
    "compress": "application/x-compress",
}


@cache
def _types() -> mimetypes.MimeTypes:
    """Return a table of our own: what the shared one takes from the system's files differs."""
    types = mimetypes.MimeTypes()
    for suffix, kind in _MORE.items():
        types.add_type(kind, suffix)
    return types


def content_type_of(path: str) -> str | None:
    """Return the content type that the last segment's suffix stands for, if it is known.

    ``a.txt.gz`` is ``application/gzip``: the stored bytes are what they are, and no
    Content-Encoding is claimed that would make a browser unpack them.
    """
    name = path[path.rfind("/") + 1 :]
    stem, last = posixpath.splitext(name)
    # Only the suffixes: mimetypes takes a name for a URL, and cuts it at "?" and "#".
    kind, encoding = _types().guess_type(f"name{posixpath.splitext(stem)[1]}{last}")
    if encoding is not None:
        return _COMPRESSED.get(encoding)
    return kind


class MimeGuessLayer:
    """For services that keep a content type; elsewhere it changes nothing."""

    def layer(self, inner: Accessor) -> Accessor:
        """Return ``inner`` with guessed types."""
        if not inner.info().capability.write_with_content_type:
            return inner
        return _GuessingAccessor(inner)


class _GuessingAccessor(LayeredAccessor):
    async def write(self, path: str, args: OpWrite) -> RawWriter:
        if args.content_type is None:
            args = replace(args, content_type=content_type_of(path))
        return await self.inner.write(path, args)

    async def write_whole(
        self, path: str, args: OpWrite, data: Data, *, again: bool = False
    ) -> Metadata:
        if args.content_type is None:
            args = replace(args, content_type=content_type_of(path))
        return await self.inner.write_whole(path, args, data, again=again)

    async def create_multipart(self, path: str, args: OpCreateMultipart) -> str:
        if args.content_type is None:
            args = replace(args, content_type=content_type_of(path))
        return await self.inner.create_multipart(path, args)
