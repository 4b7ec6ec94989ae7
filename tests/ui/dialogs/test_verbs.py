"""The words of every dialog's buttons are drawn whole, also the bold ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QPushButton

from dalbrowser.profiles import Location
from dalbrowser.session import Measure
from dalbrowser.storage import Metadata
from dalbrowser.ui.dialogs.closing import ClosingDialog
from dalbrowser.ui.dialogs.confirm import ConfirmDialog
from dalbrowser.ui.dialogs.connection import ConnectionDialog
from dalbrowser.ui.dialogs.delete import DeleteDialog
from dalbrowser.ui.dialogs.newfolder import NewFolderDialog
from dalbrowser.ui.dialogs.properties import PropertiesDialog
from dalbrowser.ui.dialogs.uploads import UploadsDialog
from dalbrowser.ui.dragging.asking import MoveDialog
from dalbrowser.ui.theme import apply_theme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from dalbrowser.ui.dialogs.sheet import Sheet
    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage

PLACES = [Location("files", "", "a"), Location("files", "", "b")]


def counted_delete(stage: Stage, window: MainWindow) -> Sheet:
    """A question whose verb became longer once it was known how much it is."""
    dialog = DeleteDialog(PLACES, window)
    dialog.show_measure(Measure(88_888, 5, complete=False))
    return dialog


MAKERS: dict[str, Callable[[Stage, MainWindow], Sheet]] = {
    "closing": lambda _, window: ClosingDialog(3, tray=True, parent=window),
    "closing without a tray": lambda _, window: ClosingDialog(1, tray=False, parent=window),
    "confirm": lambda _, window: ConfirmDialog("question", "Remove?", "It", "Remove", window),
    "connection": lambda stage, window: ConnectionDialog(stage.session, None, window),
    "delete": lambda _, window: DeleteDialog(PLACES, window),
    "delete, counted": counted_delete,
    "move": lambda _, window: MoveDialog(PLACES, "far:bucket/", window),
    "new folder": lambda _, window: NewFolderDialog("here", (), window),
    "properties": lambda _, window: PropertiesDialog(PLACES[0], "a", Metadata(), window),
    "uploads": lambda stage, window: UploadsDialog(stage.session, PLACES[0].parent, window),
}


@pytest.fixture
def light_again(qapp: QApplication) -> Iterator[None]:
    yield
    apply_theme(qapp, "light")


def ink(picture: QImage) -> int:
    """Return how many columns of a button's picture have something of a word in them."""
    middle = range(picture.height() // 4, picture.height() * 3 // 4)
    edge = round(5 * picture.devicePixelRatio())
    columns = range(edge, picture.width() - edge)
    ground = picture.pixel(edge, picture.height() // 2)
    return sum(any(picture.pixel(x, y) != ground for y in middle) for x in columns)


@pytest.mark.usefixtures("light_again")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_word_is_cut(qapp: QApplication, stage: Stage, window: MainWindow, scheme: str) -> None:
    apply_theme(qapp, scheme)

    async def look_at(name: str, dialog: Sheet) -> None:
        dialog.open()
        await stage.until(dialog.isVisible, "the dialog")
        buttons = [one for one in dialog.findChildren(QPushButton) if one.isVisible()]
        assert any(one.property("verb") or one.property("danger") for one in buttons), name
        for button in buttons:
            button.setEnabled(True)
            fitted = ink(button.grab().toImage())
            button.resize(button.width() + 90, button.height())
            assert fitted == ink(button.grab().toImage()) > 0, f"{button.text()} of {name}"
        dialog.reject()

    async def story() -> None:
        for name, make in MAKERS.items():
            await look_at(name, make(stage, window))

    stage.run(story())
