"""A pointer or a drag that crosses the list has the rows drawn again that it concerns, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from dalbrowser.storage import Entry, EntryMode, Metadata
from dalbrowser.ui.entries.delegate import RowDelegate
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.entries.view import EntryView
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtCore import QModelIndex
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QApplication, QStyleOptionViewItem


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The rows that were drawn; before the view, which looks its delegate's methods up once."""
    rows: set[int] = set()
    real = RowDelegate.paint

    def paint(
        self: RowDelegate, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        rows.add(index.row())
        real(self, painter, option, index)

    monkeypatch.setattr(RowDelegate, "paint", paint)
    return rows


@pytest.fixture
def view(qapp: QApplication, drawn: set[int]) -> Iterator[EntryView]:
    theme()  # Made with the first drawing, it would have all drawn again.
    model = EntryModel()
    model.start("p/")
    mode = Metadata(mode=EntryMode.DIR)
    model.append([Entry(f"p/{number:02d}/", mode) for number in range(30)])
    view = EntryView(model)
    view.resize(900, 400)
    view.show()
    qapp.processEvents()
    drawn.clear()
    yield view
    view.close()
    view.deleteLater()
    model.deleteLater()


def _point(view: EntryView, place: int) -> None:
    """Move the pointer onto a row."""
    at = QPointF(QPoint(40, view.rowViewportPosition(place) + view.rowHeight(place) // 2))
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(
        QEvent.Type.MouseMove, at, view.viewport().mapToGlobal(at), none, none,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QCoreApplication.sendEvent(view.viewport(), move)
    QCoreApplication.processEvents()


def test_the_pointer_has_two_rows_drawn(view: EntryView, drawn: set[int]) -> None:
    _point(view, 3)
    assert drawn == {3}
    drawn.clear()
    _point(view, 5)
    assert drawn == {3, 5}
    drawn.clear()
    QCoreApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    QCoreApplication.processEvents()
    assert drawn == {5}


def test_a_drag_has_two_rows_drawn_and_the_frame_all(view: EntryView, drawn: set[int]) -> None:
    view._mark_drop(2)
    QCoreApplication.processEvents()
    assert drawn == {2}
    drawn.clear()
    view._mark_drop(4)
    QCoreApplication.processEvents()
    assert drawn == {2, 4}
    view._mark_drop(-1)
    QCoreApplication.processEvents()
    assert len(drawn) > 8
    drawn.clear()
    view._mark_drop(None)
    QCoreApplication.processEvents()
    assert len(drawn) > 8


def test_what_is_under_the_pointer_and_what_takes_a_drop_stand_out(view: EntryView) -> None:
    view.selectRow(1)
    _point(view, 3)
    view._mark_drop(5)
    ratio = view.devicePixelRatioF()
    picture = view.viewport().grab().toImage()

    def ground(place: int) -> str:
        """The colour at the right end of a row, where no text is."""
        middle = view.rowViewportPosition(place) + view.rowHeight(place) // 2
        return picture.pixelColor(round(480 * ratio), round(middle * ratio)).name()

    found = {place: ground(place) for place in (0, 1, 3, 5)}
    assert found[0] == theme().color("base").name()
    assert found[1] in {theme().color(name).name() for name in ("selection", "selection-idle")}
    assert found[3] == theme().color("hover").name()
    assert found[5] == theme().color("selection").name()
