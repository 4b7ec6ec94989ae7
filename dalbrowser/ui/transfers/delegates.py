"""Painting of the columns that are more than text: the progress bar and the indented name.

Invariant: colours come from the palette and the theme alone, so a change of scheme is a
repaint; nothing is allocated per row but what the painter needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from dalbrowser.transfer import JobState
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers.model import DEPTH_ROLE, PERCENT_ROLE, STATE_ROLE

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_BAR_HEIGHT = 6
_MARGIN = 11
INDENT = 20
_NUMBER = "100 %"
_COLORS = {
    JobState.DONE: "success",
    JobState.FAILED: "danger",
    JobState.SOURCE_CHANGED: "danger",
    JobState.INTERRUPTED: "warning",
    JobState.NEEDS_ANSWER: "warning",
    JobState.PAUSED: "faint",
    JobState.CANCELLED: "faint",
    JobState.SKIPPED: "faint",
}


def _paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Draw the background that any other cell of the row has."""
    widget: QWidget | None = option.widget
    style = widget.style() if widget is not None else QApplication.style()
    style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, widget)


class ProgressDelegate(QStyledItemDelegate):
    """A thin bar with its percentage; an empty groove while the size is not known."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        self.initStyleOption(option, index)
        _paint_ground(painter, option)
        percent = index.data(PERCENT_ROLE)
        area = QRectF(option.rect).adjusted(_MARGIN, 0, -_MARGIN, 0)
        number = painter.fontMetrics().horizontalAdvance(_NUMBER) + _MARGIN
        bar = QRectF(
            area.left(),
            area.center().y() - _BAR_HEIGHT / 2,
            max(0.0, area.width() - number),
            _BAR_HEIGHT,
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("border"))
        painter.drawRoundedRect(bar, _BAR_HEIGHT / 2, _BAR_HEIGHT / 2)
        if percent is not None:
            filled = QRectF(bar)
            filled.setWidth(bar.width() * percent / 100)
            painter.setBrush(theme().color(_COLORS.get(index.data(STATE_ROLE), "accent")))
            painter.drawRoundedRect(filled, _BAR_HEIGHT / 2, _BAR_HEIGHT / 2)
            painter.setPen(_text_color(option))
            painter.drawText(
                area,
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                f"{percent:.0f} %",
            )
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(140, super().sizeHint(option, index).height())


class NameDelegate(QStyledItemDelegate):
    """A name, indented when it is a file of the folder above it."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        depth = index.data(DEPTH_ROLE)
        if depth:
            option.rect = option.rect.adjusted(INDENT * depth, 0, 0, 0)
        option.textElideMode = Qt.TextElideMode.ElideMiddle


def _text_color(option: QStyleOptionViewItem) -> QColor:
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
    return theme().color("on-selection") if selected else option.palette.color(role)
