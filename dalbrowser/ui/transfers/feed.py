"""Brings the table what it shows: events, the latest history, and more where one looks.

Invariant: the history is asked for once the engine runs, a page at a time, and only for
rows that can be seen; one page of a place is under way at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.session.session import Session
    from dalbrowser.ui.transfers.model import TransferModel
    from dalbrowser.ui.transfers.table import TransferTable

_TOP = 0
"""The place of the history itself, beside the nodes, which are never 0."""


class Feed(QObject):
    """Feeds one table."""

    def __init__(
        self, session: Session, model: TransferModel, table: TransferTable, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._model = model
        self._table = table
        self._under_way: set[int] = set()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._look)
        model.files_wanted.connect(self._want)
        model.changed.connect(self._soon.start)
        table.verticalScrollBar().valueChanged.connect(lambda _value: self._soon.start())
        self.stop: Callable[[], None] = session.transfers.on_event(model.take)

    def load(self) -> None:
        """Ask for everything anew."""
        self._session.tasks.spawn(self._load(), owner="transfers", name="load transfers")

    async def _load(self) -> None:
        if self._session.transfers.running:
            await self._session.transfers.tell_all()

    def _look(self) -> None:
        """Ask for more where what is known ends on the screen."""
        rows = self._table.visible_rows()
        for row in rows:
            more = self._model.unloaded(row)
            if more is not None:
                self._want(*more)
        if self._model.older is not None and rows.stop >= self._model.rowCount():
            self._want(_TOP, self._model.older)

    def _want(self, place: int, at: int) -> None:
        if place in self._under_way or not self._session.transfers.running:
            return
        self._under_way.add(place)
        self._session.tasks.spawn(
            self._fetch(place, at), owner="transfers", name="read the history"
        )

    async def _fetch(self, place: int, at: int) -> None:
        host = self._session.transfers
        try:
            if place == _TOP:
                batches, older = await host.batches(at)
                # Everything may have been told anew meanwhile.
                if self._model.older == at:
                    self._model.add_batches(batches, older)
            else:
                views, complete = await host.files(place, at)
                self._model.add_files(place, views, complete)
        finally:
            self._under_way.discard(place)
