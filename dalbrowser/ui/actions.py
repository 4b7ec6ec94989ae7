"""The actions table as Qt's actions: one ``QAction`` for each row that somebody handles.

Invariant: an action without a handler does not exist, so no menu has a dead entry; the
object name of an action is ``action.`` and its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from dalbrowser.session import ACTIONS, Action, Selection
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtWidgets import QMenu, QWidget

    from dalbrowser.storage import Capability

# Their keys mean something else in a text field or in the tree.
_IN_LIST_ONLY = frozenset(
    {
        "open",
        "open_in_new_tab",
        "preview",
        "delete",
        "copy",
        "cut",
        "duplicate",
        "paste_into",
        "rename",
        "select_all",
        "invert_selection",
        "properties",
    }
)
_CHECKABLE = frozenset({"toggle_preview", "toggle_sidebar", "toggle_transfers", "toggle_hidden"})
_ICONS = {"down": "download", "copy_path": "link", "properties": "properties"}


class ActionTable(QObject):
    """All actions that ``handlers`` can carry out, by id."""

    def __init__(
        self,
        window: QWidget,
        entry_view: QWidget,
        handlers: Mapping[str, Callable[[], None]],
    ) -> None:
        super().__init__(window)
        self._rows: dict[str, Action] = {}
        self._actions: dict[str, QAction] = {}
        for row in ACTIONS:
            handler = handlers.get(row.id)
            if handler is None:
                continue
            action = self._make(row, handler)
            if row.id in _IN_LIST_ONLY:
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            else:
                action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
                window.addAction(action)
            self._rows[row.id] = row
            self._actions[row.id] = action
        self.attach(entry_view)

    def attach(self, entry_view: QWidget) -> None:
        """Let the keys that mean something in a list only work in this one too."""
        entry_view.addActions([self._actions[name] for name in _IN_LIST_ONLY & set(self._actions)])

    def _make(self, row: Action, handler: Callable[[], None]) -> QAction:
        action = QAction(QCoreApplication.translate("actions", row.title), self)
        action.setObjectName(f"action.{row.id}")
        action.setCheckable(row.id in _CHECKABLE)
        action.setShortcuts([QKeySequence(key) for key in row.shortcuts])
        action.triggered.connect(lambda _checked=False: handler())
        icon = icon_of(row)
        if icon:
            theme().dress(action, icon)
        keys = row.shortcuts[:1]
        action.setToolTip(f"{action.text()} ({keys[0]})" if keys else action.text())
        return action

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def __contains__(self, action_id: object) -> bool:
        return action_id in self._actions

    def fill(self, menu: QMenu, place: str) -> None:
        """Add every action that is shown in ``place`` (``entry``, ``folder``, ``view``…)."""
        for action_id, row in self._rows.items():
            if place in row.menus:
                menu.addAction(self._actions[action_id])

    def allow(
        self, capability: Capability | None, files: int, folders: int, *, in_folder: bool
    ) -> None:
        """Enable what capability and selection allow.

        ``in_folder`` is false where there is nothing to change: no place, or a root of
        buckets. Without a known capability, what needs one is off.
        """
        for action_id, row in self._rows.items():
            able = not row.needs or (
                in_folder
                and capability is not None
                and any(getattr(capability, flag) for flag in row.needs)
            )
            self._actions[action_id].setEnabled(able and _fits(row.selection, files, folders))


def icon_of(row: Action) -> str:
    """Return the name of an action's icon, empty when it has none."""
    return _ICONS.get(row.icon, row.icon) or _ICONS.get(row.id, "")


def _fits(selection: Selection, files: int, folders: int) -> bool:
    if selection is Selection.ANY:
        return True
    if selection is Selection.ONE:
        return files + folders == 1
    if selection is Selection.SOME:
        return files + folders > 0
    if selection is Selection.ONE_FILE:
        return files == 1 and folders == 0
    if selection is Selection.ONE_FOLDER:
        return folders == 1 and files == 0
    return files > 0 and folders == 0
