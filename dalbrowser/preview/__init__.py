"""Looking into objects of any size by the ranges that are on screen; Qt-free.

Invariant: a preview never downloads the object, never writes it to disk, and says what it
read. Providers give neutral values; the widgets for them live in ``ui``.
"""

from dalbrowser.preview.cache import BlockCache
from dalbrowser.preview.document import TextDocument
from dalbrowser.preview.errors import BudgetSpent, ObjectReplaced, PreviewError
from dalbrowser.preview.lines import Row, TextForm
from dalbrowser.preview.service import PreviewService, problem_value
from dalbrowser.preview.source import RangeSource
from dalbrowser.preview.values import (
    HexValue,
    ImageValue,
    MessageValue,
    Preview,
    PreviewValue,
    Remedy,
    TextValue,
)

__all__ = [
    "BlockCache",
    "BudgetSpent",
    "HexValue",
    "ImageValue",
    "MessageValue",
    "ObjectReplaced",
    "Preview",
    "PreviewError",
    "PreviewService",
    "PreviewValue",
    "RangeSource",
    "Remedy",
    "Row",
    "TextDocument",
    "TextForm",
    "TextValue",
    "problem_value",
]
