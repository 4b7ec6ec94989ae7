"""What is said of a long name shows all of it, also where it has no blank to break at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dalbrowser.profiles import Location
from dalbrowser.storage import Metadata
from dalbrowser.ui.dialogs.delete import DeleteDialog
from dalbrowser.ui.dialogs.measured import MeasuredDialog
from dalbrowser.ui.dialogs.newfolder import NewFolderDialog
from dalbrowser.ui.dialogs.properties import PropertiesDialog
from dalbrowser.ui.dragging.asking import MoveDialog
from dalbrowser.ui.format import short_name
from dalbrowser.ui.notice import Notice
from dalbrowser.ui.placeholders import Placeholder, PlaceholderView
from dalbrowser.ui.transfers.banners import Banner
from dalbrowser.ui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication

    from dalbrowser.ui.dialogs.sheet import Sheet

NAME = "part_00000_1a2b3c4d_" * 20 + "END.parquet"
LONG = Location("files", "", NAME)
MAKERS: list[Callable[[], Sheet]] = [
    lambda: DeleteDialog([LONG]),
    lambda: DeleteDialog([LONG, Location("files", "", "b")]),
    lambda: MoveDialog([LONG], f"far:{NAME}/"),
    lambda: NewFolderDialog(f"far:{NAME}/", ()),
    lambda: PropertiesDialog(LONG, f"far:{NAME}", Metadata(content_type="text/plain")),
]


def last_ink(picture: QImage) -> int:
    """Return the lowest row of a picture that has something in it."""
    ground = picture.pixel(0, 0)
    rows = range(picture.height() - 1, -1, -1)
    columns = range(picture.width())
    return next(y for y in rows if any(picture.pixel(x, y) != ground for x in columns))


@pytest.mark.parametrize("make", MAKERS)
def test_all_of_it_is_shown(qapp: QApplication, make: Callable[[], Sheet]) -> None:
    dialog = make()
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show()
    qapp.processEvents()
    labels = dialog.findChildren(WrappedLabel)
    assert any("END.parquet" in label.text() for label in labels)
    for label in labels:
        assert label.heightForWidth(label.width()) <= label.height(), label.text()
    assert dialog.minimumSizeHint().width() < 400
    if isinstance(dialog, MeasuredDialog):
        dialog.show_measure(None, NAME)
        qapp.processEvents()
        for label in labels:
            assert label.heightForWidth(label.width()) <= label.height(), label.text()
    dialog.close()
    dialog.deleteLater()


def test_a_word_longer_than_its_line_is_broken_and_copied_whole(qapp: QApplication) -> None:
    label = WrappedLabel(f"one two\n{NAME}", copyable=True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    line = label.fontMetrics().lineSpacing()
    wide = label.fontMetrics().horizontalAdvance(NAME) + 10
    assert label.heightForWidth(wide) // line == 2
    narrow = 200
    height = label.heightForWidth(narrow)
    assert height // line > 10
    label.resize(narrow, height)
    label.show()
    qapp.processEvents()
    shown = last_ink(label.grab().toImage())
    label.resize(narrow, height * 2)
    assert height - line <= shown == last_ink(label.grab().toImage())
    QTest.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == f"one two\n{NAME}"
    label.close()
    label.deleteLater()


TELLERS: list[Callable[[], QWidget]] = [
    lambda: told(Notice()),
    lambda: told(Banner("banner", "error", "error")),
    lambda: faced(PlaceholderView()),
]


def told(notice: Notice | Banner) -> QWidget:
    notice.say(f"Reading {NAME} failed.")
    return notice


def faced(view: PlaceholderView) -> QWidget:
    view.show_placeholder(
        Placeholder("error", "It failed", f"Listing {NAME} failed.", "Again", "reload")
    )
    return view


@pytest.mark.parametrize("make", TELLERS)
def test_news_of_it_widen_no_window(qapp: QApplication, make: Callable[[], QWidget]) -> None:
    holder = QWidget()
    lines = QVBoxLayout(holder)
    teller = make()
    lines.addWidget(teller)
    holder.resize(600, 500)
    holder.show()
    teller.show()
    qapp.processEvents()
    assert holder.width() == 600
    labels = holder.findChildren(WrappedLabel)
    assert [label.text().endswith("END.parquet failed.") for label in labels] == [True]
    for label in labels:
        assert label.heightForWidth(label.width()) <= label.height()
    holder.close()
    holder.deleteLater()


def test_a_title_keeps_the_beginning_and_the_end_of_a_name() -> None:
    assert short_name("a" * 60) == "a" * 60
    assert short_name(NAME).startswith("part_00000_")
    assert short_name(NAME).endswith("END.parquet")
    assert len(short_name(NAME)) == 61
