"""What fills the place of a list when there is none: loading, empty, failed, unreachable.

Each placeholder says what happened, why, and has at most one button that helps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from dalbrowser.session import describe
from dalbrowser.storage import ErrorKind, StorageError
from dalbrowser.ui.theme import theme
from dalbrowser.ui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

_PICTURE = 64
_WIDEST = 480
_ROOM = 64
_UNREACHABLE = (ErrorKind.RATE_LIMITED, ErrorKind.UNEXPECTED)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``action`` is the id of the action behind the button, empty for no button."""

    icon: str
    title: str
    text: str = ""
    button: str = ""
    action: str = ""
    tone: str = "faint"


def _tr(text: str) -> str:
    return QCoreApplication.translate("placeholders", text)


def loading() -> Placeholder:
    """While the first page is awaited."""
    return Placeholder("clock", _tr("Opening…"), "", _tr("Stop"), "stop")


def empty(*, can_upload: bool, buckets: bool) -> Placeholder:
    """A folder, or a service, with nothing in it."""
    if buckets:
        return Placeholder("bucket", _tr("No buckets"), _tr("These keys can see no bucket here."))
    if can_upload:
        return Placeholder(
            "empty",
            _tr("This folder is empty"),
            _tr("Drop files or folders here, or choose them."),
            _tr("Upload files…"),
            "upload",
        )
    return Placeholder("empty", _tr("This folder is empty"))


def nothing_matches(pattern: str) -> Placeholder:
    """A filter that no name matches."""
    text = _tr("No name here contains “{pattern}”.").format(pattern=pattern)
    return Placeholder(
        "search", _tr("Nothing matches"), text, _tr("Clear the filter"), "clear_filter"
    )


def all_hidden() -> Placeholder:
    """Only names that begin with a dot."""
    return Placeholder(
        "eye",
        _tr("Everything here is hidden"),
        _tr("All names in this folder begin with a dot."),
        _tr("Show hidden files"),
        "toggle_hidden",
    )


def is_bucket_gone(error: BaseException | None) -> bool:
    """Whether the service says that there is no such bucket."""
    return isinstance(error, StorageError) and error.context.get("code") == "NoSuchBucket"


def failed(error: BaseException, *, editable: bool, among_buckets: bool = False) -> Placeholder:
    """A listing that brought nothing but an error; ``editable``: its connection is ours.

    ``among_buckets``: the place is in one bucket of several that the connection lists.
    """
    text = describe(error)
    again = _tr("Try again")
    kind = error.kind if isinstance(error, StorageError) else None
    if kind is ErrorKind.PERMISSION_DENIED:
        title = _tr("Not allowed")
        helps = (_tr("Edit connection…"), "edit_connection") if editable else (again, "reload")
        return Placeholder("lock", title, text, *helps, tone="warning")
    if kind is ErrorKind.NOT_FOUND:
        return Placeholder("search", _tr("Not found"), text, _tr("Go up"), "up", "warning")
    if among_buckets and is_bucket_gone(error):
        title = _tr("This bucket is not there")
        return Placeholder("bucket", title, text, _tr("Go up"), "up", "warning")
    if kind is ErrorKind.CONFIG_INVALID and editable:
        title = _tr("The connection is not set up right")
        return Placeholder(
            "settings", title, text, _tr("Edit connection…"), "edit_connection", "warning"
        )
    if is_unreachable(error):
        return Placeholder("offline", _tr("Could not be reached"), text, again, "reload", "warning")
    return Placeholder("error", _tr("This could not be listed"), text, again, "reload", "danger")


def is_unreachable(error: BaseException) -> bool:
    """Whether an error means that no answer came: the service may be there another time."""
    if not isinstance(error, StorageError):
        return isinstance(error, TimeoutError | ConnectionError)
    return error.kind in _UNREACHABLE and "status" not in error.context


class PlaceholderView(QFrame):
    """Shows one placeholder, centred.

    Signals:
        chosen: the id of the action behind the button.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("face")
        self._placeholder = Placeholder("clock", "")
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel()
        self._title.setObjectName("faceTitle")
        self._title.setProperty("title", True)
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = WrappedLabel(copyable=True)
        self._text.setObjectName("faceText")
        self._text.setProperty("muted", True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._text.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._button = QPushButton()
        self._button.setObjectName("faceButton")
        self._button.clicked.connect(lambda: self.chosen.emit(self._placeholder.action))
        lines = QVBoxLayout(self)
        lines.setContentsMargins(32, 32, 32, 48)
        lines.addStretch(2)
        lines.addWidget(self._picture)
        lines.addSpacing(12)
        lines.addWidget(self._title)
        lines.addSpacing(6)
        lines.addWidget(self._text, 0, Qt.AlignmentFlag.AlignHCenter)
        lines.addSpacing(16)
        lines.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        lines.addStretch(3)
        theme().changed.connect(self._draw)

    @property
    def placeholder(self) -> Placeholder:
        """The placeholder that is shown."""
        return self._placeholder

    def show_placeholder(self, placeholder: Placeholder) -> None:
        """Show another placeholder."""
        self._placeholder = placeholder
        self._title.setText(placeholder.title)
        self._text.setText(placeholder.text)
        self._text.setVisible(bool(placeholder.text))
        self._button.setText(placeholder.button)
        self._button.setVisible(bool(placeholder.button))
        self.setAccessibleName(f"{placeholder.title}. {placeholder.text}")
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._text.setFixedWidth(max(160, min(_WIDEST, self.width() - _ROOM)))
        super().resizeEvent(event)

    def _draw(self) -> None:
        self._picture.setPixmap(
            theme().pixmap(self._placeholder.icon, _PICTURE, self._placeholder.tone)
        )
