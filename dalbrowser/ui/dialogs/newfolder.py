"""Asking for the name of a new folder; what is wrong with it is said as it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.pasted import typed

if TYPE_CHECKING:
    from collections.abc import Container

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session


class NewFolderDialog(Sheet):
    """One field and one verb; ``taken`` holds the names of folders there, each with its ``/``.

    Signals:
        name_chosen: the exact name; the dialog stays until the folder was made.
    """

    name_chosen = Signal(str)

    def __init__(self, where: str, taken: Container[str], parent: QWidget | None = None) -> None:
        super().__init__("newFolderDialog", self.tr("New folder"), parent)
        self.setMinimumWidth(400)
        self._taken = taken
        self.add_title(self.tr("New folder"))
        self.add_text(self.tr("In {where}").format(where=where))
        self._name = QLineEdit()
        self._name.setObjectName("newFolderName")
        self._name.setAccessibleName(self.tr("Name of the folder"))
        self._name.setPlaceholderText(self.tr("Name"))
        self._name.textChanged.connect(self._check)
        self.body.addWidget(self._name)
        self.add_verb("newFolderCancel", self.tr("Cancel")).clicked.connect(self.reject)
        self._create = self.add_verb("newFolderCreate", self.tr("Create"), default=True)
        self._create.setEnabled(False)
        self._create.clicked.connect(self._choose)
        self._name.setFocus()
        self._left = False
        self.finished.connect(self._leave)

    def _leave(self) -> None:
        self._left = True

    def fail(self, text: str) -> None:
        """Say why the folder could not be made."""
        self._create.setEnabled(True)
        self._name.setEnabled(True)
        self.note.say(text, "error")
        self._name.setFocus()
        self._name.selectAll()

    def _check(self, text: str) -> None:
        name, problem = typed(text), ""
        if "/" in name:
            problem = self.tr("A name has no “/”; make one folder, then the other in it.")
        elif f"{name}/" in self._taken:
            problem = self.tr("There is a folder of that name.")
        self.note.say(problem, "warning")
        self._create.setEnabled(bool(name) and not problem)

    def _choose(self) -> None:
        self._create.setEnabled(False)
        self._name.setEnabled(False)
        self.name_chosen.emit(typed(self._name.text()))

    async def make(self, session: Session, where: Location, name: str) -> Location | None:
        """Make the folder and close; ``None`` when it could not be made, which is said here.

        Who closes the dialog meanwhile need not wait: the folder is made all the same, and a
        failure is raised then.
        """
        try:
            made = await session.create_folder(where, name)
        except (StorageError, OSError) as error:
            if self._left:
                raise
            self.fail(describe(error))
            return None
        if not self._left:
            self.accept()
        return made
