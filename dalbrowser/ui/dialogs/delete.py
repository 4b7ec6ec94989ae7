"""Asking before objects are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.ui.dialogs.measured import MeasuredDialog, shown_names
from dalbrowser.ui.format import items_text, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location


class DeleteDialog(MeasuredDialog):
    """Asks whether ``places`` shall be deleted, and says what that is."""

    def __init__(self, places: Sequence[Location], parent: QWidget | None = None) -> None:
        names = shown_names(places)
        if len(places) == 1:
            title = self.tr("Delete “{name}”?").format(name=short_name(names[0]))
        else:
            title = self.tr("Delete {items}?").format(items=items_text(len(places)))
        super().__init__(
            "deleteDialog",
            title,
            self.tr("Delete"),
            self.tr("Delete {objects}"),
            # One alone is named in the title, where there is room for it.
            named=() if len(places) == 1 and names == [short_name(names[0])] else names,
            count=len(places),
            follows=self.tr("This cannot be undone, unless the bucket keeps versions."),
            danger=True,
            parent=parent,
        )
