"""The program's own icons: one-colour SVGs, tinted and rendered crisp from 100 to 300 %.

Every drawing is on a 24-unit grid in ``currentColor``; what is cached is the finished
``QIcon`` by name and colour, so a list of a million rows paints from a dictionary.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from dalbrowser.ui.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOGICAL = (16, 20, 24)


@cache
def _drawing(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


def render(name: str, color: str, side: int) -> QPixmap:
    """Draw an icon at ``side`` device pixels in one colour (``#rrggbb``)."""
    return next(_render(name, color, [side]))


def _render(name: str, color: str, sides: Iterable[int]) -> Iterator[QPixmap]:
    """Draw an icon in one colour and several sizes; reading the drawing is most of the work."""
    drawing = QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", color).encode()))
    for side in sides:
        picture = QPixmap(side, side)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        drawing.render(painter, QRectF(0, 0, side, side))
        painter.end()
        yield picture


def _ratios() -> tuple[float, ...]:
    return tuple(sorted({screen.devicePixelRatio() for screen in QGuiApplication.screens()}))


@cache
def _build(name: str, color: str, disabled: str, selected: str, ratios: tuple[float, ...]) -> QIcon:
    icon = QIcon()
    sides = sorted({round(side * ratio) for side in _LOGICAL for ratio in ratios})
    modes = {QIcon.Mode.Normal: color, QIcon.Mode.Disabled: disabled}
    if selected != color:
        modes[QIcon.Mode.Selected] = selected
    for mode, drawn in modes.items():
        for picture in _render(name, drawn, sides):
            icon.addPixmap(picture, mode)
    return icon


def tinted(name: str, color: str, disabled: str, selected: str) -> QIcon:
    """Return an icon in three colours, drawn from the vector for the screens there are."""
    return _build(name, color, disabled, selected, _ratios())


def app_icon() -> QIcon:
    """Return the program's own icon."""
    return QIcon(str(resource("dalbrowser.svg")))
