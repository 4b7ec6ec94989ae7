"""Manifests from the window: export one of a batch, check local files against one.

Invariant: hashing runs in a thread, says how far it is, and ends when it is told to stop;
what differs is named file by file.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QWidget

from dalbrowser.session import describe
from dalbrowser.transfer import TransferError
from dalbrowser.transfer.manifest import JSON_SUFFIX, SUMS_SUFFIX, Manifest, build_manifest
from dalbrowser.ui.dialogs.choosing import file_dialog
from dalbrowser.ui.dialogs.sheet import Sheet
from dalbrowser.ui.format import count_text, visible_name
from dalbrowser.ui.transfers.banners import Banner
from dalbrowser.ui.transfers.wording import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from dalbrowser.session.session import Session
    from dalbrowser.transfer.manifest import Difference, Told

T = TypeVar("T")

_SHOWN = 1000
"""Differences that are named in the window."""
_STEPS = 100
"""How often at most it is said how far the hashing is."""


class _StoppedError(Exception):
    """A person stopped the hashing."""


class ManifestBanner(Banner):
    """Says how far the hashing is and how it ended; its button stops it, or sends it away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("manifestBanner", "info", "verified", parent)
        self.show_folder = self.add_button("manifestShow", tr("Show in folder"))
        self.leave = self.add_button("manifestLeave", tr("Stop"))
        self.show_folder.hide()

    def progress(self, text: str) -> None:
        """Say how far it is."""
        self.show_folder.hide()
        self.leave.setText(tr("Stop"))
        self.say(text)

    def ended(self, text: str, *, folder: bool = False) -> None:
        """Say how it ended."""
        self.show_folder.setVisible(folder)
        self.leave.setText(tr("Close"))
        self.say(text)


class Manifests(QObject):
    """Carries out what the panel's actions about manifests say."""

    def __init__(self, session: Session, banner: ManifestBanner, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._banner = banner
        self._window = window
        self._stop = threading.Event()
        self._busy = False
        self._folder = ""
        banner.leave.clicked.connect(self._leave)
        banner.show_folder.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder))
        )

    def ask_export(self, batch: int, start: str) -> None:
        """Ask for a name, and write the manifest of a batch under it."""
        dialog = file_dialog(self._window, tr("Export manifest"), tr("Export"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        if start:
            dialog.setDirectory(start)
        dialog.selectFile(tr("transfer-{n}").format(n=batch))
        dialog.fileSelected.connect(lambda name: self.export(batch, Path(name)))
        dialog.open()

    def ask_verify(self) -> None:
        """Ask for a manifest and a folder, and compare."""
        dialog = file_dialog(self._window, tr("Choose a manifest"), tr("Choose"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([tr("Manifests (*.json *.sha256 SHA256SUMS*)"), tr("All files (*)")])
        dialog.fileSelected.connect(
            lambda name: self._spawn(self._ask_folder(Path(name)), "read a manifest")
        )
        dialog.open()

    def export(self, batch: int, target: Path) -> None:
        """Hash what a batch moved and write ``target`` with ``.sha256`` and ``.json``."""
        self._spawn(self._export(batch, target), "export a manifest")

    def verify(self, manifest: Manifest, folder: Path) -> None:
        """Hash the files below ``folder`` and say what differs from the manifest."""
        self._spawn(self._verify(manifest, folder), "verify a manifest")

    async def _export(self, batch: int, target: Path) -> None:
        rows = await self._session.transfers.moved(batch)
        manifest = await self._hash(lambda told: build_manifest(rows, told))
        if manifest is None:
            return
        sums, facts = await asyncio.to_thread(manifest.write, _bare(target))
        self._folder = str(target.parent)
        text = tr("{n} files hashed, written to {sums} and {facts}.")
        if manifest.proven == 1:
            text = tr("1 file hashed, written to {sums} and {facts}.")
        text = text.format(n=count_text(manifest.proven), sums=sums.name, facts=facts.name)
        if manifest.proven < len(manifest.lines):
            left = count_text(len(manifest.lines) - manifest.proven)
            more = tr("{n} have no local bytes to hash; the .json says why.").format(n=left)
            text = f"{text} {more}"
        self._banner.ended(text, folder=True)

    async def _ask_folder(self, path: Path) -> None:
        manifest = await asyncio.to_thread(Manifest.read, path)
        dialog = file_dialog(self._window, tr("Check the files in"), tr("Check"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setDirectory(manifest.folder or str(path.parent))
        dialog.fileSelected.connect(lambda name: self.verify(manifest, Path(name)))
        dialog.open()

    async def _verify(self, manifest: Manifest, folder: Path) -> None:
        wrong = await self._hash(lambda told: manifest.verify(folder, told))
        if wrong is None:
            return
        checked = count_text(manifest.proven)
        if not wrong:
            text = tr("All {n} files are what the manifest says.").format(n=checked)
            self._banner.ended(text)
            return
        text = tr("{wrong} of {n} files are not what the manifest says.")
        self._banner.ended(text.format(wrong=count_text(len(wrong)), n=checked))
        _DifferenceSheet(wrong, folder, self._window).open()

    async def _hash(self, work: Callable[[Told], T]) -> T | None:
        """Run what hashes in a thread; ``None`` when it was stopped."""
        if self._busy:
            self._banner.say(tr("Files are being hashed already; wait, or stop it first."))
            return None
        loop = asyncio.get_running_loop()
        self._busy = True
        self._stop.clear()
        self._banner.progress(tr("Hashing…"))

        def told(done: int, total: int) -> None:
            if self._stop.is_set():
                raise _StoppedError
            if done % max(1, total // _STEPS) == 0:
                loop.call_soon_threadsafe(self._tell, done, total)

        try:
            return await asyncio.to_thread(work, told)
        except _StoppedError:
            self._banner.ended(tr("The hashing was stopped; nothing was written."))
            return None
        finally:
            # The thread must not outlive whoever waits for it.
            self._stop.set()
            self._busy = False

    def _tell(self, done: int, total: int) -> None:
        if self._busy:
            text = tr("Hashing… {done} of {total} files").format(
                done=count_text(done), total=count_text(total)
            )
            self._banner.progress(text)

    def _spawn(self, call: Coroutine[object, object, None], name: str) -> None:
        self._session.tasks.spawn(self._said(call), owner="transfers", name=name)

    async def _said(self, call: Coroutine[object, object, None]) -> None:
        try:
            await call
        except (TransferError, OSError, ValueError) as error:
            text = tr("The manifest could not be used: {why}").format(why=describe(error))
            self._banner.ended(text)

    def _leave(self) -> None:
        self._stop.set()
        if not self._busy:
            self._banner.hide()


class _DifferenceSheet(Sheet):
    """Names the files that differ, and how."""

    def __init__(self, wrong: Sequence[Difference], folder: Path, parent: QWidget) -> None:
        super().__init__("manifestDifferences", tr("Differences"), parent)
        self.add_title(
            tr("{n} files differ in {folder}").format(n=count_text(len(wrong)), folder=folder)
        )
        text = QPlainTextEdit(self)
        text.setObjectName("manifestDifferencesText")
        text.setAccessibleName(tr("Differences"))
        text.setReadOnly(True)
        lines = [f"{visible_name(one.name)}: {one.problem}" for one in wrong[:_SHOWN]]
        if len(wrong) > _SHOWN:
            lines.append(tr("… and {n} more").format(n=count_text(len(wrong) - _SHOWN)))
        text.setPlainText("\n".join(lines))
        self.body.addWidget(text, 1)
        close = self.add_verb("manifestDifferencesClose", tr("Close"), default=True)
        close.clicked.connect(self.accept)
        self.resize(640, 360)


def _bare(path: Path) -> Path:
    """Return the name without an ending that is about to be added."""
    if path.suffix in (SUMS_SUFFIX, JSON_SUFFIX):
        return path.with_suffix("")
    return path
