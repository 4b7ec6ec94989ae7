"""The jobs as a table: rows keyed by job id, a folder's files below it when it is opened.

Invariants: a job has one row at most, at a place that only opening and closing folders and
removals change; what arrives between two turns of the loop is shown in one go, with one
``dataChanged`` for the rows it touched. The model asks nobody for anything.
"""

from __future__ import annotations

from enum import IntEnum
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

from dalbrowser.transfer import JobsChanged, JobsRemoved, JobState, JobView
from dalbrowser.ui.format import exact_size, visible_name
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dalbrowser.transfer import Event

AnyIndex = QModelIndex | QPersistentModelIndex

PERCENT_ROLE = Qt.ItemDataRole.UserRole
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
DEPTH_ROLE = Qt.ItemDataRole.UserRole + 2


class Column(IntEnum):
    """The columns, in the order in which they are shown at first."""

    OPERATION = 0
    NAME = 1
    STATE = 2
    PROGRESS = 3
    AMOUNT = 4
    SPEED = 5
    LEFT = 6
    ERROR = 7
    FROM = 8
    TO = 9
    PARTS = 10
    ATTEMPTS = 11
    INTEGRITY = 12


_TITLES = (
    "Operation",
    "Name",
    "State",
    "Progress",
    "Done / Total",
    "Speed",
    "Time left",
    "Error",
    "From",
    "To",
    "Parts",
    "Attempts",
    "Integrity",
)
_TEXTS: tuple[Callable[[JobView], str], ...] = (
    wording.operation_text,
    lambda view: visible_name(view.name),
    wording.state_text,
    lambda _view: "",
    wording.amount_text,
    wording.rate_text,
    wording.left_text,
    wording.error_text,
    lambda view: view.source,
    lambda view: view.target,
    wording.parts_text,
    lambda view: str(view.attempts) if view.attempts > 1 else "",
    lambda view: view.integrity,
)
_RIGHT = frozenset({Column.AMOUNT, Column.SPEED, Column.LEFT, Column.PARTS, Column.ATTEMPTS})


class TransferModel(QAbstractTableModel):
    """All live jobs of the engine.

    Signals:
        changed: something arrived and is shown.
        jobs_added: jobs arrived that were not known; carries their views.
    """

    changed = Signal()
    jobs_added = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._views: dict[int, JobView] = {}
        self._files: dict[int, list[int]] = {}
        self._rows: list[int] = []
        self._row_of: dict[int, int] = {}
        self._open: set[int] = set()
        self._arrived: dict[int, JobView] = {}
        self._by_state: dict[JobState, set[int]] = {}
        self._answers: dict[int, Callable[[JobView, int], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda view, column: _TEXTS[column](view),
            Qt.ItemDataRole.DecorationRole: self._icon,
            Qt.ItemDataRole.TextAlignmentRole: lambda _view, column: _alignment(column),
            Qt.ItemDataRole.ToolTipRole: _tooltip,
            Qt.ItemDataRole.AccessibleTextRole: _spoken,
            PERCENT_ROLE: lambda view, _column: wording.percent(view),
            STATE_ROLE: lambda view, _column: view.state,
            DEPTH_ROLE: lambda view, _column: int(self._is_file_of_known(view)),
        }
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.flush)

    def take(self, event: Event) -> None:
        """Take an event of the engine; it is shown at the loop's next turn."""
        if isinstance(event, JobsChanged):
            self._arrived.update((view.id, view) for view in event.views)
            self._timer.start()
        elif isinstance(event, JobsRemoved):
            self.flush()
            self._remove(set(event.ids))

    def reset(self, views: Iterable[JobView]) -> None:
        """Show exactly these jobs."""
        self.beginResetModel()
        self._views = {}
        self._files = {}
        self._rows = []
        self._open = set()
        self._arrived = {}
        self._by_state = {}
        for view in views:
            self._know(view)
        self._rows = [job for job, view in self._views.items() if not self._is_file_of_known(view)]
        self._number()
        self.endResetModel()
        self.changed.emit()

    def flush(self) -> None:
        """Show what arrived now."""
        self._timer.stop()
        arrived, self._arrived = self._arrived, {}
        if not arrived:
            return
        fresh: list[JobView] = []
        touched: list[int] = []
        for job, view in arrived.items():
            if job not in self._views:
                fresh.append(view)
            elif job in self._row_of:
                touched.append(self._row_of[job])
            self._know(view)
        if touched:
            first, last = min(touched), max(touched)
            self.dataChanged.emit(
                self.index(first, 0), self.index(last, self.columnCount() - 1), []
            )
        self._insert_fresh(fresh)
        if fresh:
            self.jobs_added.emit(fresh)
        self.changed.emit()

    def job_at(self, row: int) -> JobView:
        """Return the job shown in a row."""
        return self._views[self._rows[row]]

    def row_of(self, job: int) -> int | None:
        """Return the row of a job, if it has one now."""
        return self._row_of.get(job)

    def jobs(self) -> list[JobView]:
        """Return every job, shown or within a closed folder."""
        return list(self._views.values())

    def in_states(self, states: Iterable[JobState]) -> list[JobView]:
        """Return the jobs that are in one of these states, oldest first."""
        found = sorted(job for state in states for job in self._by_state.get(state, ()))
        return [self._views[job] for job in found]

    @property
    def states(self) -> set[JobState]:
        """The states that at least one job is in."""
        return {state for state, jobs in self._by_state.items() if jobs}

    def is_open(self, job: int) -> bool:
        """Whether a folder's files are shown."""
        return job in self._open

    def toggle(self, row: int) -> None:
        """Open or close the folder in a row; does nothing for a file."""
        view = self.job_at(row)
        if not view.is_folder:
            return
        files = self._files.get(view.id, [])
        if view.id in self._open:
            self._open.discard(view.id)
            self._drop_rows(row + 1, len(files))
        else:
            self._open.add(view.id)
            self._insert_rows(row + 1, files)
        self.dataChanged.emit(self.index(row, 0), self.index(row, Column.NAME), [])

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
            return wording.tr(_TITLES[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        answer = self._answers.get(role)
        if answer is None or not index.isValid():
            return None
        return answer(self.job_at(index.row()), index.column())

    def _icon(self, view: JobView, column: int) -> Any:
        if column == Column.STATE:
            return theme().icon(*wording.state_icon(view))
        if column == Column.OPERATION:
            return theme().icon(wording.direction_icon(view))
        if column == Column.NAME:
            if view.is_folder:
                return theme().icon("chevron-down" if self.is_open(view.id) else "chevron-right")
            return theme().icon("file")
        return None

    def _is_file_of_known(self, view: JobView) -> bool:
        return view.parent is not None and view.parent in self._views

    def _know(self, view: JobView) -> None:
        before = self._views.get(view.id)
        if before is not None:
            self._by_state[before.state].discard(view.id)
        elif view.parent is not None:
            self._files.setdefault(view.parent, []).append(view.id)
        self._by_state.setdefault(view.state, set()).add(view.id)
        self._views[view.id] = view

    def _number(self, start: int = 0) -> None:
        if start == 0:
            self._row_of = {}
        for row in range(start, len(self._rows)):
            self._row_of[self._rows[row]] = row

    def _insert_fresh(self, fresh: Sequence[JobView]) -> None:
        """Give rows to new jobs: at the end, or below the open folder they belong to."""
        for folder in fresh:
            for file in self._files.get(folder.id, []):
                if file in self._row_of:  # it came before its folder
                    self._drop_rows(self._row_of[file], 1)
        top = [view.id for view in fresh if not self._is_file_of_known(view)]
        if top:
            self._insert_rows(len(self._rows), top)
        below: dict[int, list[int]] = {}
        for view in fresh:
            if view.parent in self._open:
                below.setdefault(view.parent, []).append(view.id)
        for parent, files in below.items():
            shown = len(self._files[parent]) - len(files)
            self._insert_rows(self._row_of[parent] + 1 + shown, files)

    def _insert_rows(self, row: int, jobs: Sequence[int]) -> None:
        if not jobs:
            return
        self.beginInsertRows(QModelIndex(), row, row + len(jobs) - 1)
        self._rows[row:row] = jobs
        self._number(row)
        self.endInsertRows()

    def _drop_rows(self, row: int, count: int) -> None:
        if not count:
            return
        self.beginRemoveRows(QModelIndex(), row, row + count - 1)
        for job in self._rows[row : row + count]:
            del self._row_of[job]
        del self._rows[row : row + count]
        self._number(row)
        self.endRemoveRows()

    def _remove(self, jobs: set[int]) -> None:
        gone = jobs & self._views.keys()
        for folder in [job for job in gone if job in self._open]:
            self.toggle(self._row_of[folder])
        rows = sorted((self._row_of[job] for job in gone if job in self._row_of), reverse=True)
        while rows:
            last = first = rows.pop(0)
            while rows and rows[0] == first - 1:
                first = rows.pop(0)
            self._drop_rows(first, last - first + 1)
        for job in gone:
            self._forget(job)
        orphans = [
            view.id
            for view in self._views.values()
            if view.parent in gone and view.id not in self._row_of
        ]
        self._insert_rows(len(self._rows), orphans)
        self.changed.emit()

    def _forget(self, job: int) -> None:
        view = self._views.pop(job)
        self._by_state[view.state].discard(job)
        if view.parent is not None:
            files = self._files[view.parent]
            files.remove(job)
            if not files:
                del self._files[view.parent]


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _tooltip(view: JobView, column: int) -> str | None:
    if column == Column.AMOUNT and view.total is not None:
        text = f"{exact_size(view.done)} / {exact_size(view.total)}"
        if view.resent:
            text += "\n" + wording.tr("{n} sent again").format(n=exact_size(view.resent))
        return text
    if column in {Column.NAME, Column.FROM, Column.TO}:
        return f"{view.source}\n→ {view.target}"
    if column in {Column.ERROR, Column.STATE}:
        return wording.error_text(view) or wording.state_text(view)
    return None


def _spoken(view: JobView, column: int) -> str:
    if column == Column.PROGRESS:
        done = wording.percent(view)
        return "" if done is None else f"{done:.0f} %"
    return _TEXTS[column](view)
