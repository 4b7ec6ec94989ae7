"""Object names of several equal widgets, of which one is in front.

Invariant: outside the parts in the background every object name is there once, so that
``findChild`` finds the widget that a person sees. Names that Qt gives are left alone.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

_BEHIND = "@background"


def step_back(part: QWidget) -> None:
    """Mark a part and all below it as being in the background."""
    for widget in (part, *part.findChildren(QWidget)):
        name = widget.objectName()
        if name and not name.startswith("qt_") and not name.endswith(_BEHIND):
            widget.setObjectName(name + _BEHIND)


def step_forward(part: QWidget) -> None:
    """Give a part and all below it their own names again."""
    for widget in (part, *part.findChildren(QWidget)):
        name = widget.objectName()
        if name.endswith(_BEHIND):
            widget.setObjectName(name.removesuffix(_BEHIND))
