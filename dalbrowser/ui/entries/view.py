"""The list of a folder on screen: a table of fixed row height over ``EntryModel``.

Invariant: what is dropped goes to the row under the pointer or to the folder shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QLineEdit,
    QTableView,
    QWidget,
)

from dalbrowser.ui.dropping import DropHandling, Spot
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.entries.delegate import RowDelegate
from dalbrowser.ui.entries.header import HeaderColumns
from dalbrowser.ui.entries.keeping import PlaceKeeper, current_row, selected_rows
from dalbrowser.ui.entries.typeahead import TypeAhead
from dalbrowser.ui.scaling import font_scale, row_height
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.profiles import Location
    from dalbrowser.ui.dragging.drops import Drops
    from dalbrowser.ui.entries.model import EntryModel

_ROW_HEIGHT = 32
_WIDTHS = {
    Column.SIZE: 84,
    Column.MODIFIED: 128,
    Column.TYPE: 116,
    Column.STORAGE_CLASS: 112,
    Column.ETAG: 140,
}
_NARROWEST_NAME = 204


class EntryView(QTableView):
    """The list.

    Signals:
        row_opened: a row number was asked to be opened, by double click.
        menu_requested: the context menu, at a global position.
        selection_settled: the selection is another.
        drag_wanted: the selected rows are being dragged away.
    """

    row_opened = Signal(int)
    menu_requested = Signal(QPoint)
    selection_settled = Signal()
    drag_wanted = Signal()

    def __init__(self, model: EntryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("entryView")
        self.setAccessibleName(self.tr("Files and folders"))
        self._model = model
        self._delegate = RowDelegate(model, self)
        self._drop_here = False
        self._type_ahead = TypeAhead(model, self)
        self._type_ahead.found.connect(lambda place: self.select_row(model.rows[place]))
        self._drops = DropHandling(self, self._drop_spot_at, self._mark_drop, self._spring)
        self._place_of: Callable[[int], Location | None] = lambda _row: None
        self._fitted: HeaderColumns | None = None
        self._build()
        self.setModel(model)
        # The head asks its selection whether a whole column is selected, which costs a call
        # of ``flags`` for every cell (500,000 selected cells: 5 s). It gets an empty one.
        head = self.horizontalHeader()
        head.setSelectionModel(QItemSelectionModel(model, head))
        scale = font_scale(self)
        self.header_columns = HeaderColumns(
            head,
            {column: round(width * scale) for column, width in _WIDTHS.items()},
            _NARROWEST_NAME,
            frozenset({Column.STORAGE_CLASS}),
        )
        self._fitted = self.header_columns
        self._delegate.closeEditor.connect(self._editor_closed)
        # Not while the rows are being replaced.
        model.modelReset.connect(self._look_for_editor, Qt.ConnectionType.QueuedConnection)
        keeper = PlaceKeeper(self, model)
        keeper.restored.connect(self._rearranged)
        self.doubleClicked.connect(self._double_clicked)
        self.customContextMenuRequested.connect(self._menu_at)
        self.selectionModel().selectionChanged.connect(lambda *_: self.selection_settled.emit())

    def _build(self) -> None:
        self.setItemDelegate(self._delegate)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setDragEnabled(True)
        self.setDropIndicatorShown(False)
        self.setSortingEnabled(True)
        font = QFont(self.font())
        font.setFeature(QFont.Tag("tnum"), 1)
        self.setFont(font)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(rows.ResizeMode.Fixed)
        height = row_height(self, _ROW_HEIGHT)
        rows.setMinimumSectionSize(height)
        rows.setDefaultSectionSize(height)
        head = self.horizontalHeader()
        head.setObjectName("entryHeader")
        head.setHighlightSections(False)
        head.setSectionsMovable(True)
        head.setMinimumSectionSize(56)
        head.setSortIndicator(Column.NAME, Qt.SortOrder.AscendingOrder)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def updateGeometries(self) -> None:
        """Fit the columns too: a scroll bar that comes or goes changes their room."""
        super().updateGeometries()
        if self._fitted is not None:
            self._fitted.fit()

    # Selection, by row number.

    def selected_rows(self) -> list[int]:
        """Return the row numbers that are selected, in the order shown."""
        return selected_rows(self, self._model)

    def current_row(self) -> int | None:
        """Return the row number that has the keyboard, or ``None``."""
        return current_row(self, self._model)

    def select_row(self, row: int) -> bool:
        """Select one row alone and bring it into view; false when it is not shown."""
        places = self._model.places_of([row])
        if not places:
            return False
        place = places[0]
        index = self._model.index(place, Column.NAME)
        self.setCurrentIndex(index)
        self.selectRow(place)
        self.scrollTo(index)
        return True

    def invert_selection(self) -> None:
        """Select what is not selected, and the other way round."""
        last = len(self._model.rows) - 1
        if last < 0:
            return
        everything = QItemSelection(
            self._model.index(0, 0), self._model.index(last, len(Column) - 1)
        )
        self.selectionModel().select(everything, QItemSelectionModel.SelectionFlag.Toggle)

    def edit_name(self, row: int) -> None:
        """Begin to rename a row in place; the order is held until that ends."""
        if self.select_row(row):
            self._model.hold()
            self.edit(self.currentIndex())
            self._select_stem()

    def _select_stem(self) -> None:
        """Select the name without its ending, so that typing leaves the ending alone."""
        editor = self.viewport().findChild(QLineEdit, "renameEdit")
        if editor is None:
            self._model.release()
            return
        # Qt has selected all of it by now.
        stem = editor.text().rfind(".")
        if stem > 0:
            editor.setSelection(0, stem)

    def _look_for_editor(self) -> None:
        # All rows were replaced, and an editor goes with its row without being closed.
        if self._model.held and self.state() is not self.State.EditingState:
            self._model.release()

    def _editor_closed(self, _editor: QWidget, _hint: QAbstractItemDelegate.EndEditHint) -> None:
        self._model.release()

    def _rearranged(self) -> None:
        self._delegate.hovered = -1
        self.selection_settled.emit()

    # Keyboard and mouse.

    def keyboardSearch(self, search: str) -> None:
        """Go to the next name that begins with what was typed within a second."""
        here = self.currentIndex()
        # A row that has the keyboard and is not selected was never gone to: it is a match too.
        chosen = here.isValid() and self.selectionModel().isSelected(here)
        self._type_ahead.type(search, here.row() if chosen else here.row() - 1)

    def event(self, event: QEvent) -> bool:
        """Take a blank for a letter in the middle of a word, and not for *Preview*."""
        if event.type() is QEvent.Type.ShortcutOverride and self._goes_on(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Search for a word with a blank in it too."""
        if self._goes_on(event):
            self.keyboardSearch(" ")
        else:
            super().keyPressEvent(event)

    def _goes_on(self, event: QEvent) -> bool:
        return (
            isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
            and self._type_ahead.under_way
        )

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Home and End go to the first and last row, as in every file manager; with Shift too."""
        ends = {self.CursorAction.MoveHome: 0, self.CursorAction.MoveEnd: len(self._model.rows) - 1}
        place = ends.get(action, -1)
        if place >= 0:
            return self._model.index(place, Column.NAME)
        return super().moveCursor(action, modifiers)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.rowAt(round(event.position().y())))
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        # A click below the last row means: nothing.
        if not self.indexAt(event.position().toPoint()).isValid():
            self.clearSelection()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, place: int) -> None:
        before, self._delegate.hovered = self._delegate.hovered, place
        if place != before:
            self._redraw(before)
            self._redraw(place)

    def _redraw(self, place: int) -> None:
        """Draw one row again; to draw all of them takes 8 ms, at each row that is crossed."""
        if place >= 0:
            top, height = self.rowViewportPosition(place), self.rowHeight(place)
            self.viewport().update(0, top, self.viewport().width(), height)

    def _double_clicked(self, index: QModelIndex) -> None:
        self.row_opened.emit(self._model.rows[index.row()])

    def _menu_at(self, where: QPoint) -> None:
        index = self.indexAt(where)
        if index.isValid() and not self.selectionModel().isSelected(index):
            self.select_row(self._model.rows[index.row()])
        elif not index.isValid():
            self.clearSelection()
        self.menu_requested.emit(self.viewport().mapToGlobal(where))

    def show_cut(self, names: frozenset[str]) -> None:
        """Draw the rows of these names faintly, and say so: they were cut to be pasted."""
        if names != self._delegate.cut:
            self._model.tell_cut(names)
            self._delegate.cut = names
            self.viewport().update()

    # Drag and drop.

    def take_drops(self, drops: Drops, place_of: Callable[[int], Location | None]) -> None:
        """Take drops; ``place_of`` says where a row is, and for -1 which folder is shown."""
        self._drops.drops = drops
        self._place_of = place_of

    def startDrag(self, _actions: Qt.DropAction) -> None:
        """Leave it to whoever knows the places; Qt's own would carry cells of a table."""
        self.drag_wanted.emit()

    def _drop_spot_at(self, where: QPoint) -> Spot:
        place = self.rowAt(where.y())
        if place >= 0 and self._model.columns.is_dir(self._model.rows[place]):
            return Spot(place, self._place_of(self._model.rows[place]))
        return Spot(-1, self._place_of(-1))

    def _mark_drop(self, place: int | None) -> None:
        before = self._delegate.drop_target
        self._delegate.drop_target = -1 if place is None else place
        self._redraw(before)
        self._redraw(self._delegate.drop_target)
        if self._drop_here != (place == -1):
            self._drop_here = place == -1
            self.viewport().update()

    def _spring(self, place: int) -> int:
        if 0 <= place < len(self._model.rows):
            self.row_opened.emit(self._model.rows[place])
        return -1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a frame round the whole list while it is what takes the drop."""
        super().paintEvent(event)
        if self._drop_here:
            painter = QPainter(self.viewport())
            painter.setPen(QPen(theme().color("accent"), 2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))
            painter.end()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drops.move(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drops.move(event)
        self._scroll_at_edge(round(event.position().y()))

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.stopAutoScroll()
        self._drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self.stopAutoScroll()
        self._drops.drop(event)

    def _scroll_at_edge(self, at: int) -> None:
        """Scroll while a drag is held near the upper or the lower end."""
        margin = self.autoScrollMargin()
        if margin <= at <= self.viewport().height() - margin:
            self.stopAutoScroll()
        else:
            self.startAutoScroll()
