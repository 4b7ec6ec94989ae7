"""The toolbar: where one came from, where one is, what can be done here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from dalbrowser.ui.actions import ActionTable
    from dalbrowser.ui.pathbar.bar import PathBar

_MENU = (
    ("new_tab", "reopen_tab"),
    ("add_connection",),
    ("toggle_sidebar", "toggle_preview", "toggle_transfers", "toggle_hidden"),
    ("edit_path", "filter"),
    ("quit",),
)


def _tr(text: str) -> str:
    return QCoreApplication.translate("toolbar", text)


def build_toolbar(
    window: QWidget, actions: ActionTable, path_bar: PathBar, filter_edit: QLineEdit
) -> QToolBar:
    """Return the toolbar with navigation, path, filter, changes and the menu."""
    bar = QToolBar(window)
    bar.setObjectName("toolBar")
    bar.setMovable(False)
    bar.setFloatable(False)
    bar.setIconSize(QSize(20, 20))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    _add(bar, actions, "back", "forward", "up", "reload")
    bar.addWidget(path_bar)
    filter_edit.setFixedWidth(200)
    filter_edit.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    bar.addWidget(filter_edit)
    _add(bar, actions, "new_folder", "upload", "toggle_preview")
    bar.addWidget(_menu_button(window, actions))
    for button in bar.findChildren(QToolButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return bar


def make_filter() -> QLineEdit:
    """Return the field that narrows the list."""
    edit = QLineEdit()
    edit.setObjectName("filterEdit")
    edit.setAccessibleName(_tr("Filter by name"))
    edit.setPlaceholderText(_tr("Filter"))
    edit.setClearButtonEnabled(True)
    icon = QAction(edit)
    theme().dress(icon, "filter")
    edit.addAction(icon, QLineEdit.ActionPosition.LeadingPosition)
    for button in edit.findChildren(QToolButton):
        # Qt's own cross, which has a picture and no word.
        if not button.accessibleName():
            button.setAccessibleName(_tr("Clear the filter"))
    return edit


def _add(bar: QToolBar, actions: ActionTable, *names: str) -> None:
    for name in names:
        if name in actions:
            bar.addAction(actions[name])


def _menu_button(window: QWidget, actions: ActionTable) -> QToolButton:
    menu = QMenu(window)
    menu.setObjectName("mainMenu")
    for group in _MENU:
        if not menu.isEmpty():
            menu.addSeparator()
        for name in group:
            if name in actions:
                menu.addAction(actions[name])
    button = QToolButton(window)
    button.setObjectName("menuButton")
    button.setAccessibleName(_tr("Menu"))
    button.setToolTip(_tr("Menu"))
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setMenu(menu)
    theme().dress(button, "menu")
    return button
