"""How a row is drawn: hover, drop target, focus mark; and how a name is edited in place.

Invariant: the editor holds the exact name, and only what a person typed is handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from dalbrowser.ui.entries import cells
from dalbrowser.ui.entries.cells import Column
from dalbrowser.ui.pasted import typed
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from PySide6.QtCore import QAbstractItemModel

    from dalbrowser.ui.entries.model import EntryModel

Index = QModelIndex | QPersistentModelIndex
_FAINT = 0.5
"""How much of a row that was cut is to be seen."""
_MARK = 3
"""Logical pixels: the width of the bar at the current row."""
_TEXT = QStyleOptionViewItem.ViewItemFeature.HasDisplay
_TEXT_AND_ICON = _TEXT | QStyleOptionViewItem.ViewItemFeature.HasDecoration
_QUIET = ~QStyle.StateFlag.State_HasFocus & ~QStyle.StateFlag.State_MouseOver
"""Neither is drawn by the style: the focus has its mark here, and the pointer its own ground."""


class RowDelegate(QStyledItemDelegate):
    """Draws the rows of ``model``; the view says which is under the pointer or takes a drop."""

    def __init__(self, model: EntryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.hovered = -1
        self.drop_target = -1
        self.cut: frozenset[str] = frozenset()
        """The exact names of the rows that are drawn faintly."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Fill in what a cell shows, in one step.

        Qt's own asks the model for seven roles of each cell, each a call into Python and back:
        of the 11 ms that 120 cells took to draw, these calls were 3.
        """
        model, column = self._model, index.column()
        columns, row = model.columns, model.rows[index.row()]
        option.text = cells.text(columns, row, column, model.buckets)
        option.displayAlignment = cells.alignment(column)
        option.features = _TEXT
        if column == Column.NAME:
            option.icon = cells.icon(columns, row, model.buckets)
            option.features = _TEXT_AND_ICON
        option.textElideMode = Qt.TextElideMode.ElideMiddle
        state = option.state
        option.state = state & _QUIET
        self._color(option, state, column)

    def _color(self, option: QStyleOptionViewItem, state: QStyle.StateFlag, column: int) -> None:
        """Choose the colours of a cell's text, and of its ground where that is selected."""
        colors, palette = theme(), option.palette
        if state & QStyle.StateFlag.State_Selected:
            active = bool(state & QStyle.StateFlag.State_Active)
            ground = colors.color("selection" if active else "selection-idle")
            text = colors.color("on-selection" if active else "text")
            palette.setColor(QPalette.ColorRole.Highlight, ground)
            palette.setColor(QPalette.ColorRole.HighlightedText, text)
            return
        if column != Column.NAME:
            palette.setColor(QPalette.ColorRole.Text, colors.color("muted"))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        place = index.row()
        # The style sheet's own drawing leaves the row's ground out.
        if place == self.drop_target:
            painter.fillRect(option.rect, theme().color("selection"))
        elif place == self.hovered:
            painter.fillRect(option.rect, theme().color("hover"))
        if self.cut and self._name_at(place) in self.cut:
            painter.save()
            painter.setOpacity(_FAINT)
            super().paint(painter, option, index)
            painter.restore()
        else:
            super().paint(painter, option, index)
        view = option.widget
        here = QRect(option.rect)
        if place == self.drop_target:
            painter.setPen(QPen(theme().color("accent"), 1))
            painter.drawLine(here.topLeft(), here.topRight())
            painter.drawLine(here.bottomLeft(), here.bottomRight())
        # Of the row, whichever of its cells the arrows went to.
        if (
            index.column() == 0
            and isinstance(view, QAbstractItemView)
            and view.hasFocus()
            and view.currentIndex().row() == place
        ):
            here.setWidth(_MARK)
            painter.fillRect(here, theme().color("accent"))

    def _name_at(self, place: int) -> str:
        return self._model.columns.names[self._model.rows[place]]

    def createEditor(
        self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index
    ) -> QWidget:
        editor = QLineEdit(parent)
        editor.setObjectName("renameEdit")
        editor.setAccessibleName(self.tr("New name"))
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if not isinstance(editor, QLineEdit):
            return
        editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QLineEdit) and editor.isModified():
            before = str(index.data(Qt.ItemDataRole.EditRole))
            model.setData(index, typed(editor.text(), before), Qt.ItemDataRole.EditRole)
