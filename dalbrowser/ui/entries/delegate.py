"""How a row is drawn: hover, drop target, focus mark; and how a name is edited in place.

Invariant: the editor holds the exact name, and only what a person typed is handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QBrush, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from dalbrowser.ui.entries.cells import NAME_ROLE
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from PySide6.QtCore import QAbstractItemModel

Index = QModelIndex | QPersistentModelIndex
_FAINT = 0.5
"""How much of a row that was cut is to be seen."""
_MARK = 3
"""Logical pixels: the width of the bar at the current row."""


class RowDelegate(QStyledItemDelegate):
    """Draws whole rows; the view says which is under the pointer and which takes a drop."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hovered = -1
        self.drop_target = -1
        self.cut: frozenset[str] = frozenset()
        """The exact names of the rows that are drawn faintly."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus & ~QStyle.StateFlag.State_MouseOver
        colors = theme()
        row = index.row()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            active = bool(option.state & QStyle.StateFlag.State_Active)
            ground = colors.color("selection" if active else "selection-idle")
            text = colors.color("on-selection" if active else "text")
            option.palette.setColor(QPalette.ColorRole.Highlight, ground)
            option.palette.setColor(QPalette.ColorRole.HighlightedText, text)
        elif row in (self.hovered, self.drop_target):
            ground = colors.color("selection" if row == self.drop_target else "hover")
            option.backgroundBrush = QBrush(ground)
        option.textElideMode = Qt.TextElideMode.ElideMiddle

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        if index.row() == self.drop_target:
            # The style sheet's own drawing leaves the row's ground out.
            painter.fillRect(option.rect, theme().color("selection"))
        if self.cut and index.data(NAME_ROLE) in self.cut:
            painter.save()
            painter.setOpacity(_FAINT)
            super().paint(painter, option, index)
            painter.restore()
        else:
            super().paint(painter, option, index)
        view = option.widget
        here = QRect(option.rect)
        if index.row() == self.drop_target:
            painter.setPen(QPen(theme().color("accent"), 1))
            painter.drawLine(here.topLeft(), here.topRight())
            painter.drawLine(here.bottomLeft(), here.bottomRight())
        if (
            index.column() == 0
            and view is not None
            and view.hasFocus()
            and bool(option.state & QStyle.StateFlag.State_HasFocus)
        ):
            here.setWidth(_MARK)
            painter.fillRect(here, theme().color("accent"))

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
            model.setData(index, editor.text(), Qt.ItemDataRole.EditRole)
