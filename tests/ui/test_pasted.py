"""A line that was copied with its end names what it names without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget

from dalbrowser.profiles import Location
from dalbrowser.storage.registry import config_fields
from dalbrowser.ui.dialogs.fields import FieldEdit
from dalbrowser.ui.pasted import typed
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from dalbrowser.ui.window import MainWindow
    from tests.ui.stage import Stage


@pytest.fixture
def person(stage: Stage, window: MainWindow) -> Driver:
    return Driver(stage, window)


def paste(line: QLineEdit, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    line.selectAll()
    line.paste()


def test_a_name_that_has_an_end_keeps_it() -> None:
    assert typed("b\n", "a\n") == "b\n"
    assert typed("b\r\n", "a") == "b"
    assert typed(" a\nb ", "a") == " a\nb "


def test_a_secret_is_without_the_end_of_its_line(qtbot: QtBot) -> None:
    (secret,) = [one for one in config_fields("s3") if one.name == "secret_access_key"]
    form = QWidget()
    qtbot.addWidget(form)
    edit = FieldEdit(secret, form)
    line = edit.widget
    assert isinstance(line, QLineEdit)
    paste(line, " hush hush\n")
    assert edit.value == " hush hush"


def test_addresses_and_names_are_without_it(person: Driver) -> None:
    async def story() -> None:
        files = person.stage.files
        (files / "folder").mkdir(parents=True)
        (files / "folder/a.txt").write_text("a")
        person.window.open_location(Location("files"))
        person.do("edit_path")
        line = person.find(QLineEdit, "pathEdit")
        paste(line, "files:folder/\n")
        QTest.keyClick(line, Qt.Key.Key_Return)
        await person.listed("a.txt")
        person.select("a.txt")
        await person.stage.until(person.action("rename").isEnabled, "the rename action")
        person.do("rename")
        line = person.find(QLineEdit, "renameEdit")
        paste(line, "b.txt\r\n")
        QTest.keyClick(line, Qt.Key.Key_Return)
        await person.listed("b.txt")
        assert [one.name for one in (files / "folder").iterdir()] == ["b.txt"]

    person.stage.run(story())
