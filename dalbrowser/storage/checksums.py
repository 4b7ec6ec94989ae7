"""Checksums of whole objects: what computes them, and what they say of the bytes at hand.

CRC-64/NVME and CRC-32C are computed at memory speed by awscrt (the extra ``checksums``, see
``crcs``), CRC-32 by zlib, the others by hashlib. Invariant: a value is compared only where it
covers the whole object; one over the checksums of parts (it ends in ``-<parts>``, as S3 writes
it) says nothing about bytes whose parts are not known.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from typing import TYPE_CHECKING

from dalbrowser.storage import crcs
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dalbrowser.storage.types import Data

NAMES = ("crc64nvme", "crc32c", "crc32", "sha256", "sha1")
"""The algorithms that S3 knows, the one to be preferred first."""
CRCS = frozenset({"crc64nvme", "crc32c", "crc32"})
"""Those whose value of a whole follows from the values of its parts."""
NATIVE = frozenset(crcs.NATIVE)
"""Those that Python does not have; awscrt computes them at gigabytes a second."""
MISMATCH = "ChecksumMismatch"
"""The ``code`` in the context of an error about bytes that have another checksum."""
has_library = crcs.has_library
"""Whether awscrt is there: without it no other CRC than CRC-32 is computed."""
HASH_HERE = 32 * 1024
"""Bytes up to which hashing on the loop is cheaper than a thread's turn.

Measured on two cores, Python 3.11: the turn takes 75 µs, the MD5 of so many bytes 60 to 110,
their SHA-256 about 40.
"""
_SIZES = {"crc64nvme": 8, "crc32c": 4, "crc32": 4}


def is_ready(algorithm: str) -> bool:
    """Whether hashing begins at once, with no library to be loaded first."""
    return algorithm not in NATIVE or crcs.is_loaded()


def can_compute(algorithm: str) -> bool:
    """Whether ``algorithm`` is computed here, at the speed of memory or of a hash."""
    return algorithm in NAMES and (algorithm not in NATIVE or has_library())


def digest(algorithm: str, body: Sequence[Data]) -> bytes:
    """Hash the blocks of a body by any algorithm of S3 or ``hashlib``; this may take long."""
    running = Running(algorithm)
    for block in body:
        running.update(block)
    return running.digest()


def encoded(value: bytes) -> str:
    """Write a checksum as services do."""
    return base64.b64encode(value).decode()


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str | None:
    """Return the CRC of what ``parts`` make, each the base64 of its own and its size in bytes.

    ``None`` where there is none, where a text is no CRC, or where nothing here combines.
    """
    if algorithm not in CRCS or not has_library():
        return None
    combine = crcs.functions()[f"combine_{algorithm}"]
    sofar, count = 0, 0
    for text, size in parts:
        value = _plain(text, _SIZES[algorithm])
        if value is None:
            return None
        sofar = combine(sofar, value, size)
        count += 1
    return encoded(sofar.to_bytes(_SIZES[algorithm])) if count else None


def of_whole(told: Mapping[str, str]) -> tuple[str, str] | None:
    """Choose from an object's checksums the best that covers all of it and is computed here.

    Returns the algorithm and the base64 text, ``None`` where there is none.
    """
    for name in NAMES:
        value = told.get(name)
        if value and "-" not in value and can_compute(name):
            return name, value
    return None


class Running:
    """A checksum in the making, in the shape of ``hashlib``'s objects."""

    def __init__(self, algorithm: str) -> None:
        self.name = algorithm
        self._crc = 0
        self._step: Callable[..., int] | None
        if algorithm in NATIVE:
            self._step = crcs.functions()[algorithm]
        elif algorithm == "crc32":
            self._step = zlib.crc32
        else:
            self._step = None
            self._hash = hashlib.new(algorithm, usedforsecurity=False)

    def update(self, block: Data) -> None:
        """Take the next bytes."""
        if self._step is None:
            self._hash.update(block)
        else:
            self._crc = self._step(block, self._crc)

    def digest(self) -> bytes:
        """Return the checksum of what was taken."""
        if self._step is None:
            return self._hash.digest()
        return self._crc.to_bytes(_SIZES[self.name])

    def hexdigest(self) -> str:
        """Return the same in hexadecimal."""
        return self.digest().hex()


class Witness:
    """Compares the bytes of one reading, taken in order, with the checksum of the whole object.

    A reading that leaves the order is not compared; one that begins again at byte 0 is.
    """

    def __init__(self, algorithm: str, told: str, size: int) -> None:
        self._algorithm = algorithm
        self._told = told
        self._size = size
        self._at = 0
        self._running: Running | None = None
        self._error: StorageError | None = None

    def require(self) -> None:
        """Raise again what was raised before: such a reading is worth nothing any more."""
        if self._error is not None:
            raise self._error

    async def take(self, at: int, block: Data) -> None:
        """Take the block at byte ``at``; raises with the last one when the bytes are others."""
        if at == 0:
            self._at, self._running = 0, None
        if at != self._at:
            self._at = -1
            return
        self._at += len(block)
        if is_ready(self._algorithm) and (self._algorithm in CRCS or len(block) <= HASH_HERE):
            self._update(block)
        else:
            await asyncio.to_thread(self._update, block)
        if self._at == self._size and self._running is not None:
            made = encoded(self._running.digest())
            if made != self._told:
                self._error = mismatch(self._algorithm, self._told, made)
                raise self._error

    def _update(self, block: Data) -> None:
        if self._running is None:
            self._running = Running(self._algorithm)
        self._running.update(block)


def mismatch(algorithm: str, told: str, made: str) -> StorageError:
    """Return the error for bytes that came and have another checksum than was told."""
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"The bytes that came are not the object's: its {algorithm} is {told}, and they make"
        f" {made}. They were damaged on the way or where they are kept; read it again.",
        status=ErrorStatus.TEMPORARY,
        context={"code": MISMATCH},
    )


def _plain(text: str, size: int) -> int | None:
    """Read what is said to be a CRC of ``size`` bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return int.from_bytes(raw) if len(raw) == size else None
