"""What one cell of the list shows: text, picture, tooltip, alignment, and what it sorts by."""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, Qt

from dalbrowser.ui.entries.kinds import BUCKET, FOLDER, kind_of, kind_text
from dalbrowser.ui.entries.sorting import natural_key
from dalbrowser.ui.format import (
    exact_size,
    exact_time,
    size_text,
    time_text,
    tip_text,
    visible_name,
)
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QIcon

    from dalbrowser.ui.entries.columns import EntryColumns

_ROLE = Qt.ItemDataRole
_FLAG = Qt.ItemFlag
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Column(IntEnum):
    """The columns in their first order."""

    NAME = 0
    SIZE = 1
    MODIFIED = 2
    TYPE = 3
    STORAGE_CLASS = 4
    ETAG = 5


_TITLES = {
    Column.NAME: "Name",
    Column.SIZE: "Size",
    Column.MODIFIED: "Modified",
    Column.TYPE: "Type",
    Column.STORAGE_CLASS: "Storage class",
    Column.ETAG: "ETag",
}


def header(column: Column, role: int) -> Any:
    """Return what the head of a column shows."""
    if role == _ROLE.DisplayRole:
        return QCoreApplication.translate("cells", _TITLES[column])
    if role == _ROLE.TextAlignmentRole:
        return alignment(column)
    return None


def data(
    columns: EntryColumns, row: int, column: Column, role: int, *, buckets: bool = False
) -> Any:
    """Return what a cell answers for ``role``; ``buckets``: the folders are buckets."""
    answer = _ANSWERS.get(role)
    return None if answer is None else answer(columns, row, column, buckets)


def bare_name(columns: EntryColumns, row: int) -> str:
    """Return the name as it is shown, a folder's without its slash, nothing hidden in it."""
    name = columns.names[row]
    if columns.is_dir(row):
        name = name.removesuffix("/")
    return visible_name(name)


def _name(columns: EntryColumns, row: int, _buckets: bool) -> str:
    return bare_name(columns, row)


def _size(columns: EntryColumns, row: int, _buckets: bool) -> str:
    return "" if columns.is_dir(row) else size_text(columns.size(row))


def _modified(columns: EntryColumns, row: int, _buckets: bool) -> str:
    return time_text(columns.modified(row))


def _type(columns: EntryColumns, row: int, buckets: bool) -> str:
    name = columns.names[row]
    if columns.is_dir(row):
        return kind_text(name, BUCKET if buckets else FOLDER)
    return kind_text(name, kind_of(name, columns.content_type(row)))


def _storage_class(columns: EntryColumns, row: int, _buckets: bool) -> str:
    return columns.storage_class(row) or ""


def _etag(columns: EntryColumns, row: int, _buckets: bool) -> str:
    etag = columns.etag(row) or ""
    return etag[1:-1] if etag[:1] == etag[-1:] == '"' and len(etag) > 1 else etag


_TEXTS: dict[int, Callable[[EntryColumns, int, bool], str]] = {
    Column.NAME: _name,
    Column.SIZE: _size,
    Column.MODIFIED: _modified,
    Column.TYPE: _type,
    Column.STORAGE_CLASS: _storage_class,
    Column.ETAG: _etag,
}


def text(columns: EntryColumns, row: int, column: int, buckets: bool) -> str:
    """Return what a cell says."""
    return _TEXTS[column](columns, row, buckets)


def icon(columns: EntryColumns, row: int, buckets: bool) -> QIcon:
    """Return the picture before a name."""
    if columns.is_dir(row):
        return theme().icon("bucket" if buckets else "folder", "folder")
    name = columns.names[row]
    return theme().icon(kind_of(name, columns.content_type(row)).icon)


def _tooltip(columns: EntryColumns, row: int, column: Column, _buckets: bool) -> str | None:
    told = _told(columns, row, column)
    return None if told is None else tip_text(told)


def _exact(path: str) -> str:
    """Return a key, escapes and all, so that what cannot be seen can still be told."""
    if not path.isprintable() or path.strip() != path:
        return repr(path)
    # Two keys may look alike and differ in how an accent is written.
    alike = not path.isascii() and not unicodedata.is_normalized("NFC", path)
    return f"{path}\n{path!a}" if alike else path


def _told(columns: EntryColumns, row: int, column: Column) -> str | None:
    if column is Column.NAME:
        return _exact(columns.path(row))
    if column is Column.SIZE:
        size = columns.size(row)
        return None if size is None or columns.is_dir(row) else exact_size(size)
    if column is Column.MODIFIED:
        moment = columns.modified(row)
        return None if moment is None else exact_time(moment)
    if column is Column.TYPE:
        return columns.content_type(row)
    if column is Column.ETAG:
        return columns.etag(row)
    return columns.storage_class(row)


def _accessible(columns: EntryColumns, row: int, column: Column, buckets: bool) -> str:
    said = text(columns, row, column, buckets)
    if column is Column.NAME:
        kind = _type(columns, row, buckets)
        return QCoreApplication.translate("cells", "{name}, {kind}").format(name=said, kind=kind)
    return said


def spoken_cut(said: str) -> str:
    """Return what is read out of a row that was cut."""
    return QCoreApplication.translate("cells", "{name}, cut").format(name=said)


def alignment(column: int) -> Qt.AlignmentFlag:
    """Return where in its cell a column's text stands."""
    return _RIGHT if column == Column.SIZE else _LEFT


@cache
def flags(*, dragged: bool, is_dir: bool, edited: bool) -> Qt.ItemFlag:
    """Return what can be done with a cell; Qt asks with every one that it draws."""
    kind = _FLAG.ItemIsDropEnabled if is_dir else _FLAG.ItemNeverHasChildren
    found = _FLAG.ItemIsSelectable | _FLAG.ItemIsEnabled | kind
    if dragged:
        found |= _FLAG.ItemIsDragEnabled
    return found | _FLAG.ItemIsEditable if edited else found


def _icon(columns: EntryColumns, row: int, column: Column, buckets: bool) -> QIcon | None:
    return icon(columns, row, buckets) if column is Column.NAME else None


def _alignment(_columns: EntryColumns, _row: int, column: Column, _buckets: bool) -> Any:
    return alignment(column)


def _foreground(_columns: EntryColumns, _row: int, column: Column, _buckets: bool) -> Any:
    return None if column is Column.NAME else theme().color("muted")


def _edited(columns: EntryColumns, row: int, column: Column, _buckets: bool) -> str | None:
    return columns.names[row].removesuffix("/") if column is Column.NAME else None


_ANSWERS: dict[int, Callable[[EntryColumns, int, Column, bool], Any]] = {
    _ROLE.DisplayRole: text,
    _ROLE.DecorationRole: _icon,
    _ROLE.TextAlignmentRole: _alignment,
    _ROLE.ForegroundRole: _foreground,
    _ROLE.ToolTipRole: _tooltip,
    _ROLE.EditRole: _edited,
    _ROLE.AccessibleTextRole: _accessible,
}


def sort_key(columns: EntryColumns, column: Column) -> Callable[[int], Any]:
    """Return what the rows are ordered by in a column."""
    names = columns.names
    if column is Column.SIZE:
        return columns.sizes.__getitem__
    if column is Column.MODIFIED:
        return columns.times.__getitem__
    if column is Column.TYPE:
        return lambda row: _type(columns, row, False)
    if column is Column.STORAGE_CLASS:
        return lambda row: columns.storage_class(row) or ""
    if column is Column.ETAG:
        return lambda row: columns.etag(row) or ""
    return lambda row: natural_key(names[row])
