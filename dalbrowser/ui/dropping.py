"""One widget's side of a drag: where it hovers, what is marked, what opens, what is let go.

Invariants: what is shown while it hovers is what is done when it is let go; a folder that
the drag rests on for a second opens; leaving the widget leaves no mark, hint or timer behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer

from dalbrowser.session.carrying import Cargo, Deed

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QDropEvent

    from dalbrowser.profiles import Location
    from dalbrowser.session.carrying import Verdict
    from dalbrowser.ui.dragging.drops import Drops

SPRING = 1000
"""Milliseconds that a drag rests on a folder before it opens."""
_ACTIONS = {
    Deed.UPLOAD: Qt.DropAction.CopyAction,
    Deed.COPY: Qt.DropAction.CopyAction,
    Deed.MOVE: Qt.DropAction.MoveAction,
}


class Spot(NamedTuple):
    """What a position stands for: a row, node or part by number (-1: the widget), its folder."""

    number: int
    place: Location | None


class DropHandling(QObject):
    """One widget's answers to a drag.

    ``spot_at`` says what a position stands for, ``None`` for nowhere. ``mark`` shows which
    spot would take the drop, with ``None`` when none does. ``spring`` opens the spot that a
    drag rested on and returns the number that stands for it then, if any. Until ``drops``
    is set, nothing is taken.
    """

    def __init__(
        self,
        parent: QObject,
        spot_at: Callable[[QPoint], Spot | None],
        mark: Callable[[int | None], None],
        spring: Callable[[int], int | None] | None = None,
    ) -> None:
        super().__init__(parent)
        self.drops: Drops | None = None
        self._spot_at = spot_at
        self._mark = mark
        self._spring = spring
        self._cargo = Cargo()
        self._asked: tuple[Spot, Qt.KeyboardModifier] | None = None
        self._verdict: Verdict | None = None
        self._resting: Spot | None = None
        self._sprung: Spot | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SPRING)
        self._timer.timeout.connect(self._rested)

    def move(self, event: QDropEvent) -> None:
        """Accept or refuse what hovers, say so, and mark where it would go."""
        drops = self.drops
        entering = event.type() is QEvent.Type.DragEnter
        if entering and drops is not None:
            # Asked once a drag and not at every move: it reads all that is dragged.
            self._cargo = drops.read(event.mimeData())
            self._asked = None
        if drops is None:
            event.ignore()
            return
        self._sprung = None
        spot = self._spot_at(event.position().toPoint())
        self._rest(spot)
        verdict = self._judge(drops, spot, event.modifiers())
        if verdict is not None and verdict.allowed and verdict.deed is not None:
            self._mark(None if spot is None else spot.number)
            event.setDropAction(_ACTIONS[verdict.deed])
            event.accept()
            return
        self._mark(None)
        # An entry that is refused would be the last that is heard of it.
        event.setAccepted(entering)
        if entering:
            event.setDropAction(Qt.DropAction.IgnoreAction)

    def leave(self) -> None:
        """Forget the drag."""
        self._rest(None)
        self._mark(None)
        self._asked = self._verdict = self._sprung = None
        self._cargo = Cargo()
        if self.drops is not None:
            self.drops.hint(None)

    def drop(self, event: QDropEvent) -> None:
        """Take what was let go, if it is what was shown."""
        # The pointer has not moved since that folder opened: it is the one that was shown.
        spot = self._sprung or self._spot_at(event.position().toPoint())
        drops, verdict = self.drops, None
        if drops is not None and spot is not None:
            self._cargo, self._asked = drops.read(event.mimeData()), None
            verdict = self._judge(drops, spot, event.modifiers())
        self.leave()
        if drops is None or verdict is None:
            event.ignore()
            return
        event.setDropAction(
            _ACTIONS[verdict.deed]
            if verdict.allowed and verdict.deed is not None
            else Qt.DropAction.IgnoreAction
        )
        event.setAccepted(verdict.allowed)
        # Also what is refused: it says why.
        drops.take(verdict)

    def _judge(
        self, drops: Drops, spot: Spot | None, modifiers: Qt.KeyboardModifier
    ) -> Verdict | None:
        if spot is None:
            self._asked = self._verdict = None
            drops.hint(None)
            return None
        if self._asked != (spot, modifiers):
            self._asked = (spot, modifiers)
            self._verdict = drops.judge(self._cargo, modifiers, spot.place)
            drops.hint(self._verdict)
        return self._verdict

    def _rest(self, spot: Spot | None) -> None:
        if spot == self._resting:
            return
        self._resting = spot
        opens = spot is not None and spot.number >= 0 and spot.place is not None
        if opens and self._spring is not None:
            self._timer.start()
        else:
            self._timer.stop()

    def _rested(self) -> None:
        resting = self._resting
        if resting is not None and self._spring is not None:
            self._asked, self._sprung = None, resting
            self._mark(self._spring(resting.number))
