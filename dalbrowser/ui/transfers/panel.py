"""The transfers panel: table, actions on rows, and the messages above it.

Invariant: the panel changes no job itself; it asks the engine, and shows what the engine
reports. Nothing in it is modal.
"""

from __future__ import annotations

from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QLabel, QMenu, QStackedWidget, QVBoxLayout, QWidget

from dalbrowser.session import describe
from dalbrowser.transfer import (
    ConflictPolicy,
    JobState,
    JobView,
    JournalHeld,
    TransferError,
)
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers.arrived import Arrived, local_folder
from dalbrowser.ui.transfers.banners import Banner, ConflictBanner, InterruptedBanner
from dalbrowser.ui.transfers.bar import TransferBar
from dalbrowser.ui.transfers.columns import fill_column_menu
from dalbrowser.ui.transfers.feed import Feed
from dalbrowser.ui.transfers.logsheet import LogSheet
from dalbrowser.ui.transfers.manifests import ManifestBanner, Manifests
from dalbrowser.ui.transfers.model import TransferModel
from dalbrowser.ui.transfers.table import TransferTable
from dalbrowser.ui.transfers.verbs import ACTIVE, BY_ID, ENGINE_CALLS, RESUMABLE, VERBS, Verb
from dalbrowser.ui.transfers.wording import NEEDING_A_PERSON, summary_text, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from PySide6.QtGui import QResizeEvent

    from dalbrowser.session.session import Session
    from dalbrowser.transfer import StartReport

ON_CLOSE = "transfers.on_close"
"""The setting that says what closing the window does while transfers run."""
_COLUMNS = "view.transfers"


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
        self._since = time()
        self.arrived = Arrived(session, self)
        self.model = TransferModel(self)
        self.view = TransferTable(self.model, self)
        self.view.restore_columns(session.settings.get(_COLUMNS))
        self.view.columns_changed.connect(self._keep_columns)
        self.interrupted = InterruptedBanner(self)
        self.conflict = ConflictBanner(self)
        self.problem = Banner("transferProblem", "error", "error", self)
        self._again = self.problem.add_button("transferTryAgain", tr("Try again"))
        self.manifest_banner = ManifestBanner(self)
        self.manifests = Manifests(session, self.manifest_banner, self)
        self.actions_by_id: dict[str, QAction] = {}
        self._bar = TransferBar(self)
        self._fill_bar()
        self._lay_out()
        self._feed = Feed(session, self.model, self.view, self)
        self._connect()
        self.destroyed.connect(lambda _object=None, stop=self._feed.stop: stop())
        self._refresh_actions()
        session.transfers.on_started(self.show_started)
        if session.transfers.running:
            self.show_started(session.transfers.report)

    def show_started(self, report: StartReport | None) -> None:
        """Show the engine's jobs now that it runs, and what it found cut off."""
        self.problem.hide()
        if report is not None:
            if report.note:
                self._again.hide()
                self.problem.say(report.note)
            self.interrupted.offer(report.interrupted)
            if report.interrupted:
                self.attention_wanted.emit()
        self._feed.load()

    def show_problem(self, text: str) -> None:
        """Say why the engine does not run, with a way to try it again."""
        self._again.show()
        self.problem.say(text)
        self.attention_wanted.emit()

    def selected(self) -> list[JobView]:
        """Return the jobs and batches of the selected rows, in their order."""
        # By its ranges: asked for rows, Qt took 430 ms for 20,000.
        chosen = self.view.selectionModel().selection()
        ranges = (chosen.at(number) for number in range(chosen.count()))
        rows = sorted({row for one in ranges for row in range(one.top(), one.bottom() + 1)})
        return [self.model.job_at(row) for row in rows]

    @property
    def summary(self) -> str:
        """One line about all work; empty when idle."""
        return self._summary

    @property
    def active(self) -> list[JobView]:
        """The jobs that the engine is at work on, folders and their files alike."""
        return self.model.in_states(ACTIVE)

    def pause_all(self) -> None:
        """Pause every job that is under way."""
        self._ask("pause", (view.id for view in self.active), "pause all")

    def resume_all(self) -> None:
        """Let every job go on that can."""
        self._ask("resume", (view.id for view in self.model.in_states(RESUMABLE)), "resume all")

    # Building.

    def _fill_bar(self) -> None:
        more: list[QAction] = []
        for verb in VERBS:
            action = self._add_action(verb.id, verb.title, verb.icon, verb.key)
            action.triggered.connect(lambda _checked=False, one=verb: self._do(one))
            if verb.menu_only:
                more.append(action)
            else:
                self._bar.add(action, short=verb.short)
        self._bar.add_gap()
        for name, title, icon, call in (
            ("pause_all_transfers", "Pause all", "pause", self.pause_all),
            ("resume_all_transfers", "Resume all", "play", self.resume_all),
            ("clear_transfers", "Clear completed", "check", self._clear),
        ):
            action = self._add_action(name, title, icon)
            action.triggered.connect(lambda _checked=False, do=call: do())
            self._bar.add(action)
        verify = self._add_action("verify_manifest", "Verify manifest…", "verified")
        verify.triggered.connect(lambda _checked=False: self.manifests.ask_verify())
        ask = self._add_action("ask_when_closing", "Ask when closing", "question")
        ask.setToolTip(tr("Ask what to do when the window is closed while transfers run"))
        ask.setCheckable(True)
        ask.toggled.connect(self._ask_when_closing)
        menu = self._bar.add_menu([*more, verify, ask])
        menu.aboutToShow.connect(lambda: self._show_choice(ask))
        # The head of the table has the same, but no key leads there.
        columns = menu.addMenu(tr("Columns"))
        columns.setObjectName("transferColumns")
        head = self.view.horizontalHeader()
        columns.aboutToShow.connect(lambda: fill_column_menu(head, columns))

    def _show_choice(self, ask: QAction) -> None:
        asks = self._session.settings.get(ON_CLOSE) == "ask"
        ask.setChecked(asks)
        # There is nothing to take back as long as it asks.
        ask.setEnabled(not asks)

    def _ask_when_closing(self, wanted: bool) -> None:
        if wanted:
            self._session.settings.set(ON_CLOSE, "ask")

    def _lay_out(self) -> None:
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._empty_face())
        self._pages.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        banners = QVBoxLayout()
        banners.setContentsMargins(8, 0, 8, 4)
        banners.setSpacing(4)
        for banner in (
            self.problem,
            self.interrupted,
            self.conflict,
            self.manifest_banner,
            self.arrived.banner,
        ):
            banners.addWidget(banner)
        column.addLayout(banners)
        column.addWidget(self._pages, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the words beside the icons only where there is room for them all."""
        super().resizeEvent(event)
        self._bar.fit(self.width())

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
        action.setToolTip(f"{tr(title)} ({key})" if key else tr(title))
        theme().dress(action, icon)
        if key:
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            self.view.addAction(action)
        self.addAction(action)
        self.actions_by_id[name] = action
        return action

    def _connect(self) -> None:
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.view.activated.connect(lambda index: self._activate(index.row()))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._refresh_actions())
        self.model.changed.connect(self._refresh)
        self.model.jobs_added.connect(self._notice_new)
        self.arrived.location_requested.connect(self.location_requested)
        self._again.clicked.connect(lambda: self._spawn(self._start_again(), "start transfers"))
        self.interrupted.resume_chosen.connect(lambda ids: self._ask("resume", ids, "resume"))
        self.conflict.answered.connect(self._answer)
        theme().changed.connect(self.view.viewport().update)

    async def _start_again(self) -> None:
        try:
            await self._session.transfers.start()
        except (JournalHeld, TransferError, OSError) as error:
            self.show_problem(describe(error))

    def _keep_columns(self) -> None:
        self._session.settings.set(_COLUMNS, self.view.columns_state())

    # What happens.

    def _notice_new(self, views: list[JobView]) -> None:
        """Ask to be seen when work begins, but not for what an earlier run left behind."""
        if any(view.created >= self._since for view in views):
            self.attention_wanted.emit()

    def _refresh(self) -> None:
        self._pages.setCurrentIndex(1 if self.model.rowCount() else 0)
        self.interrupted.follow(self.model.in_states({JobState.INTERRUPTED}))
        asked = self.conflict.isHidden()
        self.conflict.follow(self.model.in_states({JobState.NEEDS_ANSWER}), self._has_company)
        if asked and not self.conflict.isHidden():
            self.attention_wanted.emit()
        summary = summary_text(self.active, self.model.in_states(NEEDING_A_PERSON))
        if summary != self._summary:
            self._summary = summary
            self.summary_changed.emit(summary)
        self._refresh_actions()
        for sheet in self._log_sheets():
            row = self.model.row_of(sheet.job)
            if row is not None and sheet.is_behind(self.model.job_at(row)):
                self._read_log(sheet)

    def _has_company(self, view: JobView) -> bool:
        batch = self.model.batch_view(view.batch)
        return batch is not None and batch.files_total > 1

    def _refresh_actions(self) -> None:
        chosen = self.selected()
        # What is for many rows goes by their states alone, and these are few.
        telling = {one.state: one for view in chosen for one in self._faces_of(view)}.values()
        for verb in VERBS:
            able = any(verb.fits(view) for view in telling)
            if verb.alone:
                able = len(chosen) == 1 and verb.fits(chosen[0])
            self.actions_by_id[verb.id].setEnabled(able)
        states = self.model.states
        self.actions_by_id["pause_all_transfers"].setEnabled(any(s.is_active for s in states))
        self.actions_by_id["resume_all_transfers"].setEnabled(bool(states & RESUMABLE))
        self.actions_by_id["clear_transfers"].setEnabled(any(s.is_final for s in states))

    # What a person does.

    def _faces_of(self, view: JobView) -> list[JobView]:
        """Return a row once for each state that it stands for: a batch is in several."""
        if view.id > 0:
            return [view]
        return [replace(view, state=state) for state in self.model.states_in(view.batch)]

    def _do(self, verb: Verb) -> None:
        if verb.id in ENGINE_CALLS:
            jobs = self._jobs_of(self.selected(), verb)
            if jobs:
                self._ask(ENGINE_CALLS[verb.id], jobs, verb.id)
            return
        chosen = [view for view in self.selected() if verb.fits(view)]
        if not chosen:
            return
        single: dict[str, Callable[[JobView], None]] = {
            "open_transfer": self.arrived.open,
            "show_transfer": self.arrived.show,
            "log_transfer": self._show_log,
            "export_manifest": lambda view: self.manifests.ask_export(
                view.batch, local_folder(view)
            ),
        }
        single[verb.id](chosen[0])

    def _jobs_of(self, chosen: Iterable[JobView], verb: Verb) -> list[int]:
        """Return the jobs of the rows, each once: a batch stands for those of its jobs that fit."""
        found: dict[int, None] = {}
        for view in chosen:
            jobs = [view] if view.id > 0 else self.model.views_of(view.id)
            found.update((one.id, None) for one in jobs if verb.fits(one))
        return list(found)

    def _ask(self, call: str, ids: Iterable[int], name: str) -> None:
        """Have the engine do something with jobs."""
        asked = getattr(self._session.transfers, call)(list(ids))
        # A window that is closed waits for it: nothing says at the next start what was wanted.
        self._session.tasks.spawn(asked, owner="transfers", name=name, awaited=True)

    def _clear(self) -> None:
        async def clear() -> None:
            await self._session.transfers.clear_completed()
            self._feed.load()

        self._spawn(clear(), "clear completed")

    def _answer(self, job: int, policy: ConflictPolicy, for_batch: bool) -> None:
        call = self._session.transfers.answer(job, policy, for_batch=for_batch)
        self._session.tasks.spawn(call, owner="transfers", name="answer", awaited=True)

    def _activate(self, row: int) -> None:
        view = self.model.job_at(row)
        if view.is_folder:
            self.model.toggle(row)
        elif BY_ID["open_transfer"].fits(view):
            self.arrived.open(view)

    def _show_log(self, view: JobView) -> None:
        for shown in self._log_sheets():
            if shown.job == view.id and shown.isVisible():
                shown.raise_()
                shown.activateWindow()
                return
        sheet = LogSheet(view, self)
        self._read_log(sheet)
        sheet.show()

    def _log_sheets(self) -> list[LogSheet]:
        return self.findChildren(LogSheet, options=Qt.FindChildOption.FindDirectChildrenOnly)

    def _read_log(self, sheet: LogSheet) -> None:
        async def read() -> None:
            lines = await self._session.transfers.log(sheet.job)
            if sheet in self._log_sheets():
                sheet.show_lines(lines)

        self._session.tasks.spawn(
            read(), owner="transfers", name="read a log", group=f"log {sheet.job}"
        )

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for verb in VERBS:
            if verb.id in ("run_transfer_now", "open_transfer", "export_manifest"):
                menu.addSeparator()
            menu.addAction(self.actions_by_id[verb.id])
        menu.addSeparator()
        menu.addAction(self.actions_by_id["clear_transfers"])
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _spawn(self, call: Coroutine[object, object, object], name: str) -> None:
        self._session.tasks.spawn(call, owner="transfers", name=name)
