"""The context menus of list, sidebar and tabs.

Invariant: a menu of the sidebar acts on the place under the pointer, and opening it changes
nothing that is shown; a menu of the list acts on what is selected in the tab in front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu

from dalbrowser.session import action
from dalbrowser.storage import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dalbrowser.profiles import Location, Profile
    from dalbrowser.session import Session
    from dalbrowser.ui.actions import ActionTable
    from dalbrowser.ui.connecting import Connecting
    from dalbrowser.ui.sidebar.tree import SidebarTree
    from dalbrowser.ui.tabs.stack import TabStack
    from dalbrowser.ui.tabs.tab import Tab


class Menus(QObject):
    """Makes them when they are asked for."""

    def __init__(
        self,
        session: Session,
        tabs: TabStack,
        sidebar: SidebarTree,
        connecting: Connecting,
        actions: ActionTable,
    ) -> None:
        super().__init__(tabs)
        self._session = session
        self._tabs = tabs
        self._sidebar = sidebar
        self._connecting = connecting
        self._actions = actions
        sidebar.menu_requested.connect(self._of_sidebar)
        tabs.menu_filled.connect(self._of_tab)

    def follow(self, tab: Tab) -> None:
        """Show the menu of another list."""
        tab.menu_requested.connect(self._of_list)

    def _of_list(self, where: QPoint) -> None:
        selection = self._tabs.current.selection
        selection.look()
        menu = self._menu()
        self._actions.fill(menu, "entry" if selection.rows else "folder")
        menu.popup(where)

    def _of_tab(self, menu: QMenu) -> None:
        for name in ("new_tab", "reopen_tab"):
            menu.addAction(self._actions[name])

    def _of_sidebar(self, place: Location | None, where: QPoint) -> None:
        menu = self._menu()
        if place is not None:
            self._add(menu, "open", lambda: self._tabs.current.open_location(place))
            self._add(menu, "open_in_new_tab", lambda: self._tabs.open(place, behind=True))
            self._add(menu, "reload", lambda: self._list_again(place))
            menu.addSeparator()
        menu.addAction(self._actions["add_connection"])
        profile = None if place is None else self._profile(place)
        if profile is not None:
            self._add(menu, "edit_connection", lambda: self._connecting.edit(profile))
            self._add(menu, "remove_connection", lambda: self._connecting.remove(profile))
        menu.popup(where)

    def _list_again(self, place: Location) -> None:
        self._sidebar.reload(place)
        if place == self._tabs.current.location:
            self._tabs.current.reload()

    def _profile(self, place: Location) -> Profile | None:
        """Return a place's connection if a person saved it."""
        try:
            profile = self._session.profiles.get(place.profile_id)
        except StorageError:
            return None
        return None if profile.builtin or profile.is_adhoc else profile

    def _menu(self) -> QMenu:
        menu = QMenu(self._tabs)
        menu.setObjectName("contextMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _add(self, menu: QMenu, action_id: str, handler: Callable[[], None]) -> None:
        entry = menu.addAction(QCoreApplication.translate("actions", action(action_id).title))
        entry.setObjectName(f"sidebar.{action_id}")
        entry.triggered.connect(lambda _checked=False: handler())
