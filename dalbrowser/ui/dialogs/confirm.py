"""A question with one verb, asked before something is lost: forgetting a connection, aborting.

Invariant: neither Enter nor Escape is a yes, until a person has gone to the yes by Tab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.ui.dialogs.sheet import Sheet

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


class ConfirmDialog(Sheet):
    """A question with one verb; ``accepted`` when the verb was chosen.

    ``danger``: something is lost with it.
    """

    def __init__(
        self,
        name: str,
        title: str,
        text: str,
        verb: str,
        parent: QWidget | None = None,
        *,
        danger: bool = True,
    ) -> None:
        super().__init__(name, title, parent)
        self.setMinimumWidth(440)
        self.add_title(title)
        self._text = self.add_text(text, f"{name}Text")
        cancel = self.add_verb(f"{name}Cancel", self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self._verb = self.add_verb(f"{name}Confirm", verb, danger=danger, primary=not danger)
        self._verb.clicked.connect(self.accept)
        # The safe answer has the keyboard; the other one is a Tab away.
        cancel.setFocus()
