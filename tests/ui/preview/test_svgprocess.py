"""A drawing without end, or without bound, stops neither the window nor the machine."""

from __future__ import annotations

import asyncio
import base64
import struct
import threading
import zlib
from time import monotonic

import pytest

from dalbrowser.preview import ImageValue
from dalbrowser.ui.preview import svgprocess
from dalbrowser.ui.preview.decoding import decoded
from dalbrowser.ui.preview.svgprocess import NotDrawnError, drawn
from tests.unit.preview.test_images import OPEN

BLURRED = (
    f'{OPEN[:-1]} viewBox="0 0 100 100"><filter id="f"><feGaussianBlur stdDeviation="50"/>'
    "</filter>" + '<rect filter="url(#f)" width="100" height="100"/>' * 300 + "</svg>"
)


def test_a_drawing_without_end_is_ended_and_nothing_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(svgprocess, "DEADLINE", 1.0)
    said: list[str] = []

    def draw() -> None:
        with pytest.raises(NotDrawnError) as failure:
            drawn(BLURRED.encode())
        said.append(str(failure.value))

    thread = threading.Thread(target=draw)
    began = monotonic()
    thread.start()
    turns = 0
    while thread.is_alive():
        thread.join(0.01)
        turns += 1
    assert said == ["Drawing this SVG takes more than 1 s. Download it to look at it."]
    assert monotonic() - began < 5
    assert turns > 20  # in one turn where the lock is held


async def test_who_looks_elsewhere_ends_the_drawing() -> None:
    began = monotonic()
    drawing = asyncio.ensure_future(decoded(ImageValue(BLURRED.encode(), "svg")))
    await asyncio.sleep(0)
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    # The thread and with it the child end, so that the program can end too.
    await asyncio.get_running_loop().shutdown_default_executor()
    assert monotonic() - began < svgprocess.DEADLINE / 2


def test_pictures_that_swell_inside_end_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svgprocess, "MEMORY", 300 * 1024**2)
    # Without memory Qt may end, or wait for itself: then this is what ends it.
    monkeypatch.setattr(svgprocess, "DEADLINE", 3.0)
    inline = base64.b64encode(_grey(8000, 8000)).decode()
    swelling = (
        f'{OPEN[:-1]} viewBox="0 0 100 100">'
        + f'<image width="9" height="9" xlink:href="data:image/png;base64,{inline}"/>' * 8
        + "</svg>"
    )
    with pytest.raises(NotDrawnError, match="Drawing this SVG takes more"):
        drawn(swelling.encode())


def test_a_drawing_arrives_to_the_last_pixel() -> None:
    rows = '<rect width="200" height="50" fill="red"/>'
    width, height, pixels = drawn(f'{OPEN[:-1]} viewBox="0 0 200 50">{rows}</svg>'.encode())
    assert (width, height) == (2048, 512)
    assert len(pixels) == width * height * 4
    assert pixels[-4:] == struct.pack("<I", 0xFFFF0000)


def test_what_qt_does_not_take_for_a_drawing_is_said() -> None:
    with pytest.raises(NotDrawnError, match="could not be drawn"):
        drawn(b"<svg")


def _grey(width: int, height: int) -> bytes:
    """Return a black PNG; a thousandth of its pixels in bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
