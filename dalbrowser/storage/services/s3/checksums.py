"""The checksums that S3 keeps beside an object (``x-amz-checksum-*``), and what computes them.

``auto`` is the strongest that can be computed here at speed, and none at all for a server
that refuses it. Invariant: what was asked for by name is sent or refused, never left out.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.util
import sys
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

from dalbrowser.storage.errors import ErrorKind, StorageError, unsupported

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dalbrowser.storage.types import Data, Part

T = TypeVar("T")

NAMES = ("crc64nvme", "crc32c", "crc32", "sha256", "sha1")
AUTO = "auto"
WHOLE_OBJECT = frozenset({"crc64nvme"})
"""Those that S3 keeps over the joined object; the others are kept over the parts' checksums
(S3 User Guide, "Checking object integrity")."""
_NATIVE = frozenset({"crc64nvme", "crc32c"})
"""Those that Python does not have; awscrt computes them at gigabytes a second."""
_LIBRARY = "awscrt.checksums"
_REFUSALS = frozenset({"", "NotImplemented", "InvalidRequest", "InvalidArgument"})
"""Codes by which a server says that it does not know the header."""


def require(name: str | None) -> None:
    """Raise ``Unsupported`` for an algorithm that S3 does not have or nothing here computes."""
    if not name or name == AUTO:
        return
    if name not in NAMES:
        raise unsupported(
            f"The checksum {name!r}", f"choose one of {', '.join((AUTO, *NAMES))}; nothing was sent"
        )
    if name in _NATIVE and not _has_library():
        raise unsupported(
            f"The checksum {name!r} without awscrt",
            "install dalbrowser with the extra 'checksums' (pip install 'dalbrowser[checksums]'),"
            " or choose crc32 or sha256; nothing was sent",
        )


def digest(algorithm: str, body: Sequence[Data]) -> bytes:
    """Hash the blocks of a body by any algorithm of S3 or ``hashlib``; this may take long."""
    if algorithm in _NATIVE:
        crc = getattr(_library(), algorithm)
        return functools.reduce(lambda sofar, block: crc(block, sofar), body, 0).to_bytes(
            8 if algorithm == "crc64nvme" else 4
        )
    if algorithm == "crc32":
        return functools.reduce(lambda sofar, block: zlib.crc32(block, sofar), body, 0).to_bytes(4)
    running = hashlib.new(algorithm, usedforsecurity=False)
    for block in body:
        running.update(block)
    return running.digest()


def is_ready(algorithm: str) -> bool:
    """Whether hashing begins at once: the library takes a twentieth of a second to load."""
    return algorithm not in _NATIVE or _LIBRARY in sys.modules


def of_upload(name: str | None) -> dict[str, str]:
    """Return the headers that announce a multipart upload's checksum."""
    if not name:
        return {}
    announced = {"x-amz-checksum-algorithm": name.upper()}
    if name in WHOLE_OBJECT:
        announced["x-amz-checksum-type"] = "FULL_OBJECT"
    return announced


def joined(algorithm: str, parts: Sequence[Part]) -> str | None:
    """Return the checksum of the object that ``parts`` make, where the parts' own tell it."""
    if algorithm not in WHOLE_OBJECT or not _has_library() or not parts:
        return None
    sofar = 0
    for part in parts:
        value = _plain(part.checksums.get(algorithm, ""))
        if value is None:
            return None
        sofar = _library().combine_crc64nvme(sofar, value, part.size)
    return base64.b64encode(sofar.to_bytes(8)).decode()


def _plain(text: str) -> int | None:
    """Read what the server says is a part's CRC-64."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return int.from_bytes(raw) if len(raw) == 8 else None


class Choice:
    """What ``auto`` stands for on one connection, learned from what its server answers."""

    def __init__(self, *, kept: bool) -> None:
        self._refused = not kept

    def name(self, asked: str) -> str | None:
        """Return the algorithm that ``asked`` stands for, ``None`` for none."""
        if asked != AUTO:
            return asked or None
        if self._refused:
            return None
        return "crc64nvme" if _has_library() else "crc32"

    async def send(self, asked: str, act: Callable[[str | None], Awaitable[T]]) -> T:
        """Run ``act`` with the algorithm; again without, when the server refuses an ``auto``."""
        name = self.name(asked)
        try:
            return await act(name)
        except StorageError as error:
            if asked != AUTO or name is None or not _is_refusal(error):
                raise
        done = await act(None)
        self._refused = True
        return done


def _is_refusal(error: StorageError) -> bool:
    unknown = error.kind in {ErrorKind.UNSUPPORTED, ErrorKind.INVALID_INPUT}
    return unknown and error.context.get("code", "") in _REFUSALS


def _has_library() -> bool:
    if _LIBRARY in sys.modules:
        return sys.modules[_LIBRARY] is not None
    return importlib.util.find_spec("awscrt") is not None


def _library() -> Any:
    # Imported here: it is an extra, and has a native library to load.
    import awscrt.checksums  # noqa: PLC0415

    return awscrt.checksums
