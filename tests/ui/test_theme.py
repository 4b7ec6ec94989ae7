"""The colours: complete, readable, and put in force at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from dalbrowser.session import ACTIONS
from dalbrowser.ui.actions import icon_of
from dalbrowser.ui.resources import resource
from dalbrowser.ui.theme import Scheme, apply_theme, colors, theme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

SCHEMES = [Scheme.LIGHT, Scheme.DARK]
PAIRS = [
    ("text", "window"),
    ("text", "base"),
    ("text", "sidebar"),
    ("muted", "window"),
    ("muted", "base"),
    ("muted", "hover"),
    ("on-selection", "selection"),
    ("text", "selection-idle"),
    ("on-accent", "accent"),
    ("on-accent", "danger"),
    ("accent", "window"),
    ("danger", "base"),
    ("text", "danger-ground"),
    ("text", "warning-ground"),
    ("text", "success-ground"),
]


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture
def light_again(qapp: QApplication) -> Iterator[None]:
    yield
    apply_theme(qapp, "light")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_a_contrast_of_at_least_4_5(scheme: Scheme, text: str, ground: str) -> None:
    named = colors(scheme)
    assert contrast(named[text], named[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_empty_box_can_be_told_from_its_ground(scheme: Scheme) -> None:
    # WCAG 2.2, 1.4.11: what is needed to tell a control is.
    named = colors(scheme)
    for ground in ("window", "base"):
        assert contrast(named["muted"], named[ground]) >= 3
        assert contrast(named["accent"], named[ground]) >= 3


def test_both_schemes_name_the_same_colors_and_all_that_the_sheet_uses() -> None:
    light, dark = (set(colors(scheme)) for scheme in SCHEMES)
    assert light == dark
    used = set(re.findall(r"@([a-z-]+)", resource("theme/window.qss").read_text("utf-8")))
    assert used <= light | {"arrow", "check", "title-size"}


@pytest.mark.usefixtures("light_again")
def test_a_change_of_scheme_reaches_palette_and_icons_at_once(qapp: QApplication) -> None:
    apply_theme(qapp, "light")
    holder = QWidget()
    button = QPushButton(holder)
    theme().dress(button, "folder")
    before = button.icon().pixmap(20, 20).toImage()
    heard: list[bool] = []
    theme().changed.connect(lambda: heard.append(True))
    apply_theme(qapp, "dark")
    assert theme().is_dark
    assert heard == [True]
    assert qapp.palette().base().color().lightness() < 60
    assert button.icon().pixmap(20, 20).toImage() != before
    holder.deleteLater()


@pytest.mark.parametrize("name", sorted({icon_of(row) for row in ACTIONS} - {""}))
def test_every_action_icon_is_drawn(name: str) -> None:
    assert "currentColor" in resource(f"icons/{name}.svg").read_text("utf-8")
