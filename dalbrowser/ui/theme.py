"""Light and dark: one set of named colours for palette, style sheet and icons.

The colours are data (``resources/theme``). Invariant: no widget holds a colour of its own;
what has to be redrawn when the scheme changes listens to ``Theme.changed``.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import shiboken6
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from dalbrowser.ui import icons
from dalbrowser.ui.resources import resource

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLE = 14
_ABOVE_TEXT = 1.25


class Scheme(Enum):
    """Which colours: those of the desktop, or always one set."""

    DESKTOP = "desktop"
    LIGHT = "light"
    DARK = "dark"


@cache
def colors(scheme: Scheme) -> Mapping[str, str]:
    """Return the named colours of LIGHT or DARK, each ``#rrggbb``."""
    loaded: dict[str, str] = json.loads(resource(f"theme/{scheme.value}.json").read_text("utf-8"))
    return loaded


@cache
def _style_sheet(scheme: Scheme, title: int) -> str:
    """Return the style sheet; ``title`` is the size of titles in points."""
    named = {**colors(scheme), "title-size": f"{title}pt"}
    for picture in ("arrow", "check"):
        named[picture] = resource(f"theme/{picture}-{scheme.value}.svg").as_posix()
    template = resource("theme/window.qss").read_text("utf-8")
    return re.sub(r"@([a-z-]+)", lambda found: named[found[1]], template)


def _title_size(app: QApplication) -> int:
    """Return the size of titles in points: above the text's, also where a person's is large."""
    return max(_TITLE, round(app.font().pointSizeF() * _ABOVE_TEXT))


def _palette(named: Mapping[str, str]) -> QPalette:
    palette = QPalette(QColor(named["window"]))
    role = QPalette.ColorRole
    for one, name in (
        (role.Window, "window"),
        (role.WindowText, "text"),
        (role.Base, "base"),
        (role.AlternateBase, "base"),
        (role.Text, "text"),
        (role.PlaceholderText, "muted"),
        (role.Button, "raised"),
        (role.ButtonText, "text"),
        (role.ToolTipBase, "raised"),
        (role.ToolTipText, "text"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "on-accent"),
        (role.Accent, "accent"),
        (role.Link, "accent"),
        (role.LinkVisited, "accent"),
        (role.Mid, "border"),
    ):
        palette.setColor(one, QColor(named[name]))
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, QColor(named["faint"]))
    return palette


class Theme(QObject):
    """The colours in force.

    Signals:
        changed: the colours are others now; icons have to be asked for again.
    """

    changed = Signal()
    shown: ClassVar[Theme | None] = None
    """The last one made: looking for it among the application's children, three times for each
    cell that is drawn, took a tenth of the drawing."""

    def __init__(self, app: QApplication, scheme: Scheme = Scheme.DESKTOP) -> None:
        super().__init__(app)
        Theme.shown = self
        self._app = app
        self._wanted = scheme
        self._named = colors(Scheme.LIGHT)
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self.apply(scheme)

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are shown."""
        return self._named is colors(Scheme.DARK)

    def color(self, name: str) -> QColor:
        """Return a named colour, ``muted`` or ``accent``; ``KeyError`` if there is none."""
        return QColor(self._named[name])

    def apply(self, scheme: Scheme) -> None:
        """Show a scheme now; DESKTOP goes on following the desktop."""
        self._wanted = scheme
        shown = scheme
        if shown is Scheme.DESKTOP:
            dark = self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark
            shown = Scheme.DARK if dark else Scheme.LIGHT
        self._named = colors(shown)
        if self._app.style().name() != "fusion":
            self._app.setStyle("Fusion")
        self._app.setPalette(_palette(self._named))
        self._app.setStyleSheet(_style_sheet(shown, _title_size(self._app)))
        for window in self._app.topLevelWidgets():
            self.refresh(window)
        self.changed.emit()

    def icon(self, name: str, color: str = "muted") -> QIcon:
        """Return an icon in a named colour; cheap enough for a view's ``data``."""
        return icons.tinted(
            name, self._named[color], self._named["faint"], self._named["on-selection"]
        )

    def pixmap(self, name: str, side: int, color: str = "muted") -> QPixmap:
        """Return an icon as a picture of ``side`` logical pixels, sharp on the best screen."""
        ratio = QGuiApplication.primaryScreen().devicePixelRatio()
        picture = icons.render(name, self._named[color], round(side * ratio))
        picture.setDevicePixelRatio(ratio)
        return picture

    def dress(self, item: QAction | QAbstractButton, name: str, color: str = "muted") -> None:
        """Give an action or a button its icon, and again whenever the scheme changes."""
        item.setProperty("iconName", name)
        item.setProperty("iconColor", color)
        item.setIcon(self.icon(name, color))
        if isinstance(item, QAbstractButton):
            item.setIconSize(QSize(20, 20))

    def refresh(self, widget: QWidget) -> None:
        """Redraw every dressed icon below a widget in the colours in force."""
        dressed: list[QAction | QAbstractButton] = [
            *widget.findChildren(QAction),
            *widget.findChildren(QAbstractButton),
        ]
        for item in dressed:
            name = item.property("iconName")
            if name:
                item.setIcon(self.icon(str(name), str(item.property("iconColor"))))

    def _follow(self) -> None:
        if self._wanted is Scheme.DESKTOP:
            self.apply(Scheme.DESKTOP)


def theme() -> Theme:
    """Return the application's theme, made on first use.

    Colours belong to the one QApplication that a process can have, which owns the theme.
    """
    found = _existing()
    if found is not None:
        return found
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("A theme needs a QApplication; make one first.")
    return Theme(app)


def _existing() -> Theme | None:
    """Return the theme, unless it went with its application."""
    found = Theme.shown
    return found if found is not None and shiboken6.isValid(found) else None


def apply_theme(app: QApplication, name: str) -> Theme:
    """Show ``light``, ``dark`` or, for ``auto`` and ``system``, what the desktop has."""
    found = _existing()
    scheme = {"light": Scheme.LIGHT, "dark": Scheme.DARK}.get(name, Scheme.DESKTOP)
    if found is not None:
        found.apply(scheme)
        return found
    return Theme(app, scheme)
