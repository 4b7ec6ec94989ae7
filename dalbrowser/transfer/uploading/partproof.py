"""Whether a part that a service holds is made of the bytes that are here.

A part is known by its size, by its ETag where that is an MD5, and by the checksums that the
service lists with it (ListParts, S3). Invariants: a part of which any checksum differs is
another; an ETag that looks like an MD5 and differs is outvoted by equal checksums only where
the ETags of the upload are no MD5s (SSE-KMS and SSE-C give such, S3 User Guide, "Checking
object integrity"); of what cannot be computed here nothing is believed.
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from dalbrowser.storage import checksums
from dalbrowser.storage.errors import ErrorKind, ErrorStatus, StorageError
from dalbrowser.transfer.integrity import as_md5, bare
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dalbrowser.storage import Part
    from dalbrowser.transfer.disk.source import PartSource
    from dalbrowser.transfer.journal import PartRow
    from dalbrowser.transfer.partplan import PartSpan


class Likeness(Enum):
    """What the digests of a listed part say of it."""

    SAME = "same"
    """Its ETag is the MD5 of our bytes, and no checksum differs."""
    BY_CHECKSUM = "by checksum"
    """Its checksums are those of our bytes, and its ETag is no MD5 or another."""
    UNKNOWN = "unknown"
    """It tells no checksum that can be computed here, and its ETag is not our MD5."""
    OTHER = "other"
    """One of its checksums differs."""


@record()
class Digests:
    """Of bytes that are here: their MD5, and other checksums in base64 by their algorithm."""

    md5: bytes
    sums: Mapping[str, str] = field(default_factory=dict)

    @property
    def crc(self) -> str:
        """The best of the checksums, as ``name:base64``, or empty."""
        found = (name for name in checksums.NAMES if name in self.sums)
        return next((f"{name}:{self.sums[name]}" for name in found), "")


def told_by(part: Part) -> dict[str, str]:
    """Return the checksums listed with a part that can be computed here."""
    return {
        name: value
        for name, value in part.checksums.items()
        if value and checksums.can_compute(name)
    }


def is_provable(part: Part) -> bool:
    """Whether a listed part tells anything that local bytes can be compared with."""
    return bool(told_by(part)) or as_md5(part.etag) is not None


def likeness(part: Part, ours: Digests) -> Likeness:
    """Compare what a service tells of a part with the digests of our bytes, of equal size."""
    told = told_by(part)
    if any(ours.sums.get(name) != value for name, value in told.items()):
        return Likeness.OTHER
    if as_md5(part.etag) == ours.md5.hex():
        return Likeness.SAME
    return Likeness.BY_CHECKSUM if told else Likeness.UNKNOWN


async def digests_of(
    source: PartSource, span: PartSpan, part: Part, *, md5: str | None, row: PartRow | None
) -> Digests:
    """Return the digests of our bytes that ``part`` has to be compared with.

    ``md5`` is of those bytes where it was computed before (hexadecimal), ``row`` what the
    journal has of having sent the part: its checksum speaks of bytes with its MD5.
    """
    wanted = told_by(part)
    sent = row if row is not None and row.done else None
    name, _, value = sent.crc.partition(":") if sent is not None else ("", "", "")
    if all(each == name for each in wanted):
        here = bytes.fromhex(md5) if md5 is not None else await source.digest(span)
        kept = value and sent is not None and sent.md5 == here.hex()
        if kept or not wanted:
            return Digests(here, {name: value} if kept else {})
    here, sums = await source.digests(span, tuple(wanted))
    return Digests(here, sums)


def is_as_sent(part: Part, row: PartRow | None, ours: Digests) -> bool:
    """Whether the journal says that our bytes were sent, and answered with the part's ETag."""
    if row is None or not row.done:
        return False
    return row.md5 == ours.md5.hex() and bare(row.etag) == bare(part.etag)


def answered_crc(part: Part, data: bytes) -> str:
    """Return the checksum, ``name:base64``, of a part that was just sent; empty without; blocks.

    Raises the error of ``answered_other`` when the service says another than ``data`` has.
    """
    told = checksums.of_whole(part.checksums)
    if told is None:
        return ""
    name, theirs = told
    ours = checksums.encoded(checksums.digest(name, [data]))
    if ours != theirs:
        raise answered_other(part.number, name)
    return f"{name}:{ours}"


def answered_other(number: int, digest: str) -> StorageError:
    """Return the error for a part of which the service says another digest; it is sent again."""
    return StorageError(
        ErrorKind.UNEXPECTED,
        f"The service answered part {number} with another {digest} than was sent.",
        status=ErrorStatus.TEMPORARY,
        context={"code": "PartDigestMismatch"},
    )
