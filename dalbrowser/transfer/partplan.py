"""How an object is cut into parts: sizes fixed once per upload, offsets computed from them.

Sizes are in bytes. The rule, ``max(8 MiB, ceil(size / 10,000) rounded up to 1 MiB)``,
keeps every upload within S3's 10,000 parts and makes the multipart ETag reproducible
from the local bytes for as long as the part size is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer.model import MiB, TransferError
from dalbrowser.utils.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dalbrowser.storage import Capability

MAX_PARTS = 10_000


@record()
class PartSpan:
    """One part: its number from 1, where it begins, and how long it is."""

    number: int
    offset: int
    size: int


@record()
class PartPlan:
    """An object of ``size`` bytes in parts of ``part_size``; the last may be shorter."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        """How many parts there are; an empty object has one empty part."""
        return max(1, -(-self.size // self.part_size))

    def span(self, number: int) -> PartSpan:
        """Return the part with this number; ``ValueError`` when there is none."""
        if not 1 <= number <= self.count:
            message = f"there is no part {number} in {self.count} parts"
            raise ValueError(message)
        offset = (number - 1) * self.part_size
        return PartSpan(number, offset, min(self.part_size, self.size - offset))

    def spans(self) -> Iterator[PartSpan]:
        """Iterate over all parts in order."""
        return (self.span(number) for number in range(1, self.count + 1))


def plan_parts(size: int, capability: Capability, floor: int = 8 * MiB) -> PartPlan:
    """Choose the part size for ``size`` bytes within the limits of the service.

    Raises ``TransferError`` when the service cannot hold an object of this size.
    """
    most = min(capability.write_multi_max_parts or MAX_PARTS, MAX_PARTS)
    needed = -(-size // most)
    rounded = -(-needed // MiB) * MiB if needed > floor else floor
    part = max(rounded, capability.write_multi_min_size or 1)
    biggest = capability.write_multi_max_size
    whole = capability.write_total_max_size
    if (biggest is not None and part > biggest) or (whole is not None and size > whole):
        limit = whole if whole is not None else (biggest or 0) * most
        message = (
            f"The file has {size:,} bytes and the service takes objects of at most"
            f" {limit:,} bytes; split the file or choose another service."
        )
        raise TransferError(message)
    return PartPlan(size, part)
