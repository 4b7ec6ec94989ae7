"""Drives the real program in this process: ``dalbrowser.app.main`` and its window by name.

A story is a coroutine on the window's own loop. It acts as a person does (clicks, keys,
rows) and waits for what a person would see.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QTableView, QWidget

from dalbrowser.app import main

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Q = TypeVar("Q", bound=QObject)
_POLL = 0.02


class Driver:
    """The running window, as a person's hands and eyes."""

    def find(self, kind: type[Q], name: str) -> Q:
        """Return the one object of that kind and object name, in any window."""
        for top in QApplication.topLevelWidgets():
            if isinstance(top, kind) and top.objectName() == name:
                return top
            found = top.findChild(kind, name)
            if found is not None:
                return found
        raise AssertionError(f"no {kind.__name__} is called {name!r}")

    def shown(self, name: str) -> bool:
        """Whether a widget of that name can be seen."""
        return any(
            widget.objectName() == name and widget.isVisible()
            for widget in QApplication.allWidgets()
        )

    async def until(self, seen: Callable[[], Any], what: str, seconds: float = 60) -> None:
        """Wait until ``seen()`` is true; fails with ``what`` after ``seconds``."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not seen():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"never came: {what}; on screen: {self.describe()}")
            await asyncio.sleep(_POLL)

    def click(self, name: str) -> None:
        """Click the button of that name."""
        button = self.find(QAbstractButton, name)
        assert button.isEnabled(), f"{name} cannot be clicked"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def fill(self, name: str, text: str) -> None:
        """Replace what stands in the line edit of that name, by typing."""
        edit = self.find(QLineEdit, name)
        edit.setFocus()
        edit.clear()
        QTest.keyClicks(edit, text)

    def names(self, view: str = "entryView", column: str = "Name") -> list[str]:
        """Return what a table shows in the column of that title."""
        model = self.find(QTableView, view).model()
        titles = [
            model.headerData(number, Qt.Orientation.Horizontal)
            for number in range(model.columnCount())
        ]
        at = titles.index(column)
        return [str(model.index(row, at).data() or "") for row in range(model.rowCount())]

    def select(self, name: str, view: str = "entryView") -> None:
        """Click the row of that name."""
        table = self.find(QTableView, view)
        row = self.names(view).index(name)
        index = table.model().index(row, 0)
        table.scrollTo(index)
        table.setCurrentIndex(index)
        table.selectRow(row)

    def open(self, name: str, view: str = "entryView") -> None:
        """Double-click the row of that name."""
        table = self.find(QTableView, view)
        index = table.model().index(self.names(view).index(name), 0)
        table.scrollTo(index)
        spot = table.visualRect(index).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)

    def describe(self) -> str:
        """Return the texts on screen, for a failure's message."""
        texts = [
            f"{widget.objectName()}={widget.property('text')!r}"
            for widget in QApplication.allWidgets()
            if widget.isVisible() and widget.property("text")
        ]
        return ", ".join(texts)[:2000]


def drive(argv: list[str], story: Callable[[Driver], Awaitable[None]]) -> int:
    """Run the program with ``argv`` and ``story`` in it; returns its exit code.

    The window is closed as by its button when the story ends; the story's failure is raised.
    """
    failures: list[BaseException] = []
    kept: list[asyncio.Task[None]] = []

    async def tell() -> None:
        driver = Driver()
        try:
            await driver.until(main_window, "the main window")
            await story(driver)
        except BaseException as error:
            failures.append(error)
        finally:
            window = main_window()
            if window is not None:
                window.close()
            else:
                QApplication.exit(1)

    QTimer.singleShot(0, lambda: kept.append(asyncio.get_running_loop().create_task(tell())))
    code = main(argv)
    if failures:
        raise failures[0]
    return code


def main_window() -> QWidget | None:
    """Return the main window once it can be seen."""
    for top in QApplication.topLevelWidgets():
        if top.objectName() == "mainWindow" and top.isVisible():
            return top
    return None
