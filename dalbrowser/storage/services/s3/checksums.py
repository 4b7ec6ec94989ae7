"""The checksums that S3 keeps beside an object (``x-amz-checksum-*``): asked for, sent, compared.

``auto`` is what the connection names, else the strongest that can be computed here at speed,
and none at all for a server that refuses it. Invariants: what was asked for by name is sent
or refused, never left out; a server that answers another value than was sent has failed.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, TypeVar

from dalbrowser.storage.checksums import (
    HASH_HERE,
    MISMATCH,
    NAMES,
    NATIVE,
    can_compute,
    combined,
    digest,
    has_library,
    is_ready,
)
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError, unsupported

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from dalbrowser.storage.types import Part

__all__ = ["HASH_HERE", "NAMES", "can_compute", "digest", "is_ready"]

T = TypeVar("T")

AUTO = "auto"
WHOLE_OBJECT = frozenset({"crc64nvme"})
"""Those that S3 keeps over the joined object; the others are kept over the parts' checksums
(S3 User Guide, "Checking object integrity")."""
_REFUSALS = frozenset({"", "NotImplemented", "InvalidRequest", "InvalidArgument"})
"""Codes by which a server says that it does not know the header."""
_PARTS = re.compile(r"-([1-9][0-9]*)\"?\Z")


def require(name: str | None) -> None:
    """Raise ``Unsupported`` for an algorithm that S3 does not have or nothing here computes."""
    if not name or name == AUTO:
        return
    if name not in NAMES:
        raise unsupported(
            f"The checksum {name!r}", f"choose one of {', '.join((AUTO, *NAMES))}; nothing was sent"
        )
    if name in NATIVE and not has_library():
        raise unsupported(
            f"The checksum {name!r} without awscrt",
            "install dalbrowser with the extra 'checksums'"
            f" ({sys.executable} -m pip install 'dalbrowser[checksums]'),"
            " or choose crc32 or sha256; nothing was sent",
        )


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
    if algorithm not in WHOLE_OBJECT:
        return None
    return combined(algorithm, ((part.checksums.get(algorithm, ""), part.size) for part in parts))


def told(found: Mapping[str, str | None], kind: str | None, etag: str | None) -> dict[str, str]:
    """Return the checksums that a reply tells, by algorithm.

    ``kind`` is its ``x-amz-checksum-type``. One over the parts' checksums ends in the number
    of parts; some servers leave that out, and it must not be taken for one of the bytes.
    """
    parts = _PARTS.search(etag or "")
    values: dict[str, str] = {}
    for name in NAMES:
        value = found.get(name)
        if not value:
            continue
        of_parts = kind == "COMPOSITE" or (not kind and parts and name not in WHOLE_OBJECT)
        if of_parts and "-" not in value:
            value = f"{value}-{parts.group(1) if parts else 0}"
        values[name] = value
    return values


def require_kept(
    what: str, sent: Mapping[str, str], kept: Mapping[str, str], *, again: bool
) -> None:
    """Raise when the server answers another checksum than was sent; ``again`` if it may be resent.

    ``sent`` are the request's headers, ``kept`` the checksums of the reply.
    """
    for name, value in kept.items():
        ours = sent.get(f"x-amz-checksum-{name}")
        if ours and ours != value:
            raise StorageError(
                ErrorKind.UNEXPECTED,
                f"{what} was sent with the {name} {ours}, and the server says that it has {value}:"
                " it holds other bytes. Write it again.",
                status=ErrorStatus.TEMPORARY if again else ErrorStatus.PERMANENT,
                context={"code": MISMATCH},
            )


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
        return "crc64nvme" if has_library() else "crc32"

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
