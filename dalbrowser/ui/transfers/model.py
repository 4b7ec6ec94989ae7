"""The jobs as a table: a row for each batch, its jobs and their files below it when opened.

A batch of one job is that job's row. The newest batch is the first. Invariants: a job has
one row at most; what arrives between two turns of the loop is shown in one go, with one
``dataChanged`` for the rows it touched; files come by pages, and only into an opened row.
The model asks nobody for anything.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from dalbrowser.session.interpreter import undisturbed
from dalbrowser.transfer import JobsChanged, JobsRemoved, JobState, JobView, Snapshot
from dalbrowser.ui.transfers import wording
from dalbrowser.ui.transfers.cells import (
    TEXTS,
    TITLES,
    Column,
    alignment,
    decoration,
    spoken,
    tooltip,
)
from dalbrowser.ui.transfers.known import KnownJobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dalbrowser.transfer import BatchView, Event

AnyIndex = QModelIndex | QPersistentModelIndex

PERCENT_ROLE = Qt.ItemDataRole.UserRole
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
DEPTH_ROLE = Qt.ItemDataRole.UserRole + 2

OPENED_BY_ITSELF = 12
"""A batch that begins now with so many jobs, or fewer, is shown opened."""


class TransferModel(QAbstractTableModel):
    """The jobs of the engine and its history. A node is a job's id, or minus a batch's.

    Signals:
        changed: something arrived and is shown.
        jobs_added: live jobs arrived that were not known; carries their views.
        files_wanted: an opened node needs its files whose ids are above the second value.
        was_reset: all rows are new, those of what was open included.
    """

    changed = Signal()
    jobs_added = Signal(list)
    files_wanted = Signal(int, int)
    was_reset = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = KnownJobs()
        self._top: list[int] = []
        self._open: dict[int, list[int]] = {}
        self._end: dict[int, int] = {}
        self._rows: list[int] = []
        self._row_of: dict[int, int] = {}
        self._arrived: dict[int, JobView] = {}
        self._gone: set[int] = set()
        """Jobs that left after what arrived."""
        self.older: int | None = None
        self._answers: dict[int, Callable[[JobView, int], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda view, column: TEXTS[column](view),
            Qt.ItemDataRole.DecorationRole: lambda view, column: decoration(
                view, column, is_open=view.id in self._open
            ),
            Qt.ItemDataRole.TextAlignmentRole: lambda _view, column: alignment(column),
            Qt.ItemDataRole.ToolTipRole: tooltip,
            Qt.ItemDataRole.AccessibleTextRole: spoken,
            PERCENT_ROLE: lambda view, _column: wording.percent(view),
            STATE_ROLE: lambda view, _column: view.state,
            DEPTH_ROLE: lambda view, _column: self._jobs.depth(view.id),
        }
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._flush_undisturbed)

    # What arrives.

    def take(self, event: Event) -> None:
        """Take an event of the engine; it is shown at the loop's next turn."""
        if isinstance(event, JobsChanged):
            if any(view.id in self._gone for view in event.views):
                self.flush()  # It left, and is back.
            self._arrived.update((view.id, view) for view in event.views)
            self._timer.start()
        elif isinstance(event, JobsRemoved):
            self._gone.update(event.ids)
            self._timer.start()
        elif isinstance(event, Snapshot):
            self.reset(event)

    def reset(self, told: Snapshot) -> None:
        """Show exactly this; what was open stays so where it is still there."""
        opened = [node for node in self._open if node in self._row_of]
        known = set(self._jobs.batches)
        fresh = [view for view in told.views if view.id not in self._jobs.live]
        self._timer.stop()
        self.beginResetModel()
        self._jobs.clear()
        self._arrived.clear()
        self._gone.clear()
        self._open.clear()
        self._end.clear()
        self.older = told.older
        for past in told.batches:
            self._jobs.know_past(past)
        for view in told.views:
            self._jobs.know(view)
        self._top = sorted(self._jobs.batches, reverse=True)
        self._rows = [self._jobs.batches[number].node for number in self._top]
        self._number()
        self.endResetModel()
        for number in self._top:
            # One that is known and not open was closed by a person.
            if number not in known and self._opens_by_itself(number):
                opened.append(self._jobs.batches[number].node)
        for node in sorted(opened):
            self._unfold(node)
        self.was_reset.emit()
        if fresh:
            self.jobs_added.emit(fresh)
        self.changed.emit()

    def _flush_undisturbed(self) -> None:
        with undisturbed():
            self.flush()

    def flush(self) -> None:
        """Show what arrived now."""
        self._timer.stop()
        arrived, self._arrived = self._arrived, {}
        gone, self._gone = self._gone, set()
        if not arrived and not gone:
            return
        fresh = self._take_over(arrived)
        if fresh:
            self.jobs_added.emit(fresh)
        self._jobs.left(gone, self._row_of)
        self.changed.emit()

    def _take_over(self, arrived: dict[int, JobView]) -> list[JobView]:
        """Show jobs as they are now; returns those that were not known."""
        fresh: list[JobView] = []
        batches: set[int] = set()
        for job, view in arrived.items():
            if job not in self._jobs.live:
                fresh.append(view)
            self._jobs.know(view)
            if view.parent is None:
                batches.add(view.batch)
        touched = [self._row_of[job] for job in arrived if job in self._row_of]
        touched += [self._row_of[-number] for number in batches if -number in self._row_of]
        if touched:
            last = self.columnCount() - 1
            self.dataChanged.emit(self.index(min(touched), 0), self.index(max(touched), last), [])
        self._show_fresh(fresh)
        return fresh

    def add_batches(self, batches: Iterable[BatchView], older: int | None) -> None:
        """Show more of the history below what is shown."""
        self.older = older
        new = [past for past in batches if past.id not in self._jobs.batches]
        for past in new:
            self._jobs.know_past(past)
        numbers = sorted((past.id for past in new), reverse=True)
        self._top += numbers
        self._insert_rows(len(self._rows), [self._jobs.batches[number].node for number in numbers])
        self.changed.emit()

    def add_files(self, node: int, views: Sequence[JobView], complete: bool) -> None:
        """Show the next files of an opened node, in the order of their ids."""
        if node not in self._end:
            return
        shown = self._open[node]
        place = self._row_of[node] + self._span(node)
        ids: list[int] = []
        for view in views:
            if view.id > self._end[node]:
                ids.append(view.id)
                self._jobs.know_file(view)
        if views:
            self._end[node] = max(self._end[node], views[-1].id)
        if complete:
            last = self._end.pop(node)
            ids += sorted(job for job in self._jobs.files.get(node, ()) if job > last)
        shown += ids
        self._insert_rows(place, ids)
        self.changed.emit()

    # What is asked.

    def job_at(self, row: int) -> JobView:
        """Return the job, or the batch (its id is negative), shown in a row."""
        return self._jobs.view(self._rows[row])

    def node_at(self, row: int) -> int:
        """Return what a row shows, as ``row_of`` takes it."""
        return self._rows[row]

    def row_of(self, node: int) -> int | None:
        """Return the row of a job or a batch, if it has one now."""
        return self._row_of.get(node)

    def jobs(self) -> list[JobView]:
        """Return every live job, shown or within a closed row, and those shown of the past."""
        return list(self._jobs.views.values())

    def in_states(self, states: Iterable[JobState]) -> list[JobView]:
        """Return the known jobs that are in one of these states, oldest first."""
        return self._jobs.in_states(states)

    def views_of(self, node: int) -> list[JobView]:
        """Return the live jobs below a node, without those within folders of a batch."""
        return [self._jobs.views[job] for job in self._jobs.files.get(node, ())]

    def batch_view(self, number: int) -> JobView | None:
        """Return what a batch adds up to, ``None`` when it is not known."""
        batch = self._jobs.batches.get(number)
        return batch.view if batch is not None else None

    def states_in(self, number: int) -> set[JobState]:
        """Return the states that jobs of a batch are in."""
        counts = self._jobs.batches[number].counts
        return {state for state, count in counts.items() if count > 0}

    @property
    def states(self) -> set[JobState]:
        """The states that at least one job is in."""
        return self._jobs.states

    def is_open(self, node: int) -> bool:
        """Whether a node's files are shown."""
        return node in self._open

    def unloaded(self, row: int) -> tuple[int, int] | None:
        """Return the open node whose loaded files end in a row, and the last of their ids."""
        if not self._end:
            return None
        job = self._rows[row]
        for node, end in self._end.items():
            if end and self._open[node] and self._open[node][-1] == job:
                return node, end
        return None

    def toggle(self, row: int) -> None:
        """Open or close the batch or folder in a row; does nothing for a file."""
        node = self._rows[row]
        if node > 0 and not self._jobs.views[node].is_folder:
            return
        if node in self._open:
            self._fold(node)
        else:
            self._unfold(node)
        self.dataChanged.emit(self.index(row, 0), self.index(row, Column.NAME), [])

    # Qt's questions.

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return wording.tr(TITLES[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return alignment(section)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        answer = self._answers.get(role)
        if answer is None or not index.isValid():
            return None
        return answer(self.job_at(index.row()), index.column())

    # Rows.

    def _opens_by_itself(self, number: int) -> bool:
        size = self._jobs.batches[number].size
        return 1 < size <= OPENED_BY_ITSELF and -number in self._jobs.files

    def _number(self, start: int = 0) -> None:
        if start == 0:
            self._row_of = {}
        for row in range(start, len(self._rows)):
            self._row_of[self._rows[row]] = row

    def _span(self, node: int) -> int:
        """Return how many rows a node has, with all that is open below it."""
        if node not in self._open:
            return 1
        inner = [one for one in self._open if one > 0 and one != node]
        below = sum(self._span(one) - 1 for one in inner if self._jobs.above(one) == node)
        return 1 + len(self._open[node]) + below

    def _show_fresh(self, fresh: Sequence[JobView]) -> None:
        """Give rows to new jobs: their batch at its place, or below the open row above them."""
        below: dict[int, list[int]] = {}
        for number in sorted({view.batch for view in fresh if view.parent is None}):
            if number not in self._top:
                self._show_batch(number)
            elif self._jobs.batches[number].node < 0 and -number not in self._row_of:
                # What was the only job has company now.
                at = self._top.index(number)
                old = next(view.id for view in self._batch_rows(number))
                self._drop_rows(self._row_of[old], self._span(old))
                del self._top[at]
                self._show_batch(number)
        for view in fresh:
            above = self._jobs.above(view.id)
            if above in self._open and above not in self._end and view.id not in self._row_of:
                below.setdefault(above, []).append(view.id)
        for node, jobs in below.items():
            self._append(node, sorted(jobs))

    def _batch_rows(self, number: int) -> list[JobView]:
        shown = (self._jobs.views[node] for node in self._rows if node > 0)
        return [view for view in shown if view.batch == number and view.parent is None]

    def _show_batch(self, number: int) -> None:
        place = bisect_left(self._top, -number, key=lambda one: -one)
        behind = self._top[place] if place < len(self._top) else None
        row = (
            self._row_of[self._jobs.batches[behind].node] if behind is not None else len(self._rows)
        )
        self._top.insert(place, number)
        self._insert_rows(row, [self._jobs.batches[number].node])
        if self._opens_by_itself(number):
            self._unfold(-number)

    def _append(self, node: int, jobs: list[int]) -> None:
        shown = self._open[node]
        if not shown or jobs[0] > shown[-1]:
            place = self._row_of[node] + self._span(node)
            shown += jobs
            self._insert_rows(place, jobs)
            return
        for job in jobs:
            at = bisect_left(shown, job)
            place = (
                self._row_of[shown[at]]
                if at < len(shown)
                else self._row_of[node] + self._span(node)
            )
            shown.insert(at, job)
            self._insert_rows(place, [job])

    def _unfold(self, node: int) -> None:
        if node not in self._row_of or node in self._open:
            return
        view = self._jobs.view(node)
        known = sorted(self._jobs.files.get(node, ()))
        self._open[node] = []
        if len(known) >= view.files_total:
            self._open[node] = known
            self._insert_rows(self._row_of[node] + 1, known)
            return
        self._end[node] = 0
        self.files_wanted.emit(node, 0)

    def _fold(self, node: int) -> None:
        span = self._span(node)
        below = self._rows[self._row_of[node] + 1 : self._row_of[node] + span]
        self._drop_rows(self._row_of[node] + 1, span - 1)
        for one in (node, *below):
            self._open.pop(one, None)
            self._end.pop(one, None)
        for job in below:
            self._jobs.forget(job)

    def _insert_rows(self, row: int, nodes: Sequence[int]) -> None:
        if not nodes:
            return
        self.beginInsertRows(QModelIndex(), row, row + len(nodes) - 1)
        self._rows[row:row] = nodes
        self._number(row)
        self.endInsertRows()

    def _drop_rows(self, row: int, count: int) -> None:
        if not count:
            return
        self.beginRemoveRows(QModelIndex(), row, row + count - 1)
        for node in self._rows[row : row + count]:
            del self._row_of[node]
        del self._rows[row : row + count]
        self._number(row)
        self.endRemoveRows()
