"""Asking before something is lost: deleting objects, forgetting a connection.

Invariant: what is deleted is what was named when the question was asked; the question says
how many and how much, and *at least* where that is not known to the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.format import count_text, exact_size, items_text, size_text, visible_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Measure

_NAMED = 5


class ConfirmDialog(Sheet):
    """A question with one verb; ``accepted`` when the verb was chosen."""

    def __init__(
        self, name: str, title: str, text: str, verb: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(name, title, parent)
        self.setMinimumWidth(440)
        self.add_title(title)
        self._text = self.add_text(text, f"{name}Text")
        cancel = self.add_verb(f"{name}Cancel", self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self._verb = self.add_verb(f"{name}Confirm", verb, danger=True)
        self._verb.clicked.connect(self.accept)
        # The safe answer has the keyboard; the other one is a Tab away.
        cancel.setFocus()


class DeleteDialog(ConfirmDialog):
    """Asks whether ``locations`` shall be deleted, and says what that is."""

    def __init__(self, locations: Sequence[Location], parent: QWidget | None = None) -> None:
        names = [visible_name(place.name.removesuffix("/")) for place in locations]
        if len(names) == 1:
            title = self.tr("Delete “{name}”?").format(name=names[0])
        else:
            title = self.tr("Delete {items}?").format(items=items_text(len(names)))
        self._names = "\n".join(names[:_NAMED]) if len(names) > 1 else ""
        if len(names) > _NAMED:
            more = self.tr("… and {count} more").format(count=count_text(len(names) - _NAMED))
            self._names = f"{self._names}\n{more}"
        super().__init__("deleteDialog", title, "", self.tr("Delete"), parent)
        self.show_measure(None)

    def show_measure(self, measure: Measure | None, problem: str = "") -> None:
        """Say how much it is; ``None`` while it is being counted."""
        if problem:
            much = self.tr("How much that is could not be counted: {why}").format(why=problem)
        elif measure is None:
            much = self.tr("Counting…")
        else:
            much = self.tr("{objects} in all, {size} ({exact}).").format(
                objects=_objects(measure.objects),
                size=size_text(measure.bytes),
                exact=exact_size(measure.bytes),
            )
            if not measure.complete:
                much = self.tr("At least {much}").format(much=much)
            self._verb.setText(self.tr("Delete {objects}").format(objects=_verb_text(measure)))
        undo = self.tr("This cannot be undone, unless the bucket keeps versions.")
        self._text.setText("\n\n".join(part for part in (self._names, much, undo) if part))


def _objects(count: int) -> str:
    return items_text(count)


def _verb_text(measure: Measure) -> str:
    return items_text(measure.objects) if measure.complete else f"{count_text(measure.objects)}+"
