"""What an image's header claims about its format and size, read before any pixel.

Invariant: only the bytes at hand are looked at, none is believed beyond its two or four
bytes of width and height, and nothing is decompressed.
Layouts: PNG (W3C, 11.2.1), JPEG (ITU T.81, B.2.2), GIF89a (18), BMP (``BITMAPINFOHEADER``),
WebP (RFC 9649, 2.5–2.7), TIFF 6.0 (section 2).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Size = tuple[int, int]

_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_format(magic: bytes) -> str:
    """Name the format in the words of ``ImageValue.format``, or return nothing."""
    for begin, name in _SIGNATURES:
        if magic.startswith(begin):
            return name
    if magic[:4] == b"RIFF" and magic[8:12] == b"WEBP":
        return "webp"
    if _looks_like_svg(magic):
        return "svg"
    return ""


def image_size(kind: str, data: bytes) -> Size | None:
    """Return (width, height) in pixels as the header claims, or ``None`` when it does not say.

    ``data`` is the beginning of the file; for JPEG and TIFF the place may lie further on.
    """
    measure = _MEASURES.get(kind)
    if measure is None:
        return None
    try:
        return measure(data)
    except (struct.error, IndexError):
        return None


def _looks_like_svg(magic: bytes) -> bool:
    start = magic[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"<?xml", b"<!--", b"<!DOCTYPE svg", b"<svg")) and b"<svg" in magic


def _png(data: bytes) -> Size | None:
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> Size:
    return struct.unpack_from("<HH", data, 6)


def _bmp(data: bytes) -> Size:
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        width = int.from_bytes(data[24:27], "little")
        height = int.from_bytes(data[27:30], "little")
        return width + 1, height + 1
    if kind == b"VP8L" and data[20:21] == b"\x2f":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(data: bytes) -> Size | None:
    """Walk the marker segments up to the first frame header."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _BARE_MARKERS:
            at += 2
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == 0xDA or length < 2:
            return None
        at += 2 + length
    return None


def _tiff(data: bytes) -> Size | None:
    """Find the tags 256 and 257 of the first directory."""
    order = "<" if data[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(f"{order}I", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, directory)
    found: dict[int, int] = {}
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, at)
        if tag in {256, 257}:
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
    return (found[256], found[257]) if len(found) == 2 else None


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\0\0\1\0", "ico"),
)
_MEASURES: dict[str, Callable[[bytes], Size | None]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "bmp": _bmp,
    "webp": _webp,
    "tiff": _tiff,
}
