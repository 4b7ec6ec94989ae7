"""The two inline messages of the panel: jobs that were cut off, and a target that exists.

Invariant: a banner never takes the focus and never blocks; it goes away when what it says
is no longer so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QWidget,
)

from dalbrowser.transfer import ConflictPolicy, JobState
from dalbrowser.ui.format import count_text, short_name, tip_text, visible_line, visible_name
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers.morebutton import more_button
from dalbrowser.ui.transfers.wording import interrupted_text, places_text, tr
from dalbrowser.ui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QMouseEvent, QResizeEvent

    from dalbrowser.transfer import JobView


class Banner(QFrame):
    """A line with an icon, a sentence and its buttons."""

    def __init__(self, name: str, kind: str, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setProperty("note", kind)
        self._icon_name = icon
        self._color = "accent" if kind == "info" else "danger" if kind == "error" else kind
        self._icon = QLabel(self)
        self.text = WrappedLabel(parent=self)
        self.text.setObjectName(f"{name}Text")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(12, 6, 8, 6)
        self.row.setSpacing(8)
        self.row.addWidget(self._icon)
        self.row.addWidget(self.text, 1)
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    def add_button(
        self, name: str, title: str, *, verb: bool = False, kind: type[QPushButton] = QPushButton
    ) -> QPushButton:
        """Add a button at the end of the line."""
        button = kind(title, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.setProperty("verb" if verb else "link", True)
        self.row.addWidget(button)
        return button

    def say(self, text: str) -> None:
        """Show the banner with a sentence."""
        self.text.setText(text)
        self.setAccessibleName(text)
        self.show()
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for all lines at this width: a low panel would take the last ones away."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        self.row.activate()
        self.text.setMinimumHeight(self.text.heightForWidth(self.text.width()))

    def _dress(self) -> None:
        self._icon.setPixmap(theme().pixmap(self._icon_name, 20, self._color))


class InterruptedBanner(Banner):
    """Offers to go on with what an earlier run left unfinished.

    Signals:
        resume_chosen: the ids of the jobs to resume.
    """

    resume_chosen = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("interruptedBanner", "warning", "warning", parent)
        self._ids: list[int] = []
        self.add_button("dismissInterrupted", tr("Not now")).clicked.connect(self._dismiss)
        resume = self.add_button("resumeInterrupted", tr("Resume"), verb=True)
        resume.clicked.connect(self._resume)

    def offer(self, views: Sequence[JobView]) -> None:
        """Show these interrupted jobs; nothing when there are none."""
        roots = [view for view in views if view.parent is None] or list(views)
        self._ids = [view.id for view in views]
        if roots:
            self.say(interrupted_text(roots))
        else:
            self.hide()

    def follow(self, views: Sequence[JobView]) -> None:
        """Drop the jobs that are no longer interrupted."""
        if not self._ids:
            return
        still = {view.id: view for view in views if view.state is JobState.INTERRUPTED}
        left = [still[job] for job in self._ids if job in still]
        if len(left) != len(self._ids):
            self.offer(left)

    def _resume(self) -> None:
        self.resume_chosen.emit(list(self._ids))

    def _dismiss(self) -> None:
        self._ids = []
        self.hide()


class _Answer(QPushButton):
    """A button that is clicked once by a double click.

    The next question may stand there by then, and nobody has read it.
    """

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()


class ConflictBanner(Banner):
    """Asks what to do with a target that exists, one job at a time.

    Signals:
        answered: job id, policy, and whether it holds for the whole batch.
    """

    answered = Signal(int, object, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("conflictBanner", "warning", "question", parent)
        self._job: int | None = None
        self._for_all = QCheckBox(tr("For all in this batch"), self)
        self._for_all.setObjectName("conflictForAll")
        self.row.addWidget(self._for_all)
        for name, title, policy in (
            ("conflictSkip", tr("Skip"), ConflictPolicy.SKIP),
            ("conflictKeepBoth", tr("Keep both"), ConflictPolicy.KEEP_BOTH),
            ("conflictOverwrite", tr("Overwrite"), ConflictPolicy.OVERWRITE),
        ):
            button = self.add_button(name, title, kind=_Answer)
            button.clicked.connect(lambda _checked=False, chosen=policy: self._answer(chosen))
        self.row.addWidget(self._more_answers())

    def _more_answers(self) -> QToolButton:
        """Return the button of the answers that look at both files first."""
        button, menu = more_button("conflictMore", tr("More answers"), self)
        for name, title, policy in (
            ("conflictIfNewer", tr("Overwrite if it is newer"), ConflictPolicy.IF_NEWER),
            (
                "conflictIfSizeDiffers",
                tr("Overwrite if the size differs"),
                ConflictPolicy.IF_SIZE_DIFFERS,
            ),
        ):
            action = menu.addAction(title)
            action.setObjectName(name)
            action.triggered.connect(lambda _checked=False, chosen=policy: self._answer(chosen))
        return button

    def follow(self, views: Sequence[JobView], has_company: Callable[[JobView], bool]) -> None:
        """Ask about the first job that waits for an answer, or about none.

        ``has_company`` says whether others belong to the batch of a job.
        """
        asking = [view for view in views if view.state is JobState.NEEDS_ANSWER]
        asking = [view for view in asking if not view.is_folder] or asking
        if not asking:
            self._job = None
            self.hide()
            return
        view = next((one for one in asking if one.id == self._job), asking[0])
        if view.id != self._job:
            self._for_all.setChecked(False)
        self._job = view.id
        text = visible_line(view.error or view.note) or tr(
            "“{name}” exists already at {target}."
        ).format(name=visible_name(view.name), target=visible_line(view.target))
        if view.parent is not None:
            # Folders have many files of one name.
            place = view.target.rpartition("/")[0]
            text = tr("{text} In {folder}.").format(
                text=text, folder=short_name(visible_line(place))
            )
        if len(asking) > 1:
            more = tr("({n} more wait)").format(n=count_text(len(asking) - 1))
            text = f"{text} {more}"
        self._for_all.setVisible(view.parent is not None or has_company(view))
        self.setToolTip(tip_text(places_text(view)))
        self.say(text)

    def _answer(self, policy: ConflictPolicy) -> None:
        if self._job is not None:
            self.answered.emit(self._job, policy, self._for_all.isChecked())
