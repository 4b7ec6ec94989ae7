"""Incomplete uploads of a bucket: what was begun and never finished is paid for and not listed.

Invariants: nothing is dropped that was not named or counted in the question; what a transfer of
this machine is sending is left to that transfer; an upload goes on only from a file that the
transfer engine has proven it was begun from.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton

from dalbrowser.profiles import format_location
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.storage.paths import spell
from dalbrowser.transfer import TransferError
from dalbrowser.transfer.failures import is_gone
from dalbrowser.transfer.uploading import incomplete
from dalbrowser.transfer.uploading.incomplete import (
    Kept,
    abort_uploads,
    is_older,
    own_of,
    survey,
)
from dalbrowser.ui.dialogs.choosing import file_dialog
from dalbrowser.ui.dialogs.confirm import ConfirmDialog
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.dialogs.uploadtable import UploadTable, cost_text
from dalbrowser.ui.format import count_text, size_text, visible_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location
    from dalbrowser.session import Session
    from dalbrowser.storage import MultipartUpload
    from dalbrowser.transfer.uploading.incomplete import Aborted

PAGE = 1_000
"""Uploads shown before *Show more*; each costs a request for its parts."""
_LIST = "incomplete uploads"
_COUNT = "old incomplete uploads"
_WEEK = 7
_NAMED = 5
_FAILURES = (StorageError, TransferError, OSError)


class _Days(QLineEdit):
    """A field whose Enter is its own: it would close the dialog."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            event.accept()


class UploadsDialog(Sheet):
    """The incomplete uploads below ``place``: age, parts, bytes, and what they cost to keep."""

    def __init__(self, session: Session, place: Location, parent: QWidget | None = None) -> None:
        super().__init__("uploadsDialog", self.tr("Incomplete uploads"), parent)
        self._session = session
        self._place = place
        self._listing: AsyncIterator[MultipartUpload] | None = None
        self._next: MultipartUpload | None = None
        self._left = False
        self.resize(860, 480)
        self.add_title(self.tr("Incomplete uploads"))
        self.add_text(
            self.tr(
                "Begun in {place} and neither finished nor given up. Their parts are kept,"
                " and paid for, until then."
            ).format(place=format_location(place, session.profiles)),
        )
        self._table = UploadTable()
        self._table.setMinimumHeight(240)
        self.body.addWidget(self._table, 1)
        self._add_foot()
        self._abort = self.add_aside("uploadsAbort", self.tr("Abort…"))
        self._abort.clicked.connect(self._ask_abort)
        self._resume = self.add_aside("uploadsResume", self.tr("Resume with a file…"))
        self._resume.clicked.connect(self._choose_file)
        close = self.add_verb("uploadsClose", self.tr("Close"), default=True)
        close.clicked.connect(self.accept)
        self.finished.connect(self._leave)
        self._table.itemSelectionChanged.connect(self._allow)
        self._allow()
        self._spawn(self._list(), "list", group=_LIST)

    def _leave(self) -> None:
        """Stop looking; what was said yes to goes on without the dialog."""
        self._left = True
        self._session.tasks.cancel_group(_LIST)
        self._session.tasks.cancel_group(_COUNT)

    def _add_foot(self) -> None:
        """The sum of what is shown, what is not shown yet, and the broom."""
        self._total = QLabel()
        self._total.setObjectName("uploadsTotal")
        self._more = QPushButton(self.tr("Show more"))
        self._more.setObjectName("uploadsMore")
        self._more.setAutoDefault(False)
        self._more.hide()
        self._more.clicked.connect(lambda: self._spawn(self._list(), "list", group=_LIST))
        self._days = _Days(str(_WEEK))
        self._days.setObjectName("uploadsDays")
        self._days.setValidator(QIntValidator(0, 36_500, self._days))
        self._days.setAccessibleName(self.tr("Age in days"))
        self._days.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._days.setFixedWidth(64)
        self._days.textChanged.connect(lambda _: self._allow())
        self._old = QPushButton(self.tr("Abort all…"))
        self._old.setObjectName("uploadsAbortOld")
        self._old.setAccessibleName(self.tr("Abort all that are older"))
        self._old.setAutoDefault(False)
        self._old.clicked.connect(
            lambda: self._spawn(self._count_old(int(self._days.text())), "count", group=_COUNT)
        )
        self._days.returnPressed.connect(self._old.click)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._total)
        line.addWidget(self._more)
        line.addStretch(1)
        line.addWidget(QLabel(self.tr("Begun more than")))
        line.addWidget(self._days)
        line.addWidget(QLabel(self.tr("days ago:")))
        line.addWidget(self._old)
        self.body.addLayout(line)

    # What there is.

    async def _list(self) -> None:
        """Show the next page, then what each upload of it holds, a few at a time."""
        self._more.hide()
        self.note.say(self.tr("Looking…"))
        try:
            op = await self._session.operator(self._place)
            page = await self._next_page()
            self._table.add(page)
            self._say_total()
            self.note.say("")
            if not self._table.uploads:
                self.note.say(self.tr("There are none here."), "success")
            self._more.setVisible(self._next is not None)
            await self._mark_own(page)
            await survey(op, self._table.unknown, self._told)
        except _FAILURES as error:
            self.note.say(describe(error), "error")
            if self._listing is None:
                self._more.show()

    async def _next_page(self) -> list[MultipartUpload]:
        """Return what is not shown yet; a listing that broke off is begun anew by the next."""
        listing, self._listing = self._listing, None
        if listing is None:
            op = await self._session.operator(self._place)
            listing = op.list_multiparts(spell(self._place.path))
            self._next = await anext(listing, None)
        page: list[MultipartUpload] = []
        while self._next is not None and len(page) < PAGE:
            if not self._table.has(self._next):
                page.append(self._next)
            self._next = await anext(listing, None)
        self._listing = listing
        return page

    async def _mark_own(self, uploads: Sequence[MultipartUpload]) -> None:
        try:
            found = await own_of(self._session.folders.journal_file, self._place.bucket, uploads)
        except TransferError as error:
            self.note.say(describe(error), "warning")
            return
        for upload, mine in found.items():
            self._table.mark(upload, mine)

    def _told(self, upload: MultipartUpload, kept: Kept | StorageError) -> None:
        if not isinstance(kept, StorageError):
            self._table.fill(upload, kept)
        elif is_gone(kept):
            # Finished or aborted by somebody since it was listed.
            self._table.drop(upload)
        else:
            self._table.fail(upload, describe(kept))
            self.note.say(describe(kept), "error")
        self._say_total()

    def _say_total(self) -> None:
        count, total = len(self._table.uploads), self._table.total
        if not count:
            self._total.setText("")
            return
        said = self.tr("{n} uploads, {size}, {cost} GiB-days so far")
        if count == 1:
            said = self.tr("{n} upload, {size}, {cost} GiB-days so far")
        text = said.format(
            n=count_text(count) + ("+" if self._next is not None else ""),
            size=size_text(total.bytes),
            cost=cost_text(total),
        )
        if not self._table.is_whole:
            text = self.tr("{text}, adding up…").format(text=text)
        self._total.setText(text)

    # Giving up.

    def _allow(self) -> None:
        chosen = len(self._table.chosen())
        self._abort.setEnabled(chosen > 0)
        self._resume.setEnabled(chosen == 1)
        self._old.setEnabled(self._days.hasAcceptableInput())

    def _ask_abort(self) -> None:
        chosen = self._table.chosen()
        names = "\n".join(visible_name(upload.path) for upload in chosen[:_NAMED])
        if len(chosen) > _NAMED:
            names += "\n…"
        title = self.tr("Abort this upload?")
        if len(chosen) > 1:
            title = self.tr("Abort {n} uploads?").format(n=count_text(len(chosen)))
        self._ask(chosen, title, names)

    async def _count_old(self, days: int) -> None:
        """List everything anew, count what is old, and ask."""
        self.note.say(self.tr("Counting…"))
        old: list[MultipartUpload] = []
        found: dict[MultipartUpload, Kept | StorageError] = {}
        try:
            op = await self._session.operator(self._place)
            async for upload in op.list_multiparts(spell(self._place.path)):
                if is_older(upload, timedelta(days=days)):
                    old.append(upload)
            await survey(op, old, found.__setitem__)
        except _FAILURES as error:
            self.note.say(describe(error), "error")
            return
        self.note.say("")
        old = [upload for upload in old if not _is_gone(found[upload])]
        if not old:
            text = self.tr("None is older than {n} days.").format(n=count_text(days))
            self.note.say(text, "success")
            return
        title = self.tr("Abort {n} uploads begun more than {days} days ago?")
        if len(old) == 1:
            title = self.tr("Abort {n} upload begun more than {days} days ago?")
        told = [kept for kept in found.values() if isinstance(kept, Kept)]
        self._ask(
            old,
            title.format(n=count_text(len(old)), days=count_text(days)),
            self._sum_words(sum(told, Kept()), told, unknown=len(old) - len(told)),
        )

    def _sum_words(self, total: Kept, told: Sequence[Kept], *, unknown: int) -> str:
        words = self.tr("They hold {size}, which cost {cost} GiB-days so far.").format(
            size=size_text(total.bytes), cost=cost_text(total)
        )
        if unknown:
            words += "\n" + self.tr("What {n} of them hold could not be seen.").format(
                n=count_text(unknown)
            )
        day_ago = incomplete.now() - timedelta(days=1)
        lately = sum(1 for kept in told if kept.latest is not None and kept.latest > day_ago)
        if lately:
            words += "\n" + self.tr(
                "{n} of them got a part within the last day: somebody may still be sending."
            ).format(n=count_text(lately))
        return words

    def _ask(self, chosen: Sequence[MultipartUpload], title: str, words: str) -> None:
        question = ConfirmDialog(
            "abortDialog",
            title,
            words
            + "\n\n"
            + self.tr(
                "The parts sent so far are deleted. Whoever is still sending others will fail."
            ),
            self.tr("Abort"),
            self,
        )
        # Not cancelled with the dialog: what was said yes to is done.
        question.accepted.connect(lambda: self._do(self._do_abort(chosen), "abort"))
        question.open()

    async def _do_abort(self, chosen: Sequence[MultipartUpload]) -> None:
        try:
            op = await self._session.operator(self._place)
            journal = self._session.folders.journal_file
            report = await abort_uploads(op, self._place.path, self._place.bucket, chosen, journal)
        except _FAILURES as error:
            if self._left:
                raise
            self.note.say(describe(error), "error")
            return
        words = _report_words(report, len(chosen))
        if self._left:
            # There is no dialog any more to say it in.
            if report.kept:
                raise TransferError(words)
            return
        for upload in (*report.gone, *report.vanished):
            self._table.drop(upload)
        self._say_total()
        self.note.say(words, "error" if report.kept else "success")

    # Going on.

    def _choose_file(self) -> None:
        (upload,) = self._table.chosen()
        dialog = file_dialog(self, self.tr("The file it was begun from"), self.tr("Resume"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self._go_on(upload, Path(name)))
        dialog.open()

    def _go_on(self, upload: MultipartUpload, path: Path) -> None:
        # Said now: the dialog may be closed before the comparison begins.
        self.note.say(self.tr("Comparing the file with the parts…"))
        self._do(self._do_resume(upload, path), "resume")

    async def _do_resume(self, upload: MultipartUpload, path: Path) -> None:
        target = self._place.at(upload.path)
        try:
            await self._session.transfers.adopt(path, target, upload.upload_id)
        except (StorageError, TransferError, OSError, RuntimeError) as error:
            if self._left:
                raise
            self.note.say(describe(error), "error")
            return
        if self._left:
            return
        self._table.drop(upload)
        self._say_total()
        self.note.say(self.tr("It goes on; see the transfers."), "success")

    def _do(self, coro: Coroutine[object, object, None], name: str) -> None:
        """Do what was asked for to its end: a window that is closed waits for it."""
        self._session.tasks.spawn(coro, owner="incomplete uploads", name=name, awaited=True)

    def _spawn(
        self, coro: Coroutine[object, object, None], name: str, group: str | None = None
    ) -> None:
        self._session.tasks.spawn(coro, owner="incomplete uploads", name=name, group=group)


def _is_gone(kept: Kept | StorageError) -> bool:
    return isinstance(kept, StorageError) and is_gone(kept)


def _report_words(report: Aborted, asked: int) -> str:
    """Return what became of uploads that were to be aborted; needs no dialog to be alive."""
    text = _tr("Aborted {n} of {all}.")
    lines = [text.format(n=count_text(len(report.gone)), all=count_text(asked))]
    if report.vanished:
        text = _tr("{n} had ended by themselves.")
        lines.append(text.format(n=count_text(len(report.vanished))))
    for upload, why in report.kept[:_NAMED]:
        lines.append(f"{visible_name(upload.path)}: {why}")
    if len(report.kept) > _NAMED:
        text = _tr("… and {n} more were not aborted.")
        lines.append(text.format(n=count_text(len(report.kept) - _NAMED)))
    return "\n".join(lines)


def _tr(text: str) -> str:
    return QCoreApplication.translate("UploadsDialog", text)
