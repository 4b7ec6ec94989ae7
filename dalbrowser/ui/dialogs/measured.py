"""A question about objects that says how many they are and how much, counted while it is open.

Invariant: what is done is what was named when the question was asked; the question says *at
least* where the number is not known to the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui.dialogs.confirm import ConfirmDialog
from dalbrowser.ui.format import count_text, exact_size, items_text, size_text, visible_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Measure, Session

_NAMED = 5
_LIMIT = 10_000
"""Objects that are counted; beyond them it says *at least*."""


def shown_names(places: Sequence[Location]) -> list[str]:
    """Return what the first places are called on screen: as many as a question names."""
    return [visible_name(place.name.removesuffix("/")) for place in places[:_NAMED]]


class MeasuredDialog(ConfirmDialog):
    """A question that names things, says how much they are, and what follows from a yes.

    ``named`` are the first names of ``count`` things. ``counted_verb`` is what the button says
    once it is known: ``{objects}`` stands for how many.
    """

    def __init__(
        self,
        name: str,
        title: str,
        verb: str,
        counted_verb: str,
        *,
        named: Sequence[str],
        count: int,
        follows: str,
        danger: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(name, title, "", verb, parent, danger=danger)
        self._counted_verb = counted_verb
        self._follows = follows
        self._names = "\n".join(named)
        if count > _NAMED:
            more = self.tr("… and {count} more").format(count=count_text(count - _NAMED))
            self._names = f"{self._names}\n{more}"
        self.show_measure(None)

    def show_measure(self, measure: Measure | None, problem: str = "") -> None:
        """Say how much it is; ``None`` while it is being counted."""
        if problem:
            much = self.tr("How much that is could not be counted: {why}").format(why=problem)
        elif measure is None:
            much = self.tr("Counting…")
        else:
            much = self.tr("{objects} in all, {size} ({exact}).").format(
                objects=items_text(measure.objects),
                size=size_text(measure.bytes),
                exact=exact_size(measure.bytes),
            )
            objects = items_text(measure.objects)
            if not measure.complete:
                much = self.tr("At least {much}").format(much=much)
                objects = f"{count_text(measure.objects)}+"
            self._verb.setText(self._counted_verb.format(objects=objects))
        self._text.setText("\n\n".join(part for part in (self._names, much, self._follows) if part))
        if self.isVisible():
            self.make_room()

    async def count(self, session: Session, places: Sequence[Location]) -> None:
        """Count the objects of ``places`` and say how much they are, or why that is not known."""
        try:
            found = await session.measure(places, _LIMIT)
        except (StorageError, OSError) as error:
            self.show_measure(None, describe(error))
            return
        self.show_measure(found)
