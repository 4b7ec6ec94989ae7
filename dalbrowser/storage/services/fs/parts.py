"""One part of a simulated multipart upload, while it is written.

Invariant: a part counts only once it is whole, of its announced size, and on the disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from typing import TYPE_CHECKING

from dalbrowser.storage.errors import ErrorKind, StorageError
from dalbrowser.storage.services.fs.atomic import copy_slice, write_all

if TYPE_CHECKING:
    from dalbrowser.storage.options import OpWriteMultipart
    from dalbrowser.storage.services.fs.multipart import Uploads
    from dalbrowser.storage.services.fs.pool import Pool
    from dalbrowser.storage.types import Data, Part

_READ_BACK = 1024 * 1024


class PartFile:
    """The file of one part, in blocking calls; every call takes its lock."""

    def __init__(self, uploads: Uploads, key: str, upload_id: str, number: int) -> None:
        self._uploads = uploads
        self._number = number
        self._lock = threading.Lock()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0
        with uploads.open(key, upload_id) as folder:
            self._name, self._fd = uploads.begin_part(folder)
            self._folder = os.dup(folder)

    def write(self, data: Data) -> None:
        """Append ``data``; a call that raises has taken nothing of it and may be made again."""
        with self._lock:
            self._stand_at_end()
            write_all(self._fd, data)
            self._md5.update(data)
            self.size += memoryview(data).nbytes

    def copy(self, source: int, offset: int, size: int) -> int:
        """Append a slice of an open file; return its length, 0 at that file's end."""
        with self._lock:
            self._stand_at_end()
            count = copy_slice(source, offset, self._fd, size)
            done, md5 = 0, self._md5.copy()
            while done < count:
                block = os.pread(self._fd, min(_READ_BACK, count - done), self.size + done)
                md5.update(block)
                done += len(block)
            self._md5 = md5
            self.size += count
            return count

    def commit(self, size: int, md5: bytes | None) -> Part:
        """Make it the part, when it has the announced size and digest."""
        with self._lock:
            self._check()
            if self.size != size:
                raise wrong_size(size, self.size)
            if md5 is not None and md5 != self._md5.digest():
                raise StorageError(
                    ErrorKind.INVALID_INPUT,
                    f"The bytes of part {self._number} do not have the MD5 given for them; read"
                    " the source again.",
                )
            os.ftruncate(self._fd, self.size)
            part = self._uploads.commit_part(
                self._folder, self._name, self._fd, self._number, self._md5.hexdigest()
            )
            self._close()
            return part

    def discard(self) -> None:
        """Leave nothing behind; safe to call twice and after ``commit``."""
        with self._lock:
            if self._fd < 0:
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=self._folder)
            self._close()

    def _stand_at_end(self) -> None:
        """Go where the bytes taken end: a write that failed may have left some behind it."""
        self._check()
        os.lseek(self._fd, self.size, os.SEEK_SET)

    def _check(self) -> None:
        if self._fd < 0:
            raise StorageError(ErrorKind.INVALID_INPUT, "This part has ended already.")

    def _close(self) -> None:
        os.close(self._fd)
        os.close(self._folder)
        self._fd = -1


class FsPartWriter:
    """Writes one part; see ``RawPartWriter``."""

    def __init__(self, pool: Pool, file: PartFile, args: OpWriteMultipart) -> None:
        self._pool = pool
        self._file = file
        self._args = args

    async def write(self, data: Data) -> None:
        """Take all of ``data``; more than was announced is refused."""
        if self._file.size + len(data) > self._args.size:
            raise wrong_size(self._args.size, self._file.size + len(data))
        await self._pool.run(self._file.write, data)

    async def close(self) -> Part:
        """Put the part on the disk and return it."""
        return await self._pool.run(self._file.commit, self._args.size, self._args.md5)

    async def abort(self) -> None:
        """Give the part up."""
        await self._pool.release(self._file.discard)


def wrong_size(announced: int, got: int) -> StorageError:
    """Return the error of a part that is not as long as it was said to be."""
    kind = ErrorKind.CONTENT_INCOMPLETE if got < announced else ErrorKind.CONTENT_TRUNCATED
    return StorageError(
        kind, f"The part was announced as {announced} bytes and got {got}; it was not kept."
    )
