"""Asking before much is moved: a move in object storage is a copy and a delete of each object.

Invariant: what is moved is what was named when the question was asked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dalbrowser.ui.dialogs.measured import MeasuredDialog, shown_names
from dalbrowser.ui.format import items_text, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session


class MoveDialog(MeasuredDialog):
    """Asks whether places shall be moved, and says how many objects that is."""

    def __init__(
        self, places: Sequence[Location], target: str, parent: QWidget | None = None
    ) -> None:
        names = shown_names(places)
        title = self.tr("Move {items} to {place}?").format(
            items=items_text(len(places)), place=short_name(target)
        )
        follows = self.tr(
            "Each is copied, checked, and only then deleted where it was. You can stop it in"
            " the transfers at any time."
        )
        if short_name(target) != target:
            follows = self.tr("To {place}").format(place=target) + f"\n\n{follows}"
        super().__init__(
            "moveDialog",
            title,
            self.tr("Move"),
            self.tr("Move {objects}"),
            named=names,
            count=len(places),
            follows=follows,
            danger=False,
            parent=parent,
        )


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
        dialog.count(session, places), owner="window", name="measure", group="measure move"
    )
    try:
        return await answer
    finally:
        counting.cancel()
