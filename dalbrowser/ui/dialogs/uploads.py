"""Incomplete uploads of a bucket: what was begun and never finished is paid for and not listed.

Invariants: nothing is dropped that was not named in the question; an upload goes on only
from a file that the transfer engine has proven it was begun from.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from dalbrowser.profiles import format_location
from dalbrowser.session import describe
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer import TransferError
from dalbrowser.ui.dialogs.confirm import ConfirmDialog
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.format import (
    count_text,
    duration_text,
    exact_size,
    exact_time,
    size_text,
    visible_name,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.storage import MultipartUpload, Part

_MOST = 1_000
"""Uploads shown at once; each costs a request for its parts."""
_KEY, _AGE, _PARTS, _SIZE = range(4)
_GROUP = "incomplete uploads"


class UploadsDialog(Sheet):
    """The incomplete uploads below ``place``, each with its age, parts and bytes."""

    def __init__(self, session: Session, place: Location, parent: QWidget | None = None) -> None:
        super().__init__("uploadsDialog", self.tr("Incomplete uploads"), parent)
        self._session = session
        self._place = place
        self._uploads: list[MultipartUpload] = []
        self.resize(720, 420)
        self.add_title(self.tr("Incomplete uploads"))
        self.add_text(
            self.tr(
                "Begun in {place} and neither finished nor given up. Their parts are kept,"
                " and paid for, until then."
            ).format(place=format_location(place, session.profiles)),
        )
        self._table = self._make_table()
        self.body.addWidget(self._table, 1)
        self._abort = self.add_aside("uploadsAbort", self.tr("Abort…"))
        self._abort.clicked.connect(self._ask_abort)
        self._resume = self.add_aside("uploadsResume", self.tr("Resume with a file…"))
        self._resume.clicked.connect(self._choose_file)
        close = self.add_verb("uploadsClose", self.tr("Close"), default=True)
        close.clicked.connect(self.accept)
        self.finished.connect(lambda _code: session.tasks.cancel_group(_GROUP))
        self._table.itemSelectionChanged.connect(self._allow)
        self._allow()
        self._spawn(self._list(), "list", group=_GROUP)

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 4)
        table.setObjectName("uploadsTable")
        table.setAccessibleName(self.tr("Incomplete uploads"))
        table.setHorizontalHeaderLabels(
            [self.tr("Key"), self.tr("Begun"), self.tr("Parts"), self.tr("Size")]
        )
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        head = table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in (_PARTS, _SIZE):
            title = table.horizontalHeaderItem(column)
            if title is not None:
                title.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head.setHighlightSections(False)
        head.setSectionResizeMode(_KEY, QHeaderView.ResizeMode.Stretch)
        return table

    # What there is.

    async def _list(self) -> None:
        self.note.say(self.tr("Looking…"))
        try:
            op = await self._session.operator(self._place)
            async for upload in op.list_multiparts(spell(self._place.path), limit=_MOST):
                self._add(upload)
            self._say_count()
            for upload in list(self._uploads):
                handle = op.into_multipart(spell(upload.path), upload.upload_id)
                try:
                    self._fill(upload, await handle.list_parts())
                except StorageError as error:
                    if error.kind is not ErrorKind.NOT_FOUND:
                        raise
                    # Finished or aborted by somebody since it was listed.
                    self._drop(upload)
        except (StorageError, OSError) as error:
            self.note.say(describe(error), "error")

    def _say_count(self) -> None:
        if not self._uploads:
            self.note.say(self.tr("There are none here."), "success")
        elif len(self._uploads) == _MOST:
            text = self.tr("These are the first {n}; there may be more.")
            self.note.say(text.format(n=count_text(_MOST)), "warning")
        else:
            self.note.say("")

    def _add(self, upload: MultipartUpload) -> None:
        row = len(self._uploads)
        self._uploads.append(upload)
        self._table.setRowCount(row + 1)
        begun, exact = "", ""
        if upload.initiated is not None:
            age = (datetime.now(UTC) - upload.initiated).total_seconds()
            begun = self.tr("{time} ago").format(time=duration_text(age))
            exact = exact_time(upload.initiated)
        for column, text, tip in (
            (_KEY, visible_name(upload.path), repr(upload.path)),
            (_AGE, begun, exact),
            (_PARTS, "…", ""),
            (_SIZE, "…", ""),
        ):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            if column in {_PARTS, _SIZE}:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._table.setItem(row, column, item)

    def _fill(self, upload: MultipartUpload, parts: Sequence[Part]) -> None:
        if upload not in self._uploads:
            return
        row = self._uploads.index(upload)
        size = sum(part.size for part in parts)
        for column, text in ((_PARTS, count_text(len(parts))), (_SIZE, size_text(size))):
            item = self._table.item(row, column)
            if item is not None:
                item.setText(text)
                item.setToolTip(exact_size(size))

    def _drop(self, upload: MultipartUpload) -> None:
        if upload in self._uploads:
            row = self._uploads.index(upload)
            del self._uploads[row]
            self._table.removeRow(row)
            self._say_count()

    # What can be done.

    def _selected(self) -> list[MultipartUpload]:
        rows = sorted(index.row() for index in self._table.selectionModel().selectedRows())
        return [self._uploads[row] for row in rows]

    def _allow(self) -> None:
        chosen = len(self._selected())
        self._abort.setEnabled(chosen > 0)
        self._resume.setEnabled(chosen == 1)

    def _ask_abort(self) -> None:
        chosen = self._selected()
        names = "\n".join(visible_name(upload.path) for upload in chosen[:5])
        if len(chosen) > 5:
            names += "\n…"
        question = ConfirmDialog(
            "abortDialog",
            self.tr("Abort {n} uploads?").format(n=count_text(len(chosen)))
            if len(chosen) > 1
            else self.tr("Abort this upload?"),
            names
            + "\n\n"
            + self.tr(
                "The parts sent so far are deleted. Whoever is still sending others will fail."
            ),
            self.tr("Abort"),
            self,
        )
        question.accepted.connect(lambda: self._spawn(self._do_abort(chosen), "abort"))
        question.open()

    async def _do_abort(self, chosen: Sequence[MultipartUpload]) -> None:
        try:
            op = await self._session.operator(self._place)
            for upload in chosen:
                await op.into_multipart(spell(upload.path), upload.upload_id).abort()
                self._drop(upload)
        except (StorageError, OSError) as error:
            self.note.say(describe(error), "error")

    def _choose_file(self) -> None:
        (upload,) = self._selected()
        dialog = QFileDialog(self, self.tr("The file it was begun from"))
        dialog.setObjectName("fileDialog")
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, self.tr("Resume"))
        dialog.finished.connect(lambda _: dialog.deleteLater())
        dialog.fileSelected.connect(
            lambda name: self._spawn(self._do_resume(upload, Path(name)), "resume")
        )
        dialog.open()

    async def _do_resume(self, upload: MultipartUpload, path: Path) -> None:
        target = self._place.at(upload.path)
        self.note.say(self.tr("Comparing the file with the parts…"))
        try:
            await self._session.transfers.adopt(path, target, upload.upload_id)
        except (StorageError, TransferError, OSError, RuntimeError) as error:
            self.note.say(describe(error), "error")
            return
        self._drop(upload)
        self.note.say(self.tr("It goes on; see the transfers."), "success")

    def _spawn(
        self, coro: Coroutine[object, object, None], name: str, group: str | None = None
    ) -> None:
        self._session.tasks.spawn(coro, owner="incomplete uploads", name=name, group=group)
