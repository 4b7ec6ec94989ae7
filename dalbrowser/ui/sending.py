"""Choosing where to copy or to move what is selected, in the tree of all connections.

Invariant: what is done is what the dialog said would be done, with the places that were
selected when it was asked for; a place that takes nothing cannot be chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeySequence

from dalbrowser.session.carrying import Deed, Refusal, Verdict, judge
from dalbrowser.ui.dialogs.newfolder import NewFolderDialog
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.dragging.drops import LOOKED_AT
from dalbrowser.ui.dragging.wording import hint_text, place_text
from dalbrowser.ui.elided import ElidedLabel
from dalbrowser.ui.format import items_text
from dalbrowser.ui.sidebar.tree import SidebarTree

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.session.carrying import Cargo

_SIZE = (520, 560)
_OWNER = "destination"


class _Taken:
    """The names of the folders in a place, each with its ``/``, as far as the tree has them."""

    def __init__(self, tree: SidebarTree, where: Location) -> None:
        self._tree = tree
        self._where = where

    def __contains__(self, name: object) -> bool:
        return self._tree.knows(self._where.child(str(name)))


class DestinationDialog(Sheet):
    """Asks for the folder that ``cargo`` is copied to, or moved to; ``here`` is shown first.

    Signals:
        chosen: the ``Verdict`` that is to be carried out.
        folder_made: the place of a folder that was made in the dialog.
    """

    chosen = Signal(object)
    folder_made = Signal(object)

    def __init__(self, session: Session, cargo: Cargo, here: Location, parent: QWidget) -> None:
        title = self.tr("Move {items} to…") if cargo.move else self.tr("Copy {items} to…")
        title = title.format(items=items_text(cargo.count))
        super().__init__("destinationDialog", title, parent)
        self._session = session
        self._cargo = cargo
        self._verdict: Verdict | None = None
        self._target: Location | None = None
        self.add_title(title)
        self._tree = SidebarTree(session, name="destinationTree", owner=_OWNER)
        self._tree.setAccessibleName(self.tr("Where to"))
        self._tree.setExpandsOnDoubleClick(True)
        self.body.addWidget(self._tree, 1)
        self._what = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self._what.setObjectName("destinationText")
        self._what.setProperty("muted", True)
        self.body.addWidget(self._what)
        self._make = self.add_aside("destinationNewFolder", self.tr("New folder…"))
        self._make.setShortcut(QKeySequence("Ctrl+Shift+N"))
        self._make.setToolTip(self.tr("Make a folder in the place that is selected"))
        self._make.clicked.connect(self._ask_name)
        self.add_verb("destinationCancel", self.tr("Cancel")).clicked.connect(self.reject)
        verb = self.tr("Move here") if cargo.move else self.tr("Copy here")
        self._verb = self.add_verb("destinationConfirm", verb, default=True)
        self._verb.clicked.connect(self._confirm)
        self._tree.selectionModel().currentChanged.connect(self._look)
        self.finished.connect(lambda _: session.tasks.cancel_owner(_OWNER))
        self.resize(*_SIZE)
        self._tree.follow(here)
        self._tree.list_way(here)
        self._look(self._tree.currentIndex())
        self._tree.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Lay the rows out anew: before, they had the height that no style sheet gives them."""
        super().showEvent(event)
        self._tree.doItemsLayout()
        self._tree.scrollTo(self._tree.currentIndex())

    def _ask_name(self) -> None:
        """Ask for the name of a folder to be made in the place that is selected."""
        where = self._target
        if where is None:
            return
        # Its folders are listed meanwhile, so that a name that is taken can be told.
        self._tree.list_in(where)
        dialog = NewFolderDialog(
            place_text(where, self._session.profiles), _Taken(self._tree, where), self
        )

        async def make(name: str) -> None:
            made = await dialog.make(self._session, where, name)
            if made is not None:
                self._tree.show_made(made)
                self._tree.setFocus()
                self.folder_made.emit(made)

        dialog.name_chosen.connect(
            lambda name: self._session.tasks.spawn(
                make(name), owner=_OWNER, name="create folder", awaited=True
            )
        )
        dialog.open()

    def _look(self, index: QModelIndex) -> None:
        """Say what would be done at the place that is selected now."""
        target = self._tree.place_at(index)
        if target is not None:
            # So that a level that is listed later does not take the selection elsewhere.
            self._tree.follow(target)
        wish = Deed.MOVE if self._cargo.move else Deed.COPY
        self._verdict = judge(
            self._cargo, target, self._session.profiles, wish=wish, sample=LOOKED_AT
        )
        self._what.setText(hint_text(self._verdict, self._session.profiles))
        self._verb.setEnabled(self._verdict.allowed)
        nowhere = self._verdict.refusal in {Refusal.NO_PLACE, Refusal.BUCKETS, Refusal.UNKNOWN}
        self._target = None if nowhere else target
        self._make.setEnabled(self._target is not None)

    def _confirm(self) -> None:
        verdict = self._verdict
        self.accept()
        self.chosen.emit(verdict)
