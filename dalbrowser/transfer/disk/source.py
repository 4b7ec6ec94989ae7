"""A local file that is being sent: its identity, and its bytes read part by part.

Invariant: bytes are handed out only while the open file *and* the name it was opened
by both still have the identity (size, mtime in ns, device, inode) that the upload
began with; else ``SourceChangedError``, so that no upload ever mixes two versions.
``LocalSource`` blocks, and so runs in a thread; ``PartSource`` is what a sender sees.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Protocol

from dalbrowser.storage import checksums
from dalbrowser.transfer.model import SourceChangedError, SourceUnreadableError
from dalbrowser.transfer.partplan import PartSpan
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any


_STEP = 1024 * 1024


@record()
class SourceIdentity:
    """Which file, in which state. Sizes in bytes, ``mtime_ns`` since the epoch."""

    size: int
    mtime_ns: int
    dev: int
    inode: int

    @classmethod
    def of(cls, facts: os.stat_result) -> SourceIdentity:
        """Return the identity in a stat result."""
        return cls(facts.st_size, facts.st_mtime_ns, facts.st_dev, facts.st_ino)

    @property
    def mtime_text(self) -> str:
        """The time as rclone keeps it in the metadata ``mtime``: seconds with decimals."""
        seconds, rest = divmod(abs(self.mtime_ns), 1_000_000_000)
        return f"{'-' if self.mtime_ns < 0 else ''}{seconds}.{rest:09d}"


class LocalSource:
    """An open local file; ``close`` it. Opening raises ``SourceUnreadableError``."""

    def __init__(self, path: str) -> None:
        self.path = path
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        # A fifo would block the opening for ever.
        flags |= getattr(os, "O_NONBLOCK", 0)
        try:
            self._fd = os.open(path, flags)
        except OSError as error:
            raise unreadable(path, error) from error
        facts = os.fstat(self._fd)
        if not stat.S_ISREG(facts.st_mode):
            os.close(self._fd)
            message = f"{path} is not a regular file and cannot be sent."
            raise SourceUnreadableError(message)
        self.identity = SourceIdentity.of(facts)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def check(self) -> None:
        """Raise unless the open file and the name both still are what was opened."""
        try:
            named = SourceIdentity.of(os.stat(self.path))  # noqa: PTH116 -- exact names
        except OSError as error:
            raise unreadable(self.path, error) from error
        if SourceIdentity.of(os.fstat(self._fd)) != self.identity or named != self.identity:
            raise changed(self.path)

    def read(self, span: PartSpan) -> tuple[bytes, bytes]:
        """Return the bytes of a part and their MD5 (16 bytes), the identity checked after."""
        try:
            # One call brings all of it on common file systems, without a second copy.
            data = os.pread(self._fd, span.size, span.offset)
            while len(data) < span.size:
                more = os.pread(self._fd, span.size - len(data), span.offset + len(data))
                if not more:
                    raise changed(self.path)
                data += more
        except OSError as error:
            raise unreadable(self.path, error) from error
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        self.check()
        return data, digest

    def digest(self, span: PartSpan) -> bytes:
        """Return the MD5 of a part without keeping its bytes."""
        return self.digests(span, ())[0]

    def digests(self, span: PartSpan, names: Sequence[str]) -> tuple[bytes, dict[str, str]]:
        """Return the MD5 of a part and its checksums ``names``, in base64, in one reading."""
        digest = hashlib.md5(usedforsecurity=False)
        others = {name: checksums.Running(name) for name in names}
        reached = 0
        try:
            while reached < span.size:
                block = os.pread(self._fd, min(_STEP, span.size - reached), span.offset + reached)
                if not block:
                    raise changed(self.path)
                digest.update(block)
                for other in others.values():
                    other.update(block)
                reached += len(block)
        except OSError as error:
            raise unreadable(self.path, error) from error
        self.check()
        sums = {name: checksums.encoded(made.digest()) for name, made in others.items()}
        return digest.digest(), sums


class PartSource(Protocol):
    """Bytes to be sent, by parts, always of one version. ``identity.size`` is the whole."""

    @property
    def identity(self) -> SourceIdentity: ...

    async def read(self, span: PartSpan) -> tuple[bytes, bytes]:
        """Return the bytes of a part and their MD5."""
        ...

    async def digest(self, span: PartSpan) -> bytes:
        """Return the MD5 of a part."""
        ...

    async def digests(self, span: PartSpan, names: Sequence[str]) -> tuple[bytes, dict[str, str]]:
        """Return the MD5 of a part, and its checksums by their algorithms ``names``, in base64."""
        ...

    async def whole_digest(self) -> bytes | None:
        """Return the MD5 of everything, or ``None`` where that costs too much to read."""
        ...

    async def check(self) -> None:
        """Raise ``SourceChangedError`` unless the source is still what it was."""
        ...


class FileSource:
    """A local file as a ``PartSource``; ``on_disk`` runs what blocks."""

    def __init__(self, on_disk: Callable[..., Awaitable[Any]], local: LocalSource) -> None:
        self._on_disk = on_disk
        self._local = local
        self.identity = local.identity

    async def read(self, span: PartSpan) -> tuple[bytes, bytes]:
        """See ``LocalSource.read``."""
        data, digest = await self._on_disk(self._local.read, span)
        return data, digest

    async def digest(self, span: PartSpan) -> bytes:
        """See ``LocalSource.digest``."""
        return bytes(await self._on_disk(self._local.digest, span))

    async def digests(self, span: PartSpan, names: Sequence[str]) -> tuple[bytes, dict[str, str]]:
        """See ``LocalSource.digests``."""
        md5, sums = await self._on_disk(self._local.digests, span, names)
        return md5, sums

    async def whole_digest(self) -> bytes | None:
        """Return the MD5 of the whole file."""
        return await self.digest(PartSpan(1, 0, self.identity.size))

    async def check(self) -> None:
        """See ``LocalSource.check``."""
        await self._on_disk(self._local.check)


def changed(path: str) -> SourceChangedError:
    """Return the error for a file that is no longer the one the upload began with."""
    return SourceChangedError(
        f"{path} changed since its upload began, so nothing more was sent and nothing was"
        " completed; start over to send it as it is now, or cancel."
    )


def unreadable(path: str, error: OSError) -> SourceUnreadableError:
    """Return the error for a file that is gone or closed to us."""
    if isinstance(error, FileNotFoundError):
        text = f"{path} is not there any more; put it back and resume, or cancel."
    elif isinstance(error, PermissionError):
        text = f"{path} may not be read; allow it and resume, or cancel."
    else:
        text = f"{path} could not be read ({error.strerror or error}); resume when it can be."
    return SourceUnreadableError(text)
