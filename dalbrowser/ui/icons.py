"""The program's own icons: one-colour SVGs, tinted and rendered crisp from 100 to 300 %.

Every drawing is on a 24-unit grid in ``currentColor``; what is cached is the finished
``QIcon`` by name and colour, so a list of a million rows paints from a dictionary.
"""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from dalbrowser.ui.resources import resource

_LOGICAL = (16, 20, 24)


@cache
def _drawing(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


def render(name: str, color: str, side: int) -> QPixmap:
    """Draw an icon at ``side`` device pixels in one colour (``#rrggbb``)."""
    drawing = QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", color).encode()))
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawing.render(painter, QRectF(0, 0, side, side))
    painter.end()
    return picture


def _ratios() -> tuple[float, ...]:
    return tuple(sorted({screen.devicePixelRatio() for screen in QGuiApplication.screens()}))


@cache
def _build(name: str, color: str, disabled: str, selected: str, ratios: tuple[float, ...]) -> QIcon:
    icon = QIcon()
    for side in sorted({round(side * ratio) for side in _LOGICAL for ratio in ratios}):
        icon.addPixmap(render(name, color, side), QIcon.Mode.Normal)
        icon.addPixmap(render(name, disabled, side), QIcon.Mode.Disabled)
        if selected != color:
            icon.addPixmap(render(name, selected, side), QIcon.Mode.Selected)
    return icon


def tinted(name: str, color: str, disabled: str, selected: str) -> QIcon:
    """Return an icon in three colours, drawn from the vector for the screens there are."""
    return _build(name, color, disabled, selected, _ratios())


def app_icon() -> QIcon:
    """Return the program's own icon."""
    return QIcon(str(resource("dalbrowser.svg")))
