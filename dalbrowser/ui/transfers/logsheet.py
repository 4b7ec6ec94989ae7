"""What happened to one job, with times: a list that can be copied whole.

Invariant: it shows what the engine noted and nothing else; it follows a job that goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from dalbrowser.transfer import JobState
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.format import (
    exact_time,
    short_name,
    size_text,
    tip_text,
    visible_line,
    visible_name,
)
from dalbrowser.ui.scaling import row_height
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers.wording import places_text, plain_icon, plain_state, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from dalbrowser.transfer import JobEvent, JobView

_SIZE = (760, 420)
_ROW_HEIGHT = 26


class LogSheet(Sheet):
    """The log of the job that ``view`` is of."""

    def __init__(self, view: JobView, parent: QWidget | None = None) -> None:
        super().__init__("transferLog", tr("Log"), parent)
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.job = view.id
        self._seen: object = None
        self._told: Sequence[JobEvent] = ()
        self.add_title(
            tr("What happened to “{name}”").format(name=short_name(visible_name(view.name)))
        )
        self.add_text(places_text(view), "transferLogPlaces")
        self._table = QTableWidget(0, 4, self)
        self._table.setObjectName("transferLogTable")
        self._table.setAccessibleName(tr("Log"))
        self._table.setHorizontalHeaderLabels([tr("Time"), tr("State"), tr("Done"), tr("Why")])
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(row_height(self._table, _ROW_HEIGHT))
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        head = self._table.horizontalHeader()
        head.setStretchLastSection(True)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in range(3):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.body.addWidget(self._table, 1)
        copy = self.add_aside("transferLogCopy", tr("Copy all"))
        copy.clicked.connect(self._copy)
        close = self.add_verb("transferLogClose", tr("Close"), default=True)
        close.clicked.connect(self.close)
        self.resize(*_SIZE)

    def is_behind(self, view: JobView) -> bool:
        """Whether the job changed since this was last asked, so that its log has to be read."""
        seen, self._seen = self._seen, (view.state, view.attempts)
        return seen != self._seen

    def show_lines(self, lines: Sequence[JobEvent]) -> None:
        """Show the log anew, its end in sight."""
        if list(lines) == list(self._told):
            return
        self._told = lines
        self._table.setRowCount(len(lines))
        for row, line in enumerate(lines):
            for column, text in enumerate(_cells(line)):
                cell = QTableWidgetItem(text)
                cell.setToolTip(exact_time(_moment(line.at)) if column == 0 else tip_text(text))
                if column == 1:
                    cell.setIcon(theme().icon(*plain_icon(line.state)))
                self._table.setItem(row, column, cell)
        self._table.scrollToBottom()

    def _copy(self) -> None:
        text = "\n".join("\t".join((_iso(line.at), *_cells(line)[1:])) for line in self._told)
        QGuiApplication.clipboard().setText(text + "\n")


def _cells(line: JobEvent) -> tuple[str, str, str, str]:
    done = size_text(line.done) if line.done or line.state is JobState.DONE else ""
    return (_clock(line.at), plain_state(line.state), done, _why(line))


def _why(line: JobEvent) -> str:
    text = visible_line(line.text)
    if line.again is None:
        return text
    again = tr("tries again at {time}").format(time=f"{_moment(line.again).astimezone():%H:%M:%S}")
    return f"{text} · {again}" if text else again


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _iso(at: float) -> str:
    return _moment(at).isoformat(sep=" ", timespec="milliseconds")


def _clock(at: float) -> str:
    """Write a moment to the second, in the local zone; its tooltip has the zone."""
    return f"{_moment(at).astimezone():%Y-%m-%d %H:%M:%S}"
