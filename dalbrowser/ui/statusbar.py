"""The line at the bottom that never lies: what is listed so far, selected, failed, under way."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from dalbrowser.ui.format import count_text, items_text, size_text, tip_text
from dalbrowser.ui.theme import theme


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """What the list holds. ``so_far`` counts what a running listing brought."""

    total: int = 0
    shown: int = 0
    so_far: int = 0
    running: bool = False
    partial: bool = False
    """The listing was stopped or broke off: there may be more."""
    sorted_part: bool = False
    arranging: bool = False
    filtered: bool = False


class StatusBar(QStatusBar):
    """Labels in fixed places, each with its own object name.

    Signals:
        stop_wanted: the listing should stop.
        error_wanted: the last error should be shown.
        transfers_wanted: the transfers should be shown.
    """

    stop_wanted = Signal()
    error_wanted = Signal()
    transfers_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusBar")
        self.setSizeGripEnabled(False)
        self._items = self._label("statusItems", self.tr("Items"))
        self._stop = self._button("statusStop", self.tr("Stop"), self.stop_wanted)
        self._selection = self._label("statusSelection", self.tr("Selection"))
        self._error = self._button("statusError", "", self.error_wanted)
        theme().dress(self._error, "warning", "danger")
        self._transfer = self._button("statusTransfer", "", self.transfers_wanted)
        self._place = self._label("statusPlace", self.tr("Connection"))
        self.addWidget(self._items)
        self.addWidget(self._stop)
        self.addWidget(self._selection)
        self.addPermanentWidget(self._error)
        self.addPermanentWidget(self._transfer)
        self.addPermanentWidget(self._place)
        for widget in (self._stop, self._error, self._transfer):
            widget.hide()
        self.setContentsMargins(8, 0, 8, 0)

    def _label(self, name: str, accessible: str) -> QLabel:
        label = QLabel()
        # A connection may be called anything.
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setObjectName(name)
        label.setAccessibleName(accessible)
        return label

    def _button(self, name: str, text: str, signal: object) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setProperty("link", True)
        button.clicked.connect(signal)
        return button

    def show_items(self, counts: ItemCounts) -> None:
        """Say how much is listed, and what of it is true only of what is loaded."""
        self._items.setText(" · ".join(self._words(counts)))
        self._stop.setVisible(counts.running)

    def _words(self, counts: ItemCounts) -> list[str]:
        if counts.running:
            items = items_text(max(counts.so_far, counts.total))
            words = [self.tr("{items} so far").format(items=items), self.tr("listing…")]
        elif counts.partial and counts.total == 0:
            return [self.tr("not listed")]
        elif counts.partial:
            items = items_text(counts.total)
            words = [self.tr("{items} so far, incomplete").format(items=items)]
        else:
            words = [items_text(counts.total)]
        hidden = counts.total - counts.shown
        if counts.filtered:
            words.append(self.tr("{count} match").format(count=count_text(counts.shown)))
        elif hidden > 0:
            words.append(self.tr("{count} hidden").format(count=count_text(hidden)))
        if counts.sorted_part:
            words.append(self.tr("sorted: loaded rows only"))
        elif counts.arranging:
            words.append(self.tr("sorting…"))
        return words

    def show_nothing(self) -> None:
        """No folder is shown."""
        self._items.setText("")
        self._stop.hide()
        self._selection.setText("")

    def show_selection(self, count: int, size: int | None, *, folders: int) -> None:
        """Say what is selected; ``size`` is that of its files, ``None`` while it is counted."""
        if count == 0:
            self._selection.setText("")
            return
        words = self.tr("{count} selected").format(count=count_text(count))
        if size is None:
            words = self.tr("{words}, adding up…").format(words=words)
        elif folders < count:
            words = f"{words}, {size_text(size)}"
            if folders:
                words = self.tr("{words} and folders").format(words=words)
        self._selection.setText(words)

    def show_error(self, text: str) -> None:
        """Show a badge that an error happened, or none for an empty text."""
        first = text.splitlines()[0] if text else ""
        self._error.setText(first if len(first) <= 60 else f"{first[:58]}…")
        self._error.setToolTip(tip_text(text))
        self._error.setAccessibleName(text)
        self._error.setVisible(bool(text))

    def show_transfer(self, text: str) -> None:
        """Show what the transfers do, in a few words."""
        self._transfer.setText(text)
        self._transfer.setVisible(bool(text))

    def show_hint(self, text: str) -> None:
        """Say what letting go would do, in place of the counts; nothing for an empty text."""
        if text:
            self.showMessage(text)
        else:
            self.clearMessage()

    def show_place(self, text: str) -> None:
        """Show which connection this is."""
        self._place.setText(text)
