"""Files and folders dropped from the desktop: what is taken, and where it would go.

Invariant: only local files are taken, always as a copy; the source is never moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QDropEvent


def local_paths(data: QMimeData) -> list[Path]:
    """Return the local files and folders among what is dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class DropHandling:
    """One view's answers to a drag: find the target, mark it, take the drop.

    ``target_at`` returns what a position stands for (a row, a node, -1 for the view
    itself, ``None`` for nowhere); ``mark`` shows it, with ``None`` when the drag left.
    """

    def __init__(
        self,
        target_at: Callable[[QPoint], int | None],
        mark: Callable[[int | None], None],
        take: Callable[[list[Path], int], None],
    ) -> None:
        self._target_at = target_at
        self._mark = mark
        self._take = take
        self._welcome = False

    def move(self, event: QDropEvent) -> None:
        """Accept or refuse what hovers, and mark where it would go."""
        # Asked once a drag and not at every move: it reads every URL.
        if event.type() is QEvent.Type.DragEnter:
            self._welcome = bool(local_paths(event.mimeData()))
        target = self._target_at(event.position().toPoint()) if self._welcome else None
        if target is None:
            self._mark(None)
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._mark(target)

    def leave(self) -> None:
        """Forget the drag."""
        self._mark(None)

    def drop(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self._mark(None)
        target = self._target_at(event.position().toPoint())
        paths = local_paths(event.mimeData())
        if target is None or not paths:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._take(paths, target)
