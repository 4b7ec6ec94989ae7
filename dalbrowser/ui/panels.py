"""The panels around the list: sidebar, preview, transfers; shown, hidden, remembered.

Invariant: a panel's visibility, its action's tick and its setting say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from dalbrowser.ui.preview.pane import PreviewPane
from dalbrowser.ui.transfers.panel import TransferPanel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QWidget

    from dalbrowser.session import Session
    from dalbrowser.ui.changes import Changes
    from dalbrowser.ui.selection import SelectionWatcher

_PREVIEW_DELAY = 120
"""Milliseconds that a selection rests before it is previewed."""


class Panels(QObject):
    """The panels of a window.

    Signals:
        location_wanted: a place that a panel wants to be shown.
        summary_changed: what the transfers do, in a few words.
    """

    location_wanted = Signal(object)
    summary_changed = Signal(str)

    def __init__(
        self,
        session: Session,
        selection: SelectionWatcher,
        changes: Changes,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._selection = selection
        self._changes = changes
        self._panels: dict[str, tuple[QWidget, QAction]] = {}
        self.preview = PreviewPane(session)
        self.preview.setMinimumWidth(240)
        self.transfers = TransferPanel(session)
        self.transfers.location_requested.connect(self.location_wanted)
        self.transfers.attention_wanted.connect(lambda: self.show("transfers"))
        self.transfers.summary_changed.connect(self.summary_changed)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PREVIEW_DELAY)
        self._later.timeout.connect(self._preview)
        selection.changed.connect(self._later.start)

    def follow(self, selection: SelectionWatcher, changes: Changes) -> None:
        """Preview from now on what is selected in another list."""
        if selection is self._selection:
            return
        self._selection.changed.disconnect(self._later.start)
        selection.changed.connect(self._later.start)
        self._selection, self._changes = selection, changes
        self._later.start()

    def attach(self, panels: Mapping[str, tuple[QWidget, QAction]]) -> None:
        """Take charge of panels and their actions, each as it was left."""
        self._panels = dict(panels)
        for name, (panel, action) in self._panels.items():
            shown = bool(self._session.settings.get(f"window.{name}"))
            panel.setVisible(shown)
            action.setChecked(shown)

    def toggle(self, name: str) -> None:
        """Show a panel, or hide it."""
        self._set(name, shown=self._panels[name][0].isHidden())

    def show(self, name: str) -> None:
        """Show a panel; asking for one that is shown costs nothing."""
        if name in self._panels and self._panels[name][0].isHidden():
            self._set(name, shown=True)

    def _set(self, name: str, *, shown: bool) -> None:
        panel, action = self._panels[name]
        panel.setVisible(shown)
        action.setChecked(shown)
        self._session.settings.set(f"window.{name}", shown)
        if name == "preview":
            self._preview()

    def _preview(self) -> None:
        """Preview the one object selected, if the pane is to be seen."""
        self._later.stop()
        count = len(self._selection.rows)
        if self.preview.isHidden() or not count:
            self.preview.clear()
        elif count > 1:
            self.preview.show_several(count)
        else:
            for chosen in self._changes.selected()[:1]:
                self.preview.show_entry(*chosen)
