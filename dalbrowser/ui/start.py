"""The first thing a person sees: three ways to begin, and what was opened before."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dalbrowser.ui.icons import app_icon
from dalbrowser.ui.theme import theme

_WIDTH = 440
_PICTURE = 72
_ICON = 28


class StartPage(QFrame):
    """Add a connection, open the demo, open the home folder.

    Signals:
        chosen: ``add_connection``, ``demo`` or ``home``.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("startPage")
        self._pictures: list[tuple[QLabel, str, str]] = []
        column = QVBoxLayout()
        column.setSpacing(8)
        picture = QLabel()
        picture.setPixmap(app_icon().pixmap(_PICTURE, _PICTURE))
        title = QLabel(self.tr("Browse your storage"))
        title.setProperty("title", True)
        text = QLabel(
            self.tr(
                "Connect to S3 and everything that speaks like it, look into objects of any"
                " size without downloading them, and send files that arrive whole."
            )
        )
        text.setProperty("muted", True)
        text.setWordWrap(True)
        column.addWidget(picture)
        column.addSpacing(8)
        column.addWidget(title)
        column.addWidget(text)
        column.addSpacing(16)
        column.addWidget(
            self._choice(
                "add_connection",
                "cloud",
                self.tr("Add connection…"),
                self.tr("An endpoint, a region and two keys"),
                verb=True,
            )
        )
        column.addWidget(
            self._choice(
                "demo",
                "demo",
                self.tr("Open the demo"),
                self.tr("Sample files on this computer, to try everything with"),
            )
        )
        column.addWidget(
            self._choice(
                "home", "home", self.tr("Open the home folder"), self.tr("The files you have here")
            )
        )
        holder = QWidget()
        holder.setFixedWidth(_WIDTH)
        holder.setLayout(column)
        lines = QVBoxLayout(self)
        lines.addStretch(2)
        lines.addWidget(holder, 0, Qt.AlignmentFlag.AlignHCenter)
        lines.addStretch(3)
        theme().changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        for label, icon, color in self._pictures:
            label.setPixmap(theme().pixmap(icon, _ICON, color))

    def _choice(
        self, choice: str, icon: str, title: str, text: str, *, verb: bool = False
    ) -> QPushButton:
        button = QPushButton()
        button.setObjectName(f"start.{choice}")
        button.setAccessibleName(title)
        button.setAccessibleDescription(text)
        button.setProperty("card", True)
        button.setMinimumHeight(64)
        button.clicked.connect(lambda: self.chosen.emit(choice))
        picture = QLabel()
        color = "accent" if verb else "muted"
        self._pictures.append((picture, icon, color))
        head = QLabel(title)
        head.setProperty("strong", True)
        below = QLabel(text)
        below.setProperty("muted", True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(head)
        words.addWidget(below)
        row = QHBoxLayout(button)
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(16)
        row.addWidget(picture)
        row.addLayout(words, 1)
        for label in (picture, head, below):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        return button
