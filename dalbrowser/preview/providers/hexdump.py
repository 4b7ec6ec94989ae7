"""Any object at all, as hex and text side by side; reads nothing before a place is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dalbrowser.preview.choose import Clues, Fit
from dalbrowser.preview.values import HexValue

if TYPE_CHECKING:
    from dalbrowser.preview.source import RangeSource


class HexProvider:
    """The last resort, which fits everything."""

    name: ClassVar[str] = "hex"

    def fit(self, clues: Clues) -> Fit:
        """Take anything."""
        return Fit.ANYTHING

    async def open(self, source: RangeSource, clues: Clues) -> HexValue:
        """Return the bytes as they are."""
        return HexValue(source)
