"""The transfers panel: table, actions on rows, and the two banners.

Invariant: the panel changes no job itself; it asks the engine, and shows what the engine
reports. Nothing in it is modal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dalbrowser.profiles import Location
from dalbrowser.transfer import ConflictPolicy, Direction, JobState, JobView
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers.banners import Banner, ConflictBanner, InterruptedBanner
from dalbrowser.ui.transfers.columns import set_up_columns
from dalbrowser.ui.transfers.delegates import NameDelegate, ProgressDelegate
from dalbrowser.ui.transfers.model import Column, TransferModel
from dalbrowser.ui.transfers.wording import NEEDING_A_PERSON, summary_text, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from PySide6.QtGui import QResizeEvent

    from dalbrowser.session.session import Session
    from dalbrowser.transfer import Event, StartReport

_ROW_HEIGHT = 28
_TRIES = 10
"""How often the jobs are asked for again because news of them came with the answer."""
_RESUMABLE = frozenset(
    {
        JobState.PAUSED,
        JobState.INTERRUPTED,
        JobState.WAITING_NETWORK,
        JobState.WAITING_CREDENTIALS,
        JobState.RETRYING,
    }
)
_ACTIVE = frozenset(state for state in JobState if state.is_active)
_RETRIABLE = frozenset({JobState.FAILED, JobState.SOURCE_CHANGED})


@dataclass(frozen=True, slots=True)
class _Verb:
    """One action on selected rows: id, title, icon, key, and which states it works on."""

    id: str
    title: str
    icon: str
    key: str
    fits: Callable[[JobView], bool]


_VERBS = (
    _Verb("resume_transfer", "Resume", "play", "", lambda view: view.state in _RESUMABLE),
    _Verb("pause_transfer", "Pause", "pause", "", lambda view: view.state.is_active),
    _Verb("retry_transfer", "Retry", "retry", "", lambda view: view.state in _RETRIABLE),
    _Verb("cancel_transfer", "Cancel", "close", "Delete", lambda view: not view.state.is_final),
    _Verb("show_transfer", "Show in folder", "folder", "", lambda _view: True),
)


class TransferPanel(QWidget):
    """All transfers, and what can be done with them.

    Signals:
        location_requested: a ``Location`` to be shown in the window.
        attention_wanted: work started or a person is needed; the panel should be seen.
        summary_changed: one line about all work, for the status bar; empty when idle.
    """

    location_requested = Signal(object)
    attention_wanted = Signal()
    summary_changed = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transferPanel")
        self._session = session
        self._summary = ""
        self._taken = 0
        self._bar_width = 0
        self._since = time()
        self.model = TransferModel(self)
        self.view = self._make_view()
        self.interrupted = InterruptedBanner(self)
        self.conflict = ConflictBanner(self)
        self.problem = Banner("transferProblem", "error", "error", self)
        self.actions_by_id: dict[str, QAction] = {}
        self._lay_out()
        self._connect()
        self._stop_events = session.transfers.on_event(self._take)
        self.destroyed.connect(lambda _object=None, stop=self._stop_events: stop())
        self._refresh_actions()
        session.transfers.on_started(self.show_started)
        if session.transfers.running:
            self.show_started(session.transfers.report)

    def show_started(self, report: StartReport | None) -> None:
        """Show the engine's jobs now that it runs, and what it found cut off."""
        if report is not None:
            if report.note:
                self.problem.say(report.note)
            self.interrupted.offer(report.interrupted)
            if report.interrupted:
                self.attention_wanted.emit()
        self._spawn(self._load(), "load")

    def show_problem(self, text: str) -> None:
        """Say why the engine does not run."""
        self.problem.say(text)
        self.attention_wanted.emit()

    def selected(self) -> list[JobView]:
        """Return the jobs of the selected rows, in their order."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self.model.job_at(row) for row in rows]

    def _make_view(self) -> QTableView:
        view = QTableView(self)
        view.setObjectName("transferView")
        view.setAccessibleName(tr("Transfers"))
        view.setModel(self.model)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setItemDelegateForColumn(Column.PROGRESS, ProgressDelegate(view))
        view.setItemDelegateForColumn(Column.NAME, NameDelegate(view))
        view.verticalHeader().hide()
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        view.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        set_up_columns(view)
        return view

    def _lay_out(self) -> None:
        self._bar = QWidget(self)
        # The window may be narrower than all the words: then the icons stand alone.
        self._bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        bar = QHBoxLayout(self._bar)
        bar.setContentsMargins(8, 4, 8, 4)
        bar.setSpacing(4)
        for verb in _VERBS:
            action = self._add_action(verb.id, verb.title, verb.icon, verb.key)
            action.triggered.connect(lambda _checked=False, name=verb.id: self._do(name))
            bar.addWidget(self._button(action))
        bar.addStretch(1)
        for name, title, icon, states in (
            ("pause_all_transfers", "Pause all", "pause", None),
            ("resume_all_transfers", "Resume all", "play", _RESUMABLE),
        ):
            action = self._add_action(name, title, icon)
            action.triggered.connect(lambda _checked=False, which=states: self._do_all(which))
            bar.addWidget(self._button(action))
        clear = self._add_action("clear_transfers", "Clear completed", "check")
        clear.triggered.connect(
            lambda _checked=False: self._spawn(self._session.transfers.clear_completed(), "clear")
        )
        bar.addWidget(self._button(clear))
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._empty_face())
        self._pages.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        for banner in (self.problem, self.interrupted, self.conflict):
            holder = QHBoxLayout()
            holder.setContentsMargins(8, 0, 8, 4)
            holder.addWidget(banner)
            column.addLayout(holder)
        column.addWidget(self._pages, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the words beside the icons only where there is room for them all."""
        super().resizeEvent(event)
        buttons = self._bar.findChildren(QToolButton)
        if not self._bar_width:
            self._bar_width = self._bar.sizeHint().width()
        style = (
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            if self.width() >= self._bar_width
            else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        for button in buttons:
            button.setToolButtonStyle(style)

    def _empty_face(self) -> QWidget:
        face = QLabel(
            tr("No transfers. Drop files on a folder, or press Ctrl+U to upload."), self._pages
        )
        face.setObjectName("transferEmpty")
        face.setProperty("muted", True)
        face.setAlignment(Qt.AlignmentFlag.AlignCenter)
        return face

    def _add_action(self, name: str, title: str, icon: str, key: str = "") -> QAction:
        action = QAction(tr(title), self)
        action.setObjectName(f"action.{name}")
        theme().dress(action, icon)
        if key:
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            self.view.addAction(action)
        self.addAction(action)
        self.actions_by_id[name] = action
        return action

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _connect(self) -> None:
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.view.activated.connect(lambda index: self.model.toggle(index.row()))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._refresh_actions())
        self.model.changed.connect(self._refresh)
        self.model.jobs_added.connect(self._notice_new)
        self.interrupted.resume_chosen.connect(
            lambda ids: self._spawn(self._session.transfers.resume(ids), "resume")
        )
        self.conflict.answered.connect(self._answer)
        theme().changed.connect(self.view.viewport().update)

    def _take(self, event: Event) -> None:
        self._taken += 1
        self.model.take(event)

    def _notice_new(self, views: list[JobView]) -> None:
        """Ask to be seen when work begins, but not for what an earlier run left behind."""
        if any(view.created >= self._since for view in views):
            self.attention_wanted.emit()

    async def _load(self) -> None:
        for _ in range(_TRIES):
            before = self._taken
            views = await self._session.transfers.jobs()
            if before == self._taken:
                break
        self.model.reset(views)
        # Work that began while the jobs were asked for is in the answer already.
        self._notice_new(views)

    def _refresh(self) -> None:
        self._pages.setCurrentIndex(1 if self.model.rowCount() else 0)
        self.interrupted.follow(self.model.in_states({JobState.INTERRUPTED}))
        asked = self.conflict.isHidden()
        self.conflict.follow(self.model.in_states({JobState.NEEDS_ANSWER}))
        if asked and not self.conflict.isHidden():
            self.attention_wanted.emit()
        moving = self.model.in_states(_ACTIVE)
        summary = summary_text(moving, self.model.in_states(NEEDING_A_PERSON))
        if summary != self._summary:
            self._summary = summary
            self.summary_changed.emit(summary)
        self._refresh_actions()

    def _refresh_actions(self) -> None:
        chosen = self.selected()
        for verb in _VERBS:
            self.actions_by_id[verb.id].setEnabled(any(verb.fits(view) for view in chosen))
        self.actions_by_id["show_transfer"].setEnabled(len(chosen) == 1)
        states = self.model.states
        self.actions_by_id["pause_all_transfers"].setEnabled(any(s.is_active for s in states))
        self.actions_by_id["resume_all_transfers"].setEnabled(bool(states & _RESUMABLE))
        self.actions_by_id["clear_transfers"].setEnabled(any(s.is_final for s in states))

    def _do(self, name: str) -> None:
        verb = next(verb for verb in _VERBS if verb.id == name)
        chosen = [view for view in self.selected() if verb.fits(view)]
        if not chosen:
            return
        if name == "show_transfer":
            self._show_target(chosen[0])
            return
        ids = [view.id for view in chosen]
        host = self._session.transfers
        calls = {
            "pause_transfer": host.pause,
            "resume_transfer": host.resume,
            "cancel_transfer": host.cancel,
            "retry_transfer": host.retry,
        }
        self._spawn(calls[name](ids), name)

    def _do_all(self, states: Iterable[JobState] | None) -> None:
        """Resume every job in ``states``, or pause every active one."""
        host = self._session.transfers
        if states is None:
            call, name = host.pause, "pause all"
        else:
            call, name = host.resume, "resume all"
        ids = [view.id for view in self.model.in_states(states or _ACTIVE)]
        self._spawn(call(ids), name)

    def _answer(self, job: int, policy: ConflictPolicy, for_batch: bool) -> None:
        call = self._session.transfers.answer(job, policy, for_batch=for_batch)
        self._spawn(call, "answer")

    def _show_target(self, view: JobView) -> None:
        if view.direction is Direction.DOWNLOAD:
            folder = Path(view.local_path).parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
            return
        target = Location(view.profile_id, view.bucket, view.key)
        self.location_requested.emit(target.parent)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for verb in _VERBS:
            menu.addAction(self.actions_by_id[verb.id])
        menu.addSeparator()
        menu.addAction(self.actions_by_id["clear_transfers"])
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _spawn(self, call: Coroutine[object, object, object], name: str) -> None:
        self._session.tasks.spawn(call, owner="transfers", name=name)
