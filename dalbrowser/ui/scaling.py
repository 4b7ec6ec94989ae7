"""How much room words need in the font that a person has chosen.

Invariant: at the usual size of a desktop's font, and at a smaller one, everything is as wide
and as high as it was measured for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QFontMetrics

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_SAMPLE = "Today, 13:45"
_MEASURED = 84
"""Logical pixels of the sample in the widest of the usual fonts, for which the columns are wide
enough as they are."""
_AIR = 10
"""Logical pixels above and below the letters of a row together, at least."""


def font_scale(widget: QWidget) -> float:
    """Return how many times wider words are than those that the columns were measured for."""
    return max(1.0, QFontMetrics(widget.font()).horizontalAdvance(_SAMPLE) / _MEASURED)


def row_height(widget: QWidget, usual: int) -> int:
    """Return how high a row is: ``usual`` logical pixels, and more where letters are larger."""
    return max(usual, QFontMetrics(widget.font()).height() + _AIR)
