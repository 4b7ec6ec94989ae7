"""A shortened line keeps its whole text: to copy, and in the tooltip while it is shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from dalbrowser.ui.elided import ElidedLabel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

ETAG = '"d41d8cd98f00b204e9800998ecf8427e-12"'


def test_all_of_it_is_copied_whatever_is_drawn(qapp: QApplication) -> None:
    holder = QWidget()
    label = ElidedLabel(ETAG, holder, mode=Qt.TextElideMode.ElideMiddle, copyable=True)
    label.resize(80, 20)
    holder.show()
    assert label.text() == label.toolTip() == ETAG
    QTest.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == ETAG
    label.resize(900, 20)
    qapp.processEvents()
    assert label.toolTip() == ""
    label.setText("x" * 400)
    assert label.toolTip() == "x" * 400
    assert label.minimumSizeHint().width() < 100
    holder.close()
    holder.deleteLater()
