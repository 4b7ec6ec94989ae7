"""The page of each kind of value: its view with the few controls that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from dalbrowser.ui.elided import ElidedLabel
from dalbrowser.ui.format import count_text, exact_size
from dalbrowser.ui.preview.facts import tr
from dalbrowser.ui.preview.hexview import HexView
from dalbrowser.ui.preview.imageview import ImageView
from dalbrowser.ui.preview.textview import TextView

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.preview import HexValue, TextValue
    from dalbrowser.ui.preview.decoding import Picture
    from dalbrowser.ui.preview.scrolling import Spawn

_ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "utf-16-le": "UTF-16", "ascii": "ASCII"}

_DRAWING = "SVG"


class Page(QWidget):
    """A view below a line of facts and a row of controls."""

    def __init__(self, view: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        view.setParent(self)
        self.bar = QHBoxLayout()
        self.bar.setContentsMargins(8, 2, 8, 2)
        self.bar.setSpacing(2)
        self.bar.addStretch(1)
        self.note = ElidedLabel(parent=self)
        self.note.setProperty("muted", True)
        self.note.setContentsMargins(12, 0, 12, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.note)
        column.addLayout(self.bar)
        column.addWidget(view, 1)
        self.setFocusProxy(view)

    def add_button(
        self, name: str, title: str, act: Callable[[], None] | None = None, *, toggle: bool = False
    ) -> QToolButton:
        """Add a control at the end of those in the row."""
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(title)
        button.setCheckable(toggle)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if act is not None:
            button.clicked.connect(lambda _checked=False: act())
        self.bar.insertWidget(self.bar.count() - 1, button)
        return button


class TextPage(Page):
    """Text, with wrapping and the way to both ends."""

    def __init__(self, spawn: Spawn, parent: QWidget | None = None) -> None:
        self.view = TextView(spawn)
        super().__init__(self.view, parent)
        self.add_button("previewStart", tr("Start"), lambda: self.view.go_to(0))
        self.add_button("previewEnd", tr("End"), self.view.go_to_end)
        self.wrap = self.add_button("previewWrap", tr("Wrap"), toggle=True)
        self.wrap.toggled.connect(self.view.set_wrap)
        self.view.copy_refused.connect(self.note.setText)

    def show_value(self, value: TextValue) -> None:
        """Show a text."""
        self.view.show_document(value.document)
        self.follow()

    def follow(self) -> None:
        """Say what is known of the text by now."""
        document = self.view.document
        if document is None:
            return
        name = document.form.encoding
        parts = [_ENCODINGS.get(name, name.upper().replace("_", "-"))]
        if document.fully_indexed:
            # The last line has no end of its own unless the object ends with one.
            lines = document.line_count
            one = tr("1 line")
            parts.append(one if lines == 1 else tr("{n} lines").format(n=count_text(lines)))
        self.note.setText(" · ".join(parts))


class HexPage(Page):
    """Bytes, with a field that leads to any offset."""

    def __init__(self, spawn: Spawn, parent: QWidget | None = None) -> None:
        self.view = HexView(spawn)
        super().__init__(self.view, parent)
        self.offset = QLineEdit(self)
        self.offset.setObjectName("previewOffset")
        self.offset.setAccessibleName(tr("Go to offset"))
        self.offset.setPlaceholderText(tr("Go to offset"))
        self.offset.setToolTip(tr("A decimal number, or hexadecimal with 0x"))
        self.offset.setMaximumWidth(160)
        self.offset.returnPressed.connect(self._go)
        self.offset.textEdited.connect(lambda _text: self._mark(True))
        self.bar.insertWidget(0, self.offset)

    def show_value(self, value: HexValue) -> None:
        """Show bytes."""
        self.note.setText(value.note or exact_size(value.source.total))
        self.view.show_source(value.source)

    def _go(self) -> None:
        offset = parse_offset(self.offset.text())
        self._mark(offset is not None)
        if offset is not None:
            self.view.go_to(offset)
            self.view.setFocus()

    def _mark(self, right: bool) -> None:
        self.offset.setProperty("invalid", not right)
        self.offset.style().unpolish(self.offset)
        self.offset.style().polish(self.offset)


class ImagePage(Page):
    """An image, fitted or zoomed.

    Signals:
        zoomed: passed on from the view.
    """

    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.view = ImageView()
        super().__init__(self.view, parent)
        self._size = ""
        self.add_button("previewZoomOut", "−", self.view.zoom_out)
        self.add_button("previewZoomIn", "+", self.view.zoom_in)
        self.add_button("previewFit", tr("Fit"), self.view.fit)
        self.add_button("previewActual", "100 %", lambda: self.view.set_zoom(1.0))
        self.view.zoomed.connect(self._say)

    def show_picture(self, picture: Picture | None, kind: str = "") -> None:
        """Show a decoded image."""
        self._size = ""
        if picture is not None:
            size = f"{count_text(picture.size.width())} × {count_text(picture.size.height())}"
            self._size = _DRAWING if kind == "svg" else f"{kind.upper()} · {size}"
            if picture.is_reduced:
                self._size += " · " + tr("shown with fewer pixels")
        self.view.show_picture(picture)

    def _say(self, zoom: float) -> None:
        # A drawing has no pixels: it would be a part of those that it was drawn with here.
        part = f" · {zoom * 100:.0f} %" if self._size != _DRAWING else ""
        self.note.setText(f"{self._size}{part}" if self._size else "")
        self.zoomed.emit(zoom)


def parse_offset(text: str) -> int | None:
    """Read an offset, decimal or hexadecimal with ``0x``; blanks and group marks are let pass."""
    plain = text.strip().lower().replace("_", "").replace(",", "").replace(" ", "")
    try:
        offset = int(plain, 16) if plain.startswith("0x") else int(plain, 10)
    except ValueError:
        return None
    return offset if offset >= 0 else None
