"""What shall become of transfers that run when the window is closed.

Invariant: no answer loses anything; what is under way is put down so that it goes on from
what has arrived.
"""

from __future__ import annotations

import asyncio
from enum import Enum

from PySide6.QtWidgets import QCheckBox, QWidget

from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.format import count_text


class Closing(Enum):
    """What to do; the values are those of the setting ``transfers.on_close``."""

    TRAY = "tray"
    PAUSE = "pause"
    STAY = "ask"


class ClosingDialog(Sheet):
    """Asks once. ``tray`` says whether the desktop has one to go on in."""

    def __init__(self, count: int, *, tray: bool, parent: QWidget | None = None) -> None:
        super().__init__("closingDialog", self.tr("Transfers are running"), parent)
        self.setMinimumWidth(520)
        self._chosen = Closing.STAY
        if count == 1:
            self.add_title(self.tr("A transfer is still running"))
        else:
            self.add_title(self.tr("{n} transfers are still running").format(n=count_text(count)))
        paused = self.tr(
            "Pause and quit: they stop where they are. The next start offers to go on from"
            " what has arrived; nothing that was confirmed is sent again."
        )
        kept = self.tr(
            "Keep going in the tray: the window closes and they go on. The icon in the tray"
            " opens the window again."
        )
        if not tray:
            kept = self.tr(
                "They cannot go on without the window here: this desktop has no tray that the"
                " window could be opened from again."
            )
        self.add_text(f"{paused}\n\n{kept}", "closingText")
        self.remember = QCheckBox(self.tr("Do the same the next time"))
        self.remember.setObjectName("closingRemember")
        self.remember.setToolTip(
            self.tr("“Ask when closing” in the menu of the transfers takes it back.")
        )
        self.body.addWidget(self.remember)
        stay = self.add_verb("closingCancel", self.tr("Cancel"))
        stay.clicked.connect(self.reject)
        pause = self.add_verb("closingPause", self.tr("Pause and quit"), default=not tray)
        pause.clicked.connect(lambda: self._choose(Closing.PAUSE))
        if tray:
            keep = self.add_verb("closingTray", self.tr("Keep going in the tray"), default=True)
            keep.clicked.connect(lambda: self._choose(Closing.TRAY))

    def _choose(self, what: Closing) -> None:
        self._chosen = what
        self.accept()

    async def ask(self) -> tuple[Closing, bool]:
        """Open the dialog; return the answer, and whether it holds for the next time too."""
        answer: asyncio.Future[tuple[Closing, bool]] = asyncio.get_running_loop().create_future()

        def finish(_code: int) -> None:
            if not answer.done():
                answer.set_result((self._chosen, self.remember.isChecked()))

        self.finished.connect(finish)
        self.open()
        return await answer
