"""Decoding stays within its bounds, and tells the image's own size whatever it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dalbrowser.preview import ImageValue, PreviewError
from dalbrowser.ui.preview import decoding
from dalbrowser.ui.preview.decoding import decode
from tests.ui.preview.test_pane import picture
from tests.unit.preview.test_images import OPEN

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


def test_levels_are_halves_of_halves(qapp: QApplication) -> None:
    found = decode(ImageValue(picture(3000, 1000), "png"))
    sizes = [(level.width(), level.height()) for level in found.levels]
    assert sizes == [(3000, 1000), (1500, 500), (750, 250)]
    assert not found.is_reduced


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_a_very_large_image_is_drawn_with_fewer_pixels(
    qapp: QApplication, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MOST_DRAWN", 100_000)
    found = decode(ImageValue(picture(1000, 500, form.encode()), form))
    assert (found.size.width(), found.size.height()) == (1000, 500)
    assert found.is_reduced
    assert 50_000 < found.levels[0].width() * found.levels[0].height() <= 100_000


def test_claims_beyond_the_bound_are_refused(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MOST_CLAIMED", 9_999)
    with pytest.raises(PreviewError, match="100 × 100 pixels, more than a preview draws"):
        decode(ImageValue(picture(100, 100), "png"))


def test_bytes_that_are_no_image_are_a_sentence(qapp: QApplication) -> None:
    with pytest.raises(PreviewError, match="could not be decoded"):
        decode(ImageValue(b"\xff\xd8\xff nothing", "jpeg"))
    with pytest.raises(PreviewError, match="could not be drawn"):
        decode(ImageValue(b"<svg", "svg"))


def test_a_drawing_keeps_its_shape(qapp: QApplication) -> None:
    source = f'{OPEN[:-1]} viewBox="0 0 200 50"><rect width="200" height="50" fill="red"/></svg>'
    found = decode(ImageValue(source.encode(), "svg"))
    assert found.size.width() == 4 * found.size.height()
    assert found.levels[0].pixelColor(found.size.width() // 2, 5).name() == "#ff0000"
