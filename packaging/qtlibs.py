"""What Qt needs of the system and the wheel does not bring: shared libraries and a font.

The lists are the NEEDED entries of the libraries and platform plug-ins in PySide6 6.11's
wheel, less what every glibc system has. Each component names its package on the systems
that ``systems`` knows. Invariant: nothing here changes the system.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import NamedTuple


class Component(NamedTuple):
    """Something that must be there, and the package that brings it (empty: unknown)."""

    what: str
    debian: str
    fedora: str = ""
    arch: str = ""
    suse: str = ""


BASE = (
    Component("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd", "libEGL1"),
    Component("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd", "libGL1"),
    Component("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2", "libglib-2_0-0"),
    Component("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib2", "libgthread-2_0-0"),
    Component("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig", "fontconfig"),
    Component("libfreetype.so.6", "libfreetype6", "freetype", "freetype2", "libfreetype6"),
    Component(
        "libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon", "libxkbcommon0"
    ),
    Component("libX11.so.6", "libx11-6", "libX11", "libx11", "libX11-6"),
    Component("libzstd.so.1", "libzstd1", "libzstd", "zstd", "libzstd1"),
    Component("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus", "libdbus-1-3"),
)
"""Needed on every platform plug-in, the offscreen one too."""

FONT = Component("a font", "fonts-dejavu-core", "dejavu-sans-fonts", "ttf-dejavu", "dejavu-fonts")

X11 = (
    Component("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11", "libX11-xcb1"),
    Component(
        "libxkbcommon-x11.so.0",
        "libxkbcommon-x11-0",
        "libxkbcommon-x11",
        "libxkbcommon-x11",
        "libxkbcommon-x11-0",
    ),
    Component(
        "libxcb-cursor.so.0",
        "libxcb-cursor0",
        "xcb-util-cursor",
        "xcb-util-cursor",
        "libxcb-cursor0",
    ),
    Component("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm", "libxcb-icccm4"),
    Component(
        "libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image", "libxcb-image0"
    ),
    Component(
        "libxcb-keysyms.so.1",
        "libxcb-keysyms1",
        "xcb-util-keysyms",
        "xcb-util-keysyms",
        "libxcb-keysyms1",
    ),
    Component("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb", "libxcb-randr0"),
    Component(
        "libxcb-render-util.so.0",
        "libxcb-render-util0",
        "xcb-util-renderutil",
        "xcb-util-renderutil",
        "libxcb-render-util0",
    ),
    Component("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb", "libxcb-shape0"),
    Component("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb", "libxcb-shm0"),
    Component("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb", "libxcb-sync1"),
    Component("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb", "libxcb-xfixes0"),
    Component("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb", "libxcb-xkb1"),
)
"""Needed besides when the window goes to an X11 display."""

WAYLAND = (
    Component(
        "libwayland-client.so.0",
        "libwayland-client0",
        "libwayland-client",
        "wayland",
        "libwayland-client0",
    ),
    Component(
        "libwayland-cursor.so.0",
        "libwayland-cursor0",
        "libwayland-cursor",
        "wayland",
        "libwayland-cursor0",
    ),
    Component(
        "libwayland-egl.so.1", "libwayland-egl1", "libwayland-egl", "wayland", "libwayland-egl1"
    ),
)
"""Needed besides when the window goes to a Wayland compositor without X11."""

_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_FONT_KINDS = (".ttf", ".otf", ".ttc", ".pfb", ".pcf.gz")


def has_display() -> bool:
    """Return whether a window can be shown: always, but on Unix only with a session."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def missing_components() -> list[Component]:
    """Return what Qt would fail for here; other systems' wheels bring all of it."""
    if not sys.platform.startswith("linux"):
        return []
    wanted = list(BASE)
    if os.environ.get("DISPLAY"):
        wanted += X11
    elif os.environ.get("WAYLAND_DISPLAY"):
        wanted += WAYLAND
    missing = [component for component in wanted if not loads(component.what)]
    if not _has_font():
        missing.append(FONT)
    return missing


def loads(soname: str) -> bool:
    """Return whether this system has a shared library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def _has_font() -> bool:
    for folder in _FONT_FOLDERS:
        for _path, _folders, names in os.walk(str(Path(folder).expanduser())):
            if any(name.lower().endswith(_FONT_KINDS) for name in names):
                return True
    return False
