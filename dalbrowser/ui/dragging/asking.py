"""Asking before much is moved: a move in object storage is a copy and a delete of each object.

Invariant: what is moved is what was named when the question was asked.
"""

from __future__ import annotations

import asyncio
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


class MoveDialog(ConfirmDialog):
    """Asks whether places shall be moved, and says how many objects that is."""

    def __init__(
        self, places: Sequence[Location], target: str, parent: QWidget | None = None
    ) -> None:
        names = [visible_name(place.name.removesuffix("/")) for place in places]
        self._names = "\n".join(names[:_NAMED])
        if len(names) > _NAMED:
            more = self.tr("… and {count} more").format(count=count_text(len(names) - _NAMED))
            self._names = f"{self._names}\n{more}"
        title = self.tr("Move {items} to {place}?").format(
            items=items_text(len(names)), place=target
        )
        super().__init__("moveDialog", title, "", self.tr("Move"), parent)
        self._verb.setProperty("danger", False)
        self._verb.setProperty("verb", True)
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
            self._verb.setText(self.tr("Move {objects}").format(objects=objects))
        how = self.tr(
            "Each is copied, checked, and only then deleted where it was. You can stop it in"
            " the transfers at any time."
        )
        self._text.setText("\n\n".join((self._names, much, how)))


async def confirmed(
    session: Session, places: Sequence[Location], target: str, parent: QWidget
) -> bool:
    """Ask, counting meanwhile; whether the person said yes."""
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    dialog = MoveDialog(places, target, parent)

    def answered(code: int) -> None:
        if not answer.done():
            answer.set_result(code == MoveDialog.DialogCode.Accepted)

    dialog.finished.connect(answered)
    dialog.open()
    counting = session.tasks.spawn(
        _count(session, places, dialog), owner="window", name="measure", group="measure move"
    )
    try:
        return await answer
    finally:
        counting.cancel()


async def _count(session: Session, places: Sequence[Location], dialog: MoveDialog) -> None:
    try:
        found = await session.measure(places, _LIMIT)
    except (StorageError, OSError) as error:
        dialog.show_measure(None, describe(error))
        return
    dialog.show_measure(found)
