"""All that is known of one object or folder, exactly, to be read and copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.format import exact_size, exact_time, short_name, size_text, visible_name
from dalbrowser.ui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from dalbrowser.profiles import Location
    from dalbrowser.storage import Metadata

_LONGEST_WORD = 40
"""Characters."""


class PropertiesDialog(Sheet):
    """Name, address and every known metadata field."""

    def __init__(
        self,
        location: Location,
        address: str,
        metadata: Metadata,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("propertiesDialog", self.tr("Properties"), parent)
        self.setMinimumWidth(520)
        self.add_title(short_name(visible_name(location.name.removesuffix("/"))))
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(24)
        self._form.setVerticalSpacing(8)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.body.addSpacing(4)
        self.body.addLayout(self._form)
        self.body.addStretch(1)
        self._address = address
        self._key = location.path
        self.show_metadata(metadata)
        close = self.add_verb("propertiesClose", self.tr("Close"), default=True)
        close.clicked.connect(self.accept)

    def show_metadata(self, found: Metadata) -> None:
        """Show these fields in place of those before."""
        while self._form.rowCount():
            self._form.removeRow(0)
        self._line(self.tr("Address"), self._address)
        if repr(self._key) != f"'{self._key}'":
            self._line(self.tr("Exact key"), repr(self._key))
        if found.content_length is not None and not found.is_dir:
            size = exact_size(found.content_length)
            self._line(self.tr("Size"), f"{size_text(found.content_length)} ({size})")
        if found.last_modified is not None:
            self._line(self.tr("Modified"), exact_time(found.last_modified))
        for label, value in (
            (self.tr("Content type"), found.content_type),
            (self.tr("Content encoding"), found.content_encoding),
            (self.tr("Content disposition"), found.content_disposition),
            (self.tr("Cache control"), found.cache_control),
            (self.tr("ETag"), found.etag),
            (self.tr("MD5"), found.content_md5),
            (self.tr("Storage class"), found.storage_class),
            (self.tr("Version"), found.version),
            (self.tr("Owner"), found.owner),
            *((name, value) for name, value in sorted(found.checksums.items())),
            *((name, value) for name, value in sorted(found.user_metadata.items())),
        ):
            if value:
                self._line(label, value)
        if self.isVisible():
            self.make_room()

    def _line(self, label: str, value: str) -> None:
        head = QLabel(label)
        head.setProperty("muted", True)
        self._form.addRow(head, _value(value))


def _value(text: str) -> QLabel:
    """Make the label of one value: its words can be selected, one long word is broken."""
    if max(map(len, text.split()), default=0) > _LONGEST_WORD:
        return WrappedLabel(text, copyable=True)
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
