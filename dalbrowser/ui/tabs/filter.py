"""The filter field: one in the window, with the text of whichever tab is in front.

Invariant: what is typed belongs to the tab that was in front when it was typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSignalBlocker, Qt, QTimer

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLineEdit

    from dalbrowser.ui.tabs.tab import Tab

_DELAY = 120
"""Milliseconds after the last letter before the filter is applied."""


class FilterField(QObject):
    """Puts what is typed into force in a tab."""

    def __init__(self, edit: QLineEdit) -> None:
        super().__init__(edit)
        self._edit = edit
        self._tab: Tab | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_DELAY)
        self._later.timeout.connect(self._apply)
        edit.textChanged.connect(lambda _text: self._later.start())

    def follow(self, tab: Tab) -> None:
        """Show the filter of a tab, and narrow that one from now on."""
        if self._later.isActive():
            self._apply()
        self._tab = tab
        self.refresh(tab)

    def refresh(self, tab: Tab) -> None:
        """Show the filter of a tab as it is now, if it is the one in front."""
        if tab is self._tab:
            self._later.stop()
            with QSignalBlocker(self._edit):
                self._edit.setText(tab.filter_text)

    def focus(self) -> None:
        """Give the field the keyboard."""
        self._edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._edit.selectAll()

    def clear(self) -> bool:
        """Show everything again, at once; false when nothing was filtered."""
        filtered = bool(self._edit.text())
        self._edit.clear()
        self._apply()
        return filtered

    def _apply(self) -> None:
        self._later.stop()
        if self._tab is not None:
            self._tab.set_filter(self._edit.text())
