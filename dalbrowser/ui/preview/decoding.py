"""From an image's bytes to pixels, off the loop and within bounds.

Invariants: Qt refuses any single image of more than ``ALLOCATION_LIMIT``; what is handed
out has at most ``MOST_DRAWN`` pixels; nothing but the bytes given is opened; what Qt does with
the interpreter's lock held (drawing an SVG) is done in another process.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader

from dalbrowser.preview import PreviewError
from dalbrowser.ui.preview.svgprocess import NotDrawnError, drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dalbrowser.preview import ImageValue

ALLOCATION_LIMIT = 512
"""MiB; 100 million pixels of four bytes are 382 MiB."""
MOST_CLAIMED = 100_000_000
MOST_DRAWN = 16_000_000
"""Pixels; giving back the 64 MiB of these takes about 15 ms of the loop."""
SMALLEST_LEVEL = 500_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image, upright, ready to be drawn small and large without work on the loop.

    ``size`` is its full size in pixels. ``levels`` are the image itself (reduced where it is
    very large) and then halves of halves, so that a fitted view never scales 30 million pixels.
    """

    levels: tuple[QImage, ...]
    size: QSize

    @property
    def is_reduced(self) -> bool:
        """Whether the image has fewer pixels than the file."""
        return self.levels[0].size() != self.size


async def decoded(value: ImageValue) -> Picture:
    """Decode an image off the loop; whoever gives up waiting ends what can be ended."""
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(decode, value, given_up)
    finally:
        given_up.set()


def decode(value: ImageValue, given_up: threading.Event | None = None) -> Picture:
    """Decode an image; runs in a thread. Raises ``PreviewError`` with what is wrong."""
    image, size = _draw_svg(value.data, given_up) if value.format == "svg" else _read(value)
    return Picture(tuple(_levels(image)), size)


def _levels(image: QImage) -> Iterator[QImage]:
    """Yield the image in the screen's own format, then each half of the one before."""
    plain = QImage.Format.Format_RGB32
    clear = QImage.Format.Format_ARGB32_Premultiplied
    image = image.convertToFormat(clear if image.hasAlphaChannel() else plain)
    yield image
    while image.width() * image.height() > SMALLEST_LEVEL:
        image = image.scaled(
            max(1, image.width() // 2),
            max(1, image.height() // 2),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        yield image


def _read(value: ImageValue) -> tuple[QImage, QSize]:
    QImageReader.setAllocationLimit(ALLOCATION_LIMIT)
    buffer = QBuffer()
    buffer.setData(QByteArray(value.data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(value.format.encode()))
    reader.setAutoTransform(True)
    claimed = reader.size()
    pixels = claimed.width() * claimed.height()
    if pixels > MOST_CLAIMED:
        raise PreviewError(
            f"The file claims {claimed.width():,} × {claimed.height():,} pixels,"
            " more than a preview draws. Download it to look at it."
        )
    if pixels > MOST_DRAWN:
        factor = sqrt(MOST_DRAWN / pixels)
        reader.setScaledSize(
            QSize(max(1, int(claimed.width() * factor)), max(1, int(claimed.height() * factor)))
        )
    image = reader.read()
    if image.isNull():
        raise PreviewError(f"The image could not be decoded: {reader.errorString()}.")
    full = claimed if claimed.isValid() else image.size()
    turned = (image.width() > image.height()) != (full.width() > full.height())
    if turned and pixels > MOST_DRAWN:
        full = full.transposed()
    elif pixels <= MOST_DRAWN:
        full = image.size()
    return image, full


def _draw_svg(data: bytes, given_up: threading.Event | None) -> tuple[QImage, QSize]:
    try:
        width, height, pixels = drawn(data, given_up)
    except NotDrawnError as error:
        raise PreviewError(str(error)) from error
    image = QImage(pixels, width, height, QImage.Format.Format_ARGB32_Premultiplied).copy()
    return image, image.size()
