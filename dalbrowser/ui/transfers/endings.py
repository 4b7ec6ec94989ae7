"""Says that a batch of transfers has ended, to somebody who is looking elsewhere.

Invariant: what is said is what the engine counted; it is said once, by the desktop where
it can, else in the window itself; nothing is said of what a person cancelled.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from dalbrowser.transfer import BatchEnded, Direction
from dalbrowser.ui.format import count_text, size_text
from dalbrowser.ui.transfers.wording import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from dalbrowser.session.session import Session
    from dalbrowser.transfer import Event
    from dalbrowser.ui.transfers.panel import TransferPanel
    from dalbrowser.ui.tray import Tray

SETTING = "transfers.notifications"
_SETTLE = 400
"""Milliseconds in which endings are gathered into one message."""
_DONE = {
    Direction.UPLOAD: "{n} uploaded",
    Direction.DOWNLOAD: "{n} downloaded",
    Direction.COPY: "{n} copied",
    Direction.MOVE: "{n} moved",
}


class Endings(QObject):
    """Listens to the engine for the window.

    Signals:
        said: a text and its tone, for the window itself to show.
    """

    said = Signal(str, str)

    def __init__(self, session: Session, window: QWidget, panel: TransferPanel, tray: Tray) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._panel = panel
        self._tray = tray
        self._ended: list[BatchEnded] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE)
        self._timer.timeout.connect(self._say)
        self.stop: Callable[[], None] = session.transfers.on_event(self._take)

    def _take(self, event: Event) -> None:
        if isinstance(event, BatchEnded) and event.done + event.failed + event.skipped:
            self._ended.append(event)
            self._timer.start()

    def _say(self) -> None:
        ended, self._ended = self._ended, []
        wanted = self._session.settings.get(SETTING)
        active = self._window.isVisible() and self._window.isActiveWindow()
        if wanted == "never" or (wanted == "background" and active):
            return
        failed = sum(one.failed for one in ended)
        title = tr("Transfers ended with failures") if failed else tr("Transfers finished")
        text = ending_text(ended, self._directions(ended))
        if not self._tray.tell(title, text, bad=bool(failed)):
            QApplication.alert(self._window)
            self.said.emit(f"{title}: {text}", "warning" if failed else "success")

    def _directions(self, ended: list[BatchEnded]) -> set[Direction]:
        views = (self._panel.model.batch_view(one.batch) for one in ended)
        return {view.direction for view in views if view is not None}


def ending_text(ended: list[BatchEnded], directions: set[Direction]) -> str:
    """Return how many files are done, how much that is, and what is not."""
    sums: Counter[str] = Counter()
    for one in ended:
        sums.update(done=one.done, failed=one.failed, skipped=one.skipped, size=one.bytes_done)
    form = tr("{n} done")
    if len(directions) == 1:
        form = tr(_DONE[next(iter(directions))])
    files = tr("1 file") if sums["done"] == 1 else tr("{n} files")
    parts = [form.format(n=files.format(n=count_text(sums["done"])))]
    if sums["done"]:
        parts[0] = f"{parts[0]}, {size_text(sums['size'])}"
    if sums["failed"]:
        parts.append(tr("{n} failed").format(n=count_text(sums["failed"])))
    if sums["skipped"]:
        parts.append(tr("{n} skipped").format(n=count_text(sums["skipped"])))
    return " · ".join(parts)
