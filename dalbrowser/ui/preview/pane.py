"""The preview pane: what is in the selected object, what is known of it, what looking cost.

Invariants: one preview is open at a time, and moving to another row cancels the one before
with its requests; nothing is read for a folder; a failure is a placeholder or a line in the pane,
never a dialog.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from dalbrowser.preview import (
    HexValue,
    ImageValue,
    MessageValue,
    Preview,
    PreviewError,
    Remedy,
    TextValue,
    problem_value,
)
from dalbrowser.preview.source import PREVIEW_BUDGET
from dalbrowser.session.wording import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui.elided import ElidedLabel
from dalbrowser.ui.format import items_text, tip_text, visible_name
from dalbrowser.ui.preview.decoding import decoded
from dalbrowser.ui.preview.details import DetailsView
from dalbrowser.ui.preview.facts import cost_text, tr
from dalbrowser.ui.preview.pages import HexPage, ImagePage, TextPage
from dalbrowser.ui.preview.placeholders import Notice, Placeholder
from dalbrowser.ui.theme import theme
from dalbrowser.ui.wrapped import WrappedLabel
from dalbrowser.utils.shortening import shortened

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dalbrowser.preview import RangeSource
    from dalbrowser.profiles import Location
    from dalbrowser.session.session import Session
    from dalbrowser.storage import Metadata

GROUP = "preview"
READS = "preview reads"
_COST_EVERY = 150
_LOADING_AFTER = 120
_HURRIED = 0.25
_SETTLE = 0.08
_LONGEST_NAME = 160
"""Characters of a name above the preview: a few lines; all of it is in the tooltip."""


class PreviewPane(QWidget):
    """Shows one object at a time; see ``show_entry`` and ``clear``."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("previewPane")
        self.setAccessibleName(tr("Preview"))
        self._session = session
        self._location: Location | None = None
        self._metadata: Metadata | None = None
        self._source: RangeSource | None = None
        self._preview: Preview | None = None
        self._asked = 0.0
        self._pages = QStackedWidget(self)
        self._placeholder = Placeholder(self._pages)
        self._text = TextPage(self._spawn_read, self._pages)
        self._hex = HexPage(self._spawn_read, self._pages)
        self._image = ImagePage(self._pages)
        for page in (self._placeholder, self._text, self._hex, self._image):
            self._pages.addWidget(page)
        self._notice = Notice(self)
        self._details = DetailsView(self)
        self._lay_out()
        self._as_hex = [
            page.add_button("previewAsHex", tr("Hex"), self._show_hex)
            for page in (self._text, self._image)
        ]
        self._back = self._hex.add_button("previewBack", tr("Back"), self._show_value)
        self._connect()
        self.clear()

    def show_entry(self, location: Location, metadata: Metadata | None = None) -> None:
        """Preview the object at ``location``; ``metadata`` is what the listing knew of it.

        A folder is named, and nothing is read.
        """
        if (
            location == self._location
            and self._preview is not None
            and _same(metadata, self._metadata)
        ):
            return
        name = visible_name(location.name.removesuffix("/"))
        short = shortened(name, _LONGEST_NAME)
        if location.is_folder or (metadata is not None and metadata.is_dir):
            self.clear()
            self._details.show_metadata(metadata)
            self._say("folder", short, "")
            return
        self._leave()
        self._location = location
        self._metadata = metadata
        self._name.setText(short)
        self._name.setToolTip(tip_text(name) if short != name else "")
        self._details.show_metadata(metadata)
        self._dress("file")
        self._start(self._open(location, metadata))

    def show_several(self, count: int) -> None:
        """Say how many are selected; nothing is read."""
        self.clear()
        title = tr("{items} selected").format(items=items_text(count))
        self._say("preview", title, tr("Select one file alone to look into it."))

    def reload(self) -> None:
        """Preview the same object again as it is now."""
        location = self._location
        if location is not None and not location.is_folder:
            self._leave()
            self._location = location
            self._start(self._open(location, None))

    def clear(self) -> None:
        """Show that nothing is selected."""
        self._leave()
        self._location = self._metadata = None
        self._name.setText("")
        self._icon.clear()
        self._details.show_metadata(None)
        self._say("preview", tr("Nothing selected"), tr("Select a file to look into it."))

    @property
    def location(self) -> Location | None:
        """What the pane shows, or is about to."""
        return self._location

    @property
    def preview(self) -> Preview | None:
        """The open preview, once it is there."""
        return self._preview

    def _lay_out(self) -> None:
        self._icon = QLabel(self)
        self._name = WrappedLabel(parent=self)
        self._name.setObjectName("previewName")
        font = self._name.font()
        font.setBold(True)
        self._name.setFont(font)
        self._cost = ElidedLabel(parent=self, copyable=True)
        self._cost.setObjectName("previewCost")
        self._cost.setAccessibleName(tr("Cost of this preview"))
        self._cost.setProperty("muted", True)
        self._cost.setContentsMargins(12, 6, 12, 6)
        header = QHBoxLayout()
        header.setContentsMargins(12, 8, 12, 6)
        header.setSpacing(8)
        header.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        header.addWidget(self._name, 1)
        above = QWidget(self)
        column = QVBoxLayout(above)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(self._notice)
        column.addWidget(self._pages, 1)
        column.addWidget(self._cost)
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(above)
        splitter.addWidget(self._details)
        splitter.setCollapsible(0, False)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([600, 200])
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(splitter)
        self.setMinimumWidth(260)

    def _connect(self) -> None:
        self._placeholder.helped.connect(self._help)
        self._notice.helped.connect(self._continue)
        for view in (self._text.view, self._hex.view):
            view.failed.connect(self._stopped)
            view.read.connect(self._went_on)
        self._cost_timer = QTimer(self)
        self._cost_timer.setInterval(_COST_EVERY)
        self._cost_timer.timeout.connect(self._show_cost)
        self._loading_timer = QTimer(self)
        self._loading_timer.setSingleShot(True)
        self._loading_timer.setInterval(_LOADING_AFTER)
        self._loading_timer.timeout.connect(self._show_loading)
        theme().changed.connect(self._redress)

    def _spawn_read(self, work: Coroutine[object, object, None], name: str) -> None:
        self._cost_timer.start()
        self._session.tasks.spawn(work, owner="preview", name=name, group=READS)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        self._loading_timer.start()
        self._cost_timer.start()
        self._session.tasks.spawn(work, owner="preview", name="open", group=GROUP)

    def _leave(self) -> None:
        """Give up what is shown, with every read of it."""
        self._session.tasks.cancel_group(GROUP)
        self._session.tasks.cancel_group(READS)
        self._loading_timer.stop()
        self._cost_timer.stop()
        self._source = self._preview = None
        self._notice.hide()
        self._cost.setText("")
        self._text.view.show_document(None)
        self._hex.view.show_source(None)
        self._image.show_picture(None)

    async def _open(self, location: Location, metadata: Metadata | None) -> None:
        """Open the preview of one object, at once or, when rows are skipped over, in a moment."""
        hurried = monotonic() - self._asked < _HURRIED
        self._asked = monotonic()
        try:
            if hurried:
                await asyncio.sleep(_SETTLE)
            op = await self._session.operator(location)
            self._source = self._session.previews.source(
                op, location.path, metadata, connection=(location.profile_id, location.bucket)
            )
            await self._open_source(self._source)
        except (StorageError, PreviewError) as error:
            self._show_message(
                MessageValue(tr("Could not be read"), describe(error), Remedy.RELOAD)
            )

    async def _open_source(self, source: RangeSource) -> None:
        preview = await self._session.previews.open_source(source)
        if isinstance(preview.value, ImageValue):
            picture = await decoded(preview.value)
            self._image.show_picture(picture, preview.value.format)
        self._preview = preview
        self._details.show_metadata(self._known(preview.metadata))
        self._show_value()
        if source.relisted:
            text = tr("The object changed since the folder was listed; this is what it is now.")
            self._notice.say(MessageValue("", text))

    def _known(self, fresh: Metadata) -> Metadata:
        """Return the fresher metadata, with what only the listing told."""
        listed = self._metadata
        if fresh.storage_class is None and listed is not None and listed.etag == fresh.etag:
            return replace(fresh, storage_class=listed.storage_class)
        return fresh

    def _show_value(self) -> None:
        """Draw the open preview."""
        if self._preview is None:
            return
        value = self._preview.value
        self._back.hide()
        if isinstance(value, TextValue):
            self._dress("file-text")
            self._text.show_value(value)
            self._turn_to(self._text)
        elif isinstance(value, ImageValue):
            self._dress("file-image")
            self._turn_to(self._image)
            self._image.view.fit()
        elif isinstance(value, HexValue):
            self._hex.show_value(value)
            self._turn_to(self._hex)
        else:
            self._show_message(value)

    def _show_hex(self) -> None:
        """Draw the bytes of what is drawn as something else."""
        if self._preview is not None:
            self._hex.show_value(HexValue(self._preview.source))
            self._turn_to(self._hex)
            self._back.show()

    def _turn_to(self, page: QWidget) -> None:
        self._loading_timer.stop()
        self._pages.setCurrentWidget(page)
        self._show_cost()

    def _show_message(self, value: MessageValue) -> None:
        self._placeholder.say_message(value)
        self._turn_to(self._placeholder)

    def _say(self, icon: str, title: str, text: str) -> None:
        self._placeholder.say(icon, title, text)
        self._pages.setCurrentWidget(self._placeholder)

    def _show_loading(self) -> None:
        self._say("clock", tr("Reading…"), "")

    def _show_cost(self) -> None:
        """Write what was read so far; the timer ends when nothing is being read."""
        source = self._source
        if source is None:
            return
        self._cost.setText(cost_text(source))
        if self._preview is not None and not source.busy:
            self._cost_timer.stop()

    def _went_on(self) -> None:
        self._notice.hide()
        self._text.follow()
        self._show_cost()

    def _stopped(self, error: StorageError | PreviewError) -> None:
        self._notice.say(problem_value(error))
        self._show_cost()

    def _help(self, remedy: Remedy) -> None:
        """Do what the placeholder's button says."""
        preview = self._preview
        if remedy is Remedy.LOAD_MORE and preview is not None:
            value = preview.value
            needed = value.needed if isinstance(value, MessageValue) else 0
            preview.source.grant_more(max(needed, PREVIEW_BUDGET))
            self._start(self._open_again(preview.source))
        else:
            self.reload()

    async def _open_again(self, source: RangeSource) -> None:
        try:
            await self._open_source(source)
        except (StorageError, PreviewError) as error:
            self._show_message(problem_value(error))

    def _continue(self, value: MessageValue) -> None:
        """Do what the notice's button says, and go on where the view stopped."""
        if value.remedy is not Remedy.LOAD_MORE or self._source is None:
            self.reload()
            return
        self._source.grant_more(max(value.needed, PREVIEW_BUDGET))
        self._notice.hide()
        page = self._pages.currentWidget()
        if isinstance(page, TextPage | HexPage):
            page.view.retry()

    def _dress(self, icon: str) -> None:
        self._icon_name = icon
        self._redress()

    def _redress(self) -> None:
        if self._location is not None:
            self._icon.setPixmap(theme().pixmap(self._icon_name, 20))


def _same(one: Metadata | None, other: Metadata | None) -> bool:
    """Whether two listings speak of the same content."""
    if one is None or other is None:
        return False
    return (one.etag, one.content_length, one.last_modified) == (
        other.etag,
        other.content_length,
        other.last_modified,
    )
