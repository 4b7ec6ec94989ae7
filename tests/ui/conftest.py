"""The real window over a real session, offscreen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication, QWindow
from PySide6.QtTest import QTest

from tests.ui.stage import Stage, set_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from dalbrowser.ui.window import MainWindow

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def keys_let_go() -> Iterator[None]:
    """Let go of Ctrl and Shift after each test.

    ``QTest.keyClick`` leaves its modifiers held, and what the next test selects goes by them.
    """
    yield
    if QGuiApplication.keyboardModifiers() is not Qt.KeyboardModifier.NoModifier:
        QTest.keyRelease(QWindow(), Qt.Key.Key_Control)


@pytest.fixture(autouse=True, scope="session")
def no_settings_of_qt(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what file dialogs remember out of the person's own."""
    QSettings.setPath(
        QSettings.Format.NativeFormat,
        QSettings.Scope.UserScope,
        str(tmp_path_factory.mktemp("qt-settings")),
    )


@pytest.fixture
def stage(qapp: QApplication, tmp_path: Path) -> Iterator[Stage]:
    """A session in a throwaway home."""
    with set_stage(qapp, tmp_path) as made:
        yield made


@pytest.fixture
def window(stage: Stage) -> Iterator[MainWindow]:
    """The main window on the start page, its transfer engine running."""
    from dalbrowser.ui.window import MainWindow

    stage.run(stage.session.transfers.start())
    window = MainWindow(stage.session)
    window.resize(1100, 700)
    window.show()
    yield window
    window.allow_close()
    window.close()
    window.deleteLater()
