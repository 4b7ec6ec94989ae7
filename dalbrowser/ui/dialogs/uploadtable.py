"""The table of incomplete uploads: a row each, filled in as what they hold becomes known.

Invariant: a row is found by its upload's key and id, never by where it stood before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from dalbrowser.transfer.uploading.incomplete import Kept, age_of
from dalbrowser.ui.format import (
    count_text,
    duration_text,
    exact_size,
    exact_time,
    size_text,
    tip_text,
    visible_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtWidgets import QWidget

    from dalbrowser.storage import MultipartUpload
    from dalbrowser.transfer.journal.own import OwnUpload

_KEY, _AGE, _PARTS, _SIZE, _COST, _HERE = range(6)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_NUMBERS = (_PARTS, _SIZE, _COST)


class UploadTable(QTableWidget):
    """Key, when it was begun, parts, size, GiB-days, and which transfer here it belongs to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 6, parent)
        self._uploads: list[MultipartUpload] = []
        self._items: dict[tuple[str, str], QTableWidgetItem] = {}
        self._kept: dict[tuple[str, str], Kept] = {}
        self.total = Kept()
        self.setObjectName("uploadsTable")
        self.setAccessibleName(self.tr("Incomplete uploads"))
        self.setHorizontalHeaderLabels(
            [
                self.tr("Key"),
                self.tr("Begun"),
                self.tr("Parts"),
                self.tr("Size"),
                self.tr("GiB-days"),
                self.tr("Transfer here"),
            ]
        )
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        # Of a long key the end says most.
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setDefaultAlignment(_LEFT)
        head.setHighlightSections(False)
        head.setSectionResizeMode(_KEY, QHeaderView.ResizeMode.Stretch)
        for column, width in ((_AGE, 132), (_PARTS, 64), (_SIZE, 92), (_COST, 92), (_HERE, 132)):
            head.resizeSection(column, width)
        for column in _NUMBERS:
            title = self.horizontalHeaderItem(column)
            if title is not None:
                title.setTextAlignment(_RIGHT)
        cost = self.horizontalHeaderItem(_COST)
        if cost is not None:
            cost.setToolTip(self.tr("What it cost to keep so far: GiB times days"))
        self.setColumnHidden(_HERE, True)

    @property
    def uploads(self) -> list[MultipartUpload]:
        """The uploads in the order of their rows."""
        return list(self._uploads)

    @property
    def unknown(self) -> list[MultipartUpload]:
        """The uploads whose rows are not filled in yet."""
        return [upload for upload in self._uploads if _name(upload) not in self._kept]

    @property
    def is_whole(self) -> bool:
        """Whether every row is filled in, so that ``total`` is of all of them."""
        return len(self._kept) == len(self._uploads)

    def has(self, upload: MultipartUpload) -> bool:
        """Whether there is a row for an upload."""
        return _name(upload) in self._items

    def chosen(self) -> list[MultipartUpload]:
        """Return the uploads of the selected rows."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._uploads[row] for row in rows]

    def add(self, uploads: Iterable[MultipartUpload]) -> None:
        """Append rows; what they hold is not known yet."""
        some = list(uploads)
        first = len(self._uploads)
        self._uploads += some
        self.setRowCount(len(self._uploads))
        for row, upload in enumerate(some, first):
            age, exact = age_of(upload), ""
            begun = ""
            if age is not None and upload.initiated is not None:
                begun = self.tr("{time} ago").format(time=duration_text(age.total_seconds()))
                exact = exact_time(upload.initiated)
            name = self._put(row, _KEY, visible_name(upload.path), repr(upload.path))
            self._items[_name(upload)] = name
            self._put(row, _AGE, begun, exact)
            for column in _NUMBERS:
                self._put(row, column, "…", "")
            self._put(row, _HERE, "", "")

    def fill(self, upload: MultipartUpload, kept: Kept) -> None:
        """Say what an upload holds; nothing happens when its row is gone."""
        row = self._row(upload)
        if row is None:
            return
        known = _name(upload) in self._kept
        self._kept[_name(upload)] = kept
        self.total = sum(self._kept.values(), Kept()) if known else self.total + kept
        self._put(row, _PARTS, count_text(kept.parts), "")
        self._put(row, _SIZE, size_text(kept.bytes), exact_size(kept.bytes))
        self._put(row, _COST, cost_text(kept), f"{kept.gib_days:.6f}")

    def fail(self, upload: MultipartUpload, why: str) -> None:
        """Say that it cannot be told what an upload holds."""
        row = self._row(upload)
        if row is not None:
            for column in _NUMBERS:
                self._put(row, column, "?", why)

    def mark(self, upload: MultipartUpload, mine: OwnUpload) -> None:
        """Say which transfer of this machine an upload belongs to."""
        row = self._row(upload)
        if row is not None:
            text = self.tr("#{id}, {state}").format(id=mine.job, state=mine.state.word)
            self._put(row, _HERE, text, "")
            self.setColumnHidden(_HERE, False)

    def drop(self, upload: MultipartUpload) -> None:
        """Remove a row, if it is there."""
        row = self._row(upload)
        if row is not None:
            if self._kept.pop(_name(upload), None) is not None:
                self.total = sum(self._kept.values(), Kept())
            del self._items[_name(upload)]
            del self._uploads[row]
            self.removeRow(row)

    def _row(self, upload: MultipartUpload) -> int | None:
        item = self._items.get(_name(upload))
        return None if item is None else self.row(item)

    def _put(self, row: int, column: int, text: str, tip: str) -> QTableWidgetItem:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(_RIGHT if column in _NUMBERS else _LEFT)
            self.setItem(row, column, item)
        item.setText(text)
        item.setToolTip(tip_text(tip))
        return item


def cost_text(kept: Kept) -> str:
    """Write GiB-days so that a little is not shown as nothing."""
    cost = kept.gib_days
    if not kept.byte_days:
        return "0"
    if cost < 0.01:
        return "< 0.01"
    return f"{cost:,.2f}" if cost < 100 else count_text(round(cost))


def _name(upload: MultipartUpload) -> tuple[str, str]:
    return upload.path, upload.upload_id
