"""Image headers are believed only as far as they are read; SVG loses all that could call out."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalbrowser.preview.dimensions import image_format, image_size
from dalbrowser.preview.errors import NotThisKind, PreviewError
from dalbrowser.preview.svg import static_svg


def png(width: int, height: int) -> bytes:
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def jpeg(width: int, height: int, before: int = 10) -> bytes:
    comment = b"\xff\xfe" + struct.pack(">H", before + 2) + bytes(before)
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3)
    return b"\xff\xd8\xff\xe0\x00\x04ab" + comment + frame + bytes(9)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


def tiff(order: str, width: int, height: int) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    rows = struct.pack(f"{order}HHHI", 2, 256, 4, 1) + struct.pack(f"{order}I", width)
    rows += struct.pack(f"{order}HHI", 257, 3, 1) + struct.pack(f"{order}HH", height, 0)
    return mark + struct.pack(f"{order}I", 8) + rows


SAMPLES = [
    ("png", png(640, 480)),
    ("jpeg", jpeg(640, 480)),
    ("gif", b"GIF89a" + struct.pack("<HH", 640, 480)),
    ("bmp", b"BM" + bytes(12) + struct.pack("<Iii", 40, 640, -480)),
    ("bmp", b"BM" + bytes(12) + struct.pack("<IHH", 12, 640, 480)),
    ("webp", webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"))),
    ("webp", webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14))),
    ("webp", webp(b"VP8 ", b"abc\x9d\x01\x2a" + struct.pack("<HH", 640, 480))),
    ("tiff", tiff("<", 640, 480)),
    ("tiff", tiff(">", 640, 480)),
]


@pytest.mark.parametrize(("kind", "data"), SAMPLES)
def test_a_header_tells_format_and_size(kind: str, data: bytes) -> None:
    assert image_format(data) == kind
    assert image_size(kind, data) == (640, 480)


@pytest.mark.parametrize(("kind", "data"), SAMPLES)
def test_a_header_cut_short_tells_no_size_and_does_no_harm(kind: str, data: bytes) -> None:
    for length in range(len(data)):
        assert image_size(kind, data[:length]) in {None, (640, 480)}


@settings(deadline=None)
@given(st.sampled_from(["png", "jpeg", "gif", "bmp", "webp", "tiff"]), st.binary(max_size=200))
def test_any_bytes_are_survived(kind: str, data: bytes) -> None:
    size = image_size(kind, data)
    assert size is None or len(size) == 2
    image_format(data)


OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<image xlink:href="file:///etc/passwd"/>',
        '<image href="http://127.0.0.1/x.png"/>',
        '<image href="//127.0.0.1/x.png"/>',
        '<image href="data:image/svg+xml;base64,AAAA"/>',
        '<use xlink:href="other.svg#a"/>',
        "<style>@import url(http://127.0.0.1/x.css);</style>",
        '<style>rect{fill:url("http://127.0.0.1/x")}</style>',
        "<style>rect{fill:u\\72l(http://127.0.0.1/x)}</style>",
        '<rect style="fill:URL( http://127.0.0.1/x )"/>',
        '<rect onload="alert(1)"/>',
        '<a xlink:href="http://127.0.0.1/"><rect/></a>',
        "<foreignObject><iframe src='http://127.0.0.1'/></foreignObject>",
    ],
)
def test_nothing_in_an_svg_leads_outside(inner: str) -> None:
    clean = static_svg(f"{OPEN}{inner}<circle r='3'/></svg>".encode())
    drawing = clean.removeprefix(OPEN.encode())
    assert b"circle" in drawing
    for word in (b"127.0.0.1", b"alert", b"passwd", b"other.svg", b"import", b"svg+xml"):
        assert word not in drawing


def test_what_is_drawn_stays() -> None:
    source = (
        f'{OPEN}<defs><linearGradient id="g"/></defs><rect fill="url(#g)" width="3"/>'
        '<use xlink:href="#g"/><text>a &lt; b</text>'
        '<image href="data:image/png;base64,iVBORw0KGgo="/></svg>'
    )
    clean = static_svg(source.encode()).decode()
    for kept in ('fill="url(#g)"', '"#g"', "a &lt; b", "data:image/png;base64,iVBORw0KGgo="):
        assert kept in clean


def _doubling(levels: int) -> str:
    groups = "".join(
        f'<g id="a{level + 1}"><use href="#a{level}"/><use href="#a{level}"/></g>'
        for level in range(levels)
    )
    return f'{OPEN}<rect id="a0"/>{groups}</svg>'


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
        _doubling(30),
        f'{OPEN}<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></svg>',
        OPEN + "<g>" * 400 + "</g>" * 400 + "</svg>",
    ],
)
def test_an_svg_that_multiplies_is_refused(document: str) -> None:
    with pytest.raises(PreviewError):
        static_svg(document.encode())


def test_a_few_references_are_no_bomb() -> None:
    assert b"use" in static_svg(_doubling(5).encode())


@pytest.mark.parametrize("data", [b"<svg", b"<html></html>", b"", b"\xff\xfe"])
def test_what_is_not_svg_is_passed_on(data: bytes) -> None:
    with pytest.raises(NotThisKind):
        static_svg(data)
