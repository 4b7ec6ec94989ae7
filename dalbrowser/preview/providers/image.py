"""Images, whole, within the budget: the size in pixels is known before a pixel is decoded.

Invariants: no image that claims more than ``MOST_PIXELS`` is handed on; none is read that
is longer than the preview may read, nor any longer than ``MOST_BYTES`` at all.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from dalbrowser.preview.cache import MEBIBYTE
from dalbrowser.preview.choose import Clues, Fit
from dalbrowser.preview.dimensions import image_format, image_size
from dalbrowser.preview.errors import NotThisKind
from dalbrowser.preview.source import BLOCK
from dalbrowser.preview.svg import static_svg
from dalbrowser.preview.values import ImageValue, MessageValue, Remedy

if TYPE_CHECKING:
    from dalbrowser.preview.source import RangeSource

MOST_PIXELS = 100_000_000
MOST_BYTES = 256 * MEBIBYTE
LONGEST_HEADER = MEBIBYTE
MOST_SVG_BYTES = 8 * MEBIBYTE

_EXTENSIONS = frozenset({
    ".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ico", ".svg",
    ".xpm", ".pbm", ".pgm", ".ppm", ".tga",
})  # fmt: skip
_PLAIN = {".xpm": "xpm", ".pbm": "pbm", ".pgm": "pgm", ".ppm": "ppm", ".tga": "tga"}


class ImageProvider:
    """The image formats that Qt decodes, and SVG drawn without scripts or references."""

    name: ClassVar[str] = "image"

    def fit(self, clues: Clues) -> Fit:
        """Trust type and name, else look for a signature."""
        if clues.content_type.startswith("image/"):
            return Fit.CONTENT_TYPE
        if clues.extension in _EXTENSIONS:
            return Fit.EXTENSION
        return Fit.MAGIC if image_format(clues.magic) not in {"", "bmp", "ico"} else Fit.NOT

    async def open(self, source: RangeSource, clues: Clues) -> ImageValue | MessageValue:
        """Check what the header claims, then read the file."""
        kind = image_format(clues.magic) or _PLAIN.get(clues.extension, "")
        if not kind:
            raise NotThisKind("no known image signature")
        size = image_size(kind, clues.magic)
        if size is None and kind == "jpeg" and source.total > BLOCK:
            size = image_size(kind, await source.read(0, LONGEST_HEADER))
        if size is not None and size[0] * size[1] > MOST_PIXELS:
            return MessageValue(
                "Too many pixels",
                f"The file claims {size[0]:,} × {size[1]:,} pixels; a preview draws at most"
                f" {MOST_PIXELS:,}. Download it to look at it.",
            )
        most = MOST_SVG_BYTES if kind == "svg" else MOST_BYTES
        if source.total > most:
            if kind == "svg":
                raise NotThisKind("the SVG is too long to be drawn")
            return MessageValue(
                "Too large",
                f"A preview reads images of up to {most // MEBIBYTE} MiB. Download it instead.",
            )
        missing = source.missing(0, source.total)
        left = source.budget - source.bytes_read
        if missing > left:
            return MessageValue(
                "Large image",
                f"Drawing it needs the whole file, {missing / MEBIBYTE:.0f} MiB more.",
                Remedy.LOAD_MORE,
                missing - left,
            )
        data = await source.read(0, source.total)
        if kind == "svg":
            data = await asyncio.to_thread(static_svg, data)
        return ImageValue(data, kind, size)
