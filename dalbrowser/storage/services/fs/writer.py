"""A write in progress, and the copy that is made like one.

Invariant: the bytes gather in a ``TemporaryFile``; only ``close`` gives them a name.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Protocol

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.fs import meta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage.services.fs.pool import Pool
    from dalbrowser.storage.services.fs.temporary import TemporaryFile
    from dalbrowser.storage.types import Data, Metadata

GATHER = 256 * 1024
"""Bytes that small writes gather to before they cost a hop to a thread."""


class FsWriter:
    """Writes one file; see ``RawWriter``."""

    def __init__(
        self,
        pool: Pool,
        file: TemporaryFile,
        extra: Mapping[str, Any],
        *,
        append: bool = False,
        exclusive: bool = False,
        size: int | None = None,
    ) -> None:
        self._pool = pool
        self._file = file
        self._extra = extra
        self._append = append
        self._exclusive = exclusive
        self._size = size
        self._gathered = bytearray()

    async def write(self, data: Data) -> None:
        """Take all of ``data``."""
        if len(self._gathered) + len(data) < GATHER:
            self._gathered += data
            return
        await self._flush()
        await self._pool.run(self._file.write, data)

    async def _flush(self) -> None:
        if self._gathered:
            block, self._gathered = self._gathered, bytearray()
            try:
                await self._pool.run(self._file.write, block)
            except StorageError:
                # Taken by earlier calls, which have returned: the next one sends it again. A
                # copy: the error's traceback holds a view of the old one, which pins its size.
                self._gathered = bytearray(block)
                raise

    async def close(self) -> Metadata:
        """Put the bytes on the disk and give them their name."""
        await self._flush()
        return await self._pool.run(self._commit)

    def _commit(self) -> Metadata:
        if self._size is not None and self._file.size != self._size:
            raise StorageError(
                ErrorKind.CONTENT_INCOMPLETE
                if self._file.size < self._size
                else ErrorKind.CONTENT_TRUNCATED,
                f"{self._size} bytes were announced and {self._file.size} were written;"
                " nothing was kept.",
            )
        self._file.finish(self._extra)
        if not self._append:
            return meta.describe(self._file.publish(exclusive=self._exclusive), self._extra)
        try:
            st = self._file.append_to()
        except FileNotFoundError:
            try:
                st = self._file.publish(exclusive=True)
            except StorageError:
                # Somebody made the file between the two: what was written goes to its end.
                st = self._file.append_to()
        return meta.describe(st, known=meta.FREE_KEYS)

    async def abort(self) -> None:
        """Leave nothing behind."""
        self._gathered = bytearray()
        await self._pool.release(self._file.discard)


class Sink(Protocol):
    """A file that takes slices of another."""

    def copy(self, source: int, offset: int, size: int) -> int:
        """Append a slice and return its length, 0 at the source's end."""
        ...


async def fill(pool: Pool, file: Sink, source: int, start: int, size: int) -> None:
    """Copy ``size`` bytes of an open file, slice by slice; too few is an error."""
    offset, end = start, start + size
    while offset < end:
        count = await pool.run(file.copy, source, offset, end - offset)
        if not count:
            raise StorageError(
                ErrorKind.CONTENT_INCOMPLETE,
                f"The source ended at byte {offset} of {end}; it was cut short meanwhile.",
            )
        offset += count


async def copy_file(
    pool: Pool,
    source: int,
    before: os.stat_result,
    file: TemporaryFile,
    extra: Mapping[str, Any],
    *,
    exclusive: bool,
) -> Metadata:
    """Copy an open file into ``file`` and publish it; on any failure nothing is left."""
    try:
        await fill(pool, file, source, 0, before.st_size)
        if meta.etag(await pool.run(os.fstat, source)) != meta.etag(before):
            raise StorageError(
                ErrorKind.CONDITION_NOT_MATCH,
                "The source was changed while it was copied; nothing was kept. Copy it again.",
            )
        await pool.run(file.finish, extra)
        return meta.describe(await pool.run(file.publish, exclusive=exclusive), extra)
    except BaseException:
        with contextlib.suppress(StorageError):
            await pool.release(file.discard)
        raise
