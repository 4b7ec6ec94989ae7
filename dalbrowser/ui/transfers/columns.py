"""The head of the transfers' table: what is shown at first, how wide, and how to choose more.

Invariant: what a job is, how it stands and why it failed cannot be hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHeaderView, QMenu, QTableView

from dalbrowser.ui.scaling import font_scale
from dalbrowser.ui.transfers.cells import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTHS = {
    Column.OPERATION: 104,
    Column.NAME: 220,
    Column.STATE: 210,
    Column.PROGRESS: 170,
    Column.AMOUNT: 252,
    Column.SPEED: 90,
    Column.LEFT: 84,
    Column.ERROR: 200,
    Column.FROM: 220,
    Column.TO: 220,
    Column.PARTS: 80,
    Column.ATTEMPTS: 90,
    Column.INTEGRITY: 160,
}
_LEAST = (
    {Column.NAME: 136, Column.STATE: 168, Column.PROGRESS: 110},
    {Column.AMOUNT: 164},
)
"""Columns that give way where the window is narrow, and how far; the first ones first."""
_WIDEST = 10_000
_ALWAYS = frozenset({Column.NAME, Column.STATE, Column.ERROR})
_ON_DEMAND = (Column.FROM, Column.TO, Column.PARTS, Column.ATTEMPTS, Column.INTEGRITY)


def set_up_columns(view: QTableView) -> None:
    """Give a table of transfers its columns, and its head the menu that chooses them."""
    head = view.horizontalHeader()
    head.setObjectName("transferHeader")
    head.setHighlightSections(False)
    head.setSectionsMovable(True)
    head.setStretchLastSection(True)
    head.setTextElideMode(Qt.TextElideMode.ElideRight)
    for column, width in _WIDTHS.items():
        view.setColumnWidth(column, round(width * font_scale(view)))
    for column in _ON_DEMAND:
        view.setColumnHidden(column, True)
    # Why something failed stays the last, which takes the room that is left.
    head.moveSection(head.visualIndex(Column.ERROR), head.count() - 1)
    head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    head.customContextMenuRequested.connect(lambda where: _menu(head, where))


def fit_columns(view: QTableView) -> None:
    """Let the columns that can give way, so that the reason of a failure is seen beside them."""
    shown = [column for column in _WIDTHS if not view.isColumnHidden(column)]
    scale = font_scale(view)
    room = view.viewport().width() / scale
    missing = max(0, sum(_WIDTHS[column] for column in shown) - room)
    for columns in _LEAST:
        gives = {column: _WIDTHS[column] - least for column, least in columns.items()}
        most = sum(gives.values())
        share = min(1.0, missing / most)
        missing = max(0, missing - most)
        for column, some in gives.items():
            view.setColumnWidth(column, round((_WIDTHS[column] - round(some * share)) * scale))


def columns_state(view: QTableView, *, widths: bool) -> dict[str, object]:
    """Return which columns are hidden, in which order they stand, and maybe how wide they are."""
    head = view.horizontalHeader()
    shown = [one for one in Column if not head.isSectionHidden(one)]
    return {
        "hidden": [one.name for one in Column if one not in shown],
        "order": [Column(head.logicalIndex(at)).name for at in range(head.count())],
        "widths": {one.name: head.sectionSize(one) for one in shown} if widths else {},
    }


def restore_columns(view: QTableView, state: Mapping[str, object]) -> bool:
    """Show the columns as ``columns_state`` returned them; whether widths were among it.

    What it does not know is left out.
    """
    head = view.horizontalHeader()
    hidden, order, widths = state.get("hidden"), state.get("order"), state.get("widths")
    if isinstance(hidden, list):
        for column in Column:
            head.setSectionHidden(column, column.name in hidden and column not in _ALWAYS)
    if isinstance(order, list):
        known = [name for name in order if isinstance(name, str) and name in Column.__members__]
        for place, name in enumerate(dict.fromkeys(known)):
            head.moveSection(head.visualIndex(Column[name]), place)
    found = widths if isinstance(widths, dict) else {}
    for name, width in found.items():
        if name in Column.__members__ and isinstance(width, int) and 0 < width <= _WIDEST:
            head.resizeSection(Column[name], width)
    return bool(found)


def _menu(head: QHeaderView, where: QPoint) -> None:
    menu = QMenu(head)
    menu.setObjectName("transferColumnMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    fill_column_menu(head, menu)
    menu.popup(head.viewport().mapToGlobal(where))


def fill_column_menu(head: QHeaderView, menu: QMenu) -> None:
    """Offer in a menu to show and hide each column that can be hidden, as it is now."""
    menu.clear()
    for column in Column:
        if column in _ALWAYS:
            continue
        title = head.model().headerData(column, Qt.Orientation.Horizontal)
        entry = menu.addAction(str(title))
        entry.setCheckable(True)
        entry.setChecked(not head.isSectionHidden(column))
        entry.toggled.connect(lambda shown, one=column: head.setSectionHidden(one, not shown))
