"""What a preview is, before anything draws it: neutral values, no widgets.

Invariant: a value holds what was read, or reads more of the object only through its
``RangeSource``; nothing here opens a connection or writes to disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dalbrowser.preview.document import TextDocument
    from dalbrowser.preview.source import RangeSource
    from dalbrowser.storage import Metadata


@dataclass(frozen=True, slots=True)
class TextValue:
    """A text of any size; ``language`` is a hint such as ``"json"``, or empty."""

    document: TextDocument
    language: str = ""


@dataclass(frozen=True, slots=True)
class HexValue:
    """Bytes of any kind and number; ``note`` says why they are shown so, or is empty."""

    source: RangeSource
    note: str = ""


@dataclass(frozen=True, slots=True)
class ImageValue:
    """A whole encoded image.

    ``format`` is ``png``, ``jpeg``, ``gif``, ``webp``, ``bmp``, ``svg`` or another name that
    a decoder knows; ``size`` is (width, height) in pixels as the file's header claims,
    before any rotation, and ``None`` where the header was not understood.
    An ``svg`` is already free of scripts and of references to anything outside itself.
    """

    data: bytes = field(repr=False)
    format: str
    size: tuple[int, int] | None = None


class Remedy(Enum):
    """The one thing that helps where there is only a message."""

    NONE = "none"
    LOAD_MORE = "load more"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class MessageValue:
    """Nothing to draw, and why. ``title`` is a few words, ``text`` one or two sentences.

    ``needed`` is how many more bytes ``Remedy.LOAD_MORE`` has to grant.
    """

    title: str
    text: str
    remedy: Remedy = Remedy.NONE
    needed: int = 0


PreviewValue = TextValue | HexValue | ImageValue | MessageValue


@dataclass(frozen=True, slots=True)
class Preview:
    """One opened preview: the value, what it read from, and the object's metadata as it is."""

    value: PreviewValue
    source: RangeSource
    provider: str
    metadata: Metadata
