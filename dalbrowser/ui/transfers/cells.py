"""What stands in each column of the transfers' table, and how it is said aloud."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from dalbrowser.ui.format import count_text, exact_size, tip_text, visible_line, visible_name
from dalbrowser.ui.theme import theme
from dalbrowser.ui.transfers import wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QIcon

    from dalbrowser.transfer import JobView


class Column(IntEnum):
    """The columns, in the order in which they are shown at first."""

    OPERATION = 0
    NAME = 1
    STATE = 2
    PROGRESS = 3
    AMOUNT = 4
    SPEED = 5
    LEFT = 6
    ERROR = 7
    FROM = 8
    TO = 9
    PARTS = 10
    ATTEMPTS = 11
    INTEGRITY = 12


TITLES = (
    "Operation",
    "Name",
    "State",
    "Progress",
    "Done / Total",
    "Speed",
    "Time left",
    "Error",
    "From",
    "To",
    "Parts",
    "Attempts",
    "Integrity",
)
TEXTS: tuple[Callable[[JobView], str], ...] = (
    wording.operation_text,
    lambda view: visible_name(view.name),
    wording.state_text,
    lambda _view: "",
    wording.amount_text,
    wording.rate_text,
    wording.left_text,
    wording.error_text,
    lambda view: visible_line(view.source),
    lambda view: visible_line(view.target),
    wording.parts_text,
    # A view counts what failed and was made again; a row that needed no second try says nothing.
    lambda view: str(view.attempts + 1) if view.attempts else "",
    lambda view: view.integrity,
)
_RIGHT = frozenset({Column.AMOUNT, Column.SPEED, Column.LEFT, Column.PARTS, Column.ATTEMPTS})


def alignment(column: int) -> Qt.AlignmentFlag:
    """Return where the text of a column stands: numbers on the right."""
    side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def decoration(view: JobView, column: int, *, is_open: bool) -> QIcon | None:
    """Return the icon of a cell; that of a row with others below it says whether it is open."""
    if column == Column.STATE:
        return theme().icon(*wording.state_icon(view))
    if column == Column.OPERATION:
        return theme().icon(wording.direction_icon(view))
    if column != Column.NAME:
        return None
    if view.is_folder:
        return theme().icon("chevron-down" if is_open else "chevron-right")
    return theme().icon("file")


def tooltip(view: JobView, column: int) -> str | None:
    """Return what a cell has no room for: exact bytes, both places, the whole error."""
    if column == Column.AMOUNT and view.total is not None:
        text = f"{exact_size(view.done)} / {exact_size(view.total)}"
        if view.is_folder:
            files = wording.tr("{done} / {total} files").format(
                done=count_text(view.files_done), total=count_text(view.files_total)
            )
            text += f"\n{files}"
        if view.resent:
            text += "\n" + wording.tr("{n} sent again").format(n=exact_size(view.resent))
        return text
    if column in {Column.NAME, Column.FROM, Column.TO}:
        return tip_text(wording.places_text(view))
    if column in {Column.ERROR, Column.STATE}:
        lines = (wording.state_text(view), wording.error_text(view), wording.next_text(view))
        return tip_text("\n".join(line for line in lines if line))
    return None


def spoken(view: JobView, column: int) -> str:
    """Return what a screen reader says of a cell."""
    if column == Column.PROGRESS:
        done = wording.percent(view)
        return "" if done is None else f"{done:.0f} %"
    return TEXTS[column](view)
