"""What is dropped or pasted, from being looked at to being done, for every widget alike.

A widget asks ``read`` once a drag and ``judge`` while it hovers, shows ``hinted``, and
hands the verdict to ``take`` (or awaits ``dropped``). Invariants: what is done is what was
shown; a move of many or of folders is confirmed first; what is refused touches nothing.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from dalbrowser.session import describe
from dalbrowser.session.carrier import Carrier, RefusedError
from dalbrowser.session.carrying import Deed, Verdict, judge
from dalbrowser.storage import StorageError
from dalbrowser.transfer import JobsChanged, JobState, TransferError
from dalbrowser.ui.dragging.asking import confirmed
from dalbrowser.ui.dragging.mime import read_cargo
from dalbrowser.ui.dragging.wording import hint_text, place_text

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from PySide6.QtCore import QMimeData
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.session.carrying import Cargo
    from dalbrowser.transfer import Event

LOOKED_AT = 500
"""Items that are judged at each move of the pointer; all of them are when it is let go."""
_LATELY = 0.3
"""Seconds."""
_FAILURES = (StorageError, TransferError, OSError, RuntimeError)


class Drops(QObject):
    """Judges and carries out what is dropped and pasted in one window.

    Signals:
        said: news for the person, and its tone.
        hinted: what letting go would do now, or why nothing; empty when nothing hovers.
        left: places that were moved away and are not there any more.
    """

    said = Signal(str, str)
    hinted = Signal(str)
    left = Signal(list)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._carrier = Carrier(session)
        self._moving: dict[int, Location] = {}
        # Moves that ended while their ids were still on the way here.
        self._early: set[int] = set()
        self._queuing = 0
        self._refused = ""
        self._hovering = False
        self._left_at = 0.0
        self.unsubscribe: Callable[[], None] = session.transfers.on_event(self._follow)

    # While it hovers.

    def read(self, data: QMimeData | None) -> Cargo:
        """Return what is dragged or on the clipboard."""
        return read_cargo(data)

    def judge(
        self,
        cargo: Cargo,
        modifiers: Qt.KeyboardModifier,
        target: Location | None,
    ) -> Verdict:
        """Say what would be done with a cargo in a folder: Ctrl copies, Shift moves."""
        wish = None
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            wish = Deed.COPY
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            wish = Deed.MOVE
        return judge(cargo, target, self._session.profiles, wish=wish, sample=LOOKED_AT)

    def hint(self, verdict: Verdict | None) -> None:
        """Show what a verdict means, or that nothing hovers any more."""
        text = ""
        if verdict is not None:
            text = hint_text(verdict, self._session.profiles, keys=True)
            self._refused = "" if verdict.allowed else text
        elif self._hovering:
            self._left_at = monotonic()
        self._hovering = verdict is not None
        self.hinted.emit(text)

    @property
    def refused(self) -> str:
        """Why what hovers here, or did a moment ago, is refused; empty when it is not.

        A release over what refuses is told as leaving it, right before the drag ends.
        """
        lately = self._hovering or monotonic() - self._left_at < _LATELY
        return self._refused if lately else ""

    # When it is let go.

    def take(self, verdict: Verdict) -> None:
        """Carry a verdict out in the background."""
        self.spawn(self._drop(verdict), "drop")

    async def _drop(self, verdict: Verdict) -> None:
        await self.dropped(verdict)

    async def dropped(self, verdict: Verdict) -> list[int]:
        """Carry a verdict out; returns the ids of the jobs, none when nothing was queued.

        Asks first where much is moved. What goes wrong is said, never raised.
        """
        cargo, target = verdict.cargo, verdict.target
        if target is None or not verdict.allowed:
            self.said.emit(hint_text(verdict, self._session.profiles), "warning")
            return []
        if verdict.asks:
            place = place_text(target, self._session.profiles)
            if not await confirmed(self._session, cargo.places, place, self._window):
                return []
        if verdict.deed is Deed.UPLOAD and cargo.move:
            text = self.tr("They are copied; the originals stay where they are.")
            self.said.emit(text, "info")
        return await self._queue(self._carrier.carry(verdict), verdict)

    async def duplicate(self, places: Sequence[Location]) -> list[int]:
        """Copy items beside themselves under names that are free."""
        return await self._queue(self._carrier.duplicate(places), None)

    async def _queue(
        self, queuing: Coroutine[object, object, list[int]], verdict: Verdict | None
    ) -> list[int]:
        moving = verdict is not None and verdict.deed is Deed.MOVE
        self._queuing += moving
        try:
            ids = await queuing
        except RefusedError as error:
            self.said.emit(hint_text(error.verdict, self._session.profiles), "warning")
            return []
        except _FAILURES as error:
            self.said.emit(describe(error), "error")
            return []
        finally:
            self._queuing -= moving
        if moving and verdict is not None:
            self._moving.update(zip(ids, verdict.cargo.places, strict=False))
            self._gone([number for number in ids if number in self._early])
        if not self._queuing:
            self._early.clear()
        return ids

    def spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        """Start what makes transfers of a drop or a paste."""
        self._session.tasks.spawn(work, owner="window", name=name, awaited=True)

    # What became of it.

    def _follow(self, event: Event) -> None:
        """See moves end, whenever a person lets them; also before their ids are known here."""
        if not isinstance(event, JobsChanged):
            return
        done = [view.id for view in event.views if view.state is JobState.DONE]
        if self._queuing:
            self._early.update(done)
        self._gone(done)

    def _gone(self, done: Sequence[int]) -> None:
        places = [self._moving.pop(number) for number in done if number in self._moving]
        if places:
            self.left.emit(places)
