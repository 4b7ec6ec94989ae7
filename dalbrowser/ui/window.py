"""The main window: puts the parts together and passes their signals on.

Invariants: the window decides nothing that a part can decide; what it does to a place it
does to the tab in front, looked up when it is done; closing it only asks
(``close_requested``) until the application has put its work down and says ``allow_close``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QMainWindow, QSplitter

from dalbrowser.profiles import Location
from dalbrowser.session import describe
from dalbrowser.session.interpreter import undisturbed
from dalbrowser.ui.actions import ActionTable
from dalbrowser.ui.carrying import Carrying
from dalbrowser.ui.connecting import Connecting
from dalbrowser.ui.dragging.drops import Drops
from dalbrowser.ui.enter import press_focused
from dalbrowser.ui.icons import app_icon
from dalbrowser.ui.menus import Menus
from dalbrowser.ui.panels import Panels
from dalbrowser.ui.pathbar.bar import PathBar
from dalbrowser.ui.pathbar.crumbs import crumbs_of
from dalbrowser.ui.remember import Memory, TabMemory
from dalbrowser.ui.sidebar.tree import SidebarTree, profile_label
from dalbrowser.ui.situation import Situation
from dalbrowser.ui.statusbar import StatusBar
from dalbrowser.ui.tabs.filter import FilterField
from dalbrowser.ui.tabs.handlers import in_front, tab_handlers
from dalbrowser.ui.tabs.middle import MiddleClicks
from dalbrowser.ui.tabs.stack import TabStack
from dalbrowser.ui.tabs.together import Together
from dalbrowser.ui.toolbar import build_toolbar, make_filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QModelIndex
    from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent

    from dalbrowser.profiles import Profile
    from dalbrowser.session import Session
    from dalbrowser.ui.changes import Changes
    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.entries.view import EntryView
    from dalbrowser.ui.navigation import Navigator
    from dalbrowser.ui.place import PlacePages
    from dalbrowser.ui.selection import SelectionWatcher
    from dalbrowser.ui.tabs.tab import Tab
    from dalbrowser.ui.traffic import Traffic

_LONG_TURNS = frozenset({QEvent.Type.UpdateRequest, QEvent.Type.LayoutRequest})


class MainWindow(QMainWindow):
    """The window.

    Signals:
        close_requested: the person wants to leave; the application ends what runs first.
        quit_requested: the person wants the whole program to end.
    """

    close_requested = Signal()
    quit_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("dalbrowser")
        self.setWindowIcon(app_icon())
        self._session = session
        self._may_close = False
        self.tabs = TabStack(session, self)
        self.together = Together(session, self.tabs)
        self.tabs.begin()
        self.sidebar = SidebarTree(session)
        self.path_bar = PathBar()
        self.filter_edit = make_filter()
        self._filter = FilterField(self.filter_edit)
        self.status = StatusBar(self)
        self.drops = Drops(session, self)
        self.carrying = Carrying(session, self.drops, self, lambda: self.tab, self.together)
        self.connecting = Connecting(session, self)
        self.panels = Panels(session, self.selection, self.changes, self)
        self.actions_by_id = ActionTable(self, self.view, self._handlers())
        self.menus = Menus(session, self.tabs, self.sidebar, self.connecting, self.actions_by_id)
        self.situation = Situation(session, self.tabs, self.status, self.actions_by_id)
        self._tab_memory = TabMemory(session)
        self._lay_out()
        self._connect()
        self._stop_failures = session.tasks.on_failure(self._task_failed)
        self._tab_built(self.tab)
        self._tab_shown(self.tab)
        self.situation.allow()

    # The tab in front.

    @property
    def tab(self) -> Tab:
        """The tab in front."""
        return self.tabs.current

    @property
    def model(self) -> EntryModel:
        """The rows of the tab in front."""
        return self.tab.model

    @property
    def view(self) -> EntryView:
        """The list of the tab in front."""
        return self.tab.view

    @property
    def navigator(self) -> Navigator:
        """The history and the listing of the tab in front."""
        return self.tab.navigator

    @property
    def selection(self) -> SelectionWatcher:
        """What is selected in the tab in front."""
        return self.tab.selection

    @property
    def pages(self) -> PlacePages:
        """List, placeholders and notice of the tab in front."""
        return self.tab.pages

    @property
    def changes(self) -> Changes:
        """What changes the folder of the tab in front."""
        return self.tab.changes

    @property
    def traffic(self) -> Traffic:
        """What goes to and comes from the folder of the tab in front."""
        return self.tab.traffic

    # Building.

    def _handlers(self) -> dict[str, Callable[[], None]]:
        return {
            **tab_handlers(self.tabs),
            **self.carrying.handlers(),
            "reload": self._reload,
            "stop": self._stop,
            "preview": lambda: self.panels.toggle("preview"),
            "edit_path": self.path_bar.edit,
            "filter": self._filter.focus,
            "toggle_hidden": self._toggle_hidden,
            "toggle_preview": lambda: self.panels.toggle("preview"),
            "toggle_sidebar": lambda: self.panels.toggle("sidebar"),
            "toggle_transfers": lambda: self.panels.toggle("transfers"),
            "add_connection": self.connecting.add,
            "edit_connection": lambda: self._with_profile(self.connecting.edit),
            "remove_connection": lambda: self._with_profile(self.connecting.remove),
            "quit": self.quit_requested.emit,
        }

    def _lay_out(self) -> None:
        self.addToolBar(build_toolbar(self, self.actions_by_id, self.path_bar, self.filter_edit))
        self.setStatusBar(self.status)
        across = QSplitter(Qt.Orientation.Horizontal)
        across.setObjectName("across")
        across.addWidget(self.sidebar)
        across.addWidget(self.tabs)
        across.addWidget(self.panels.preview)
        across.setSizes([232, 720, 328])
        down = QSplitter(Qt.Orientation.Vertical)
        down.setObjectName("down")
        down.addWidget(across)
        down.addWidget(self.panels.transfers)
        down.setSizes([560, 200])
        for splitter, stretched in ((across, 1), (down, 0)):
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
            splitter.setStretchFactor(stretched, 1)
        self.setCentralWidget(down)
        self._memory = Memory(self._session, self, (across, down))
        self._memory.restore_window()
        self.panels.attach(
            {
                "sidebar": (self.sidebar, self.actions_by_id["toggle_sidebar"]),
                "preview": (self.panels.preview, self.actions_by_id["toggle_preview"]),
                "transfers": (self.panels.transfers, self.actions_by_id["toggle_transfers"]),
            }
        )

    def _connect(self) -> None:
        self.tabs.built.connect(self._tab_built)
        self.tabs.shown.connect(self._tab_shown)
        self.tabs.changed.connect(self._keep_tabs)
        self.tabs.said.connect(self.show_notice)
        self.sidebar.location_chosen.connect(self.open_location)
        MiddleClicks(self.sidebar).clicked.connect(self._sidebar_middle_clicked)
        self.path_bar.location_chosen.connect(self.open_location)
        self.path_bar.text_entered.connect(self.open_text)
        focus_list = in_front(self.tabs, lambda tab: tab.pages.focus_list)
        self.path_bar.left.connect(focus_list)
        self.filter_edit.returnPressed.connect(focus_list)
        self.status.stop_wanted.connect(in_front(self.tabs, lambda tab: tab.navigator.stop))
        self.status.error_wanted.connect(self._show_error)
        self.status.transfers_wanted.connect(lambda: self.panels.show("transfers"))
        self.panels.location_wanted.connect(self.open_location)
        self.panels.summary_changed.connect(self.status.show_transfer)
        self.connecting.profiles_changed.connect(self.sidebar.show_profiles)
        self.connecting.opened.connect(self.open_location)
        self.connecting.edited.connect(self._connection_edited)
        self.connecting.removing.connect(self.tabs.leave_connection)
        self.connecting.said.connect(self.show_notice)
        for carried in (self.drops, self.carrying):
            carried.said.connect(self.show_notice)
            carried.hinted.connect(self.status.show_hint)
        for part in (self.tabs.strip, self.sidebar, self.path_bar):
            part.take_drops(self.drops)

    # What the application asks.

    def open_start(self) -> None:
        """Show the start page as it is now."""
        self.pages.refresh()
        self._show_place(self.tab)

    def open_location(self, location: Location) -> None:
        """Show a folder, or the folder of an object with that object selected."""
        self.tab.open_location(location)

    def open_apart(self, location: Location) -> None:
        """Show a place in a tab of its own, unless a start page is in front."""
        if self.tab.location is None:
            self.open_location(location)
        else:
            self.tabs.open(None)
            self.open_location(location)

    def open_text(self, text: str) -> None:
        """Show the place that a typed address names."""
        self.tab.open_text(text)

    async def restore_tabs(self, *, alone: bool = True) -> None:
        """Open the tabs of last time; only the one in front is listed.

        Without ``alone`` a single one is left out: it was a place, not a set of tabs.
        """
        places, current = await self._tab_memory.restore()
        if alone or len(places) > 1:
            self.tabs.restore(places, current)

    def select_name(self, name: str) -> None:
        """Select the entry of that exact name (a folder's with or without its slash)."""
        self.tab.select_name(name)

    def show_notice(self, text: str, tone: str = "warning") -> None:
        """Say something above the list."""
        self.tab.say(text, tone)

    def tell_ended(self, text: str, tone: str) -> None:
        """Say above the list that transfers ended, with the way to them."""
        self.tab.say(text, tone, self.tr("Show transfers"), lambda: self.panels.show("transfers"))

    def allow_close(self, *, keep: bool = True) -> None:
        """Let the next close event through; the work has been put down.

        Size and panels are remembered, but those of a window that nobody had on a screen.
        """
        if not self._may_close:
            self._may_close = True
            if keep:
                self._memory.keep_window()
            self._stop_failures()
            self.tabs.end()
            self.carrying.close()
            self.drops.unsubscribe()

    def event(self, event: QEvent) -> bool:
        """Draw and lay out all of the window while the transfers' loop waits.

        Qt gives the interpreter away around each call to a model or a delegate: beside a busy
        thread 320 cells took 55 to 75 ms, of which 11 were work, the titles of 13 columns 23.
        """
        if event.type() in _LONG_TURNS:
            with undisturbed():
                return super().event(event)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Enter press the button that has the keyboard."""
        if not press_focused(self, event):
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask to be closed, until it is allowed."""
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.close_requested.emit()

    # Tabs.

    def _tab_built(self, tab: Tab) -> None:
        tab.place_changed.connect(self._show_place)
        tab.folder_changed.connect(self.sidebar.reload)
        tab.apart_wanted.connect(lambda place: self.tabs.open(place, behind=True))
        tab.file_opened.connect(lambda: self.panels.show("preview"))
        tab.action_wanted.connect(self._placeholder_action)
        self.menus.follow(tab)
        self.actions_by_id.attach(tab.view)
        tab.take_drops(self.drops)
        self.carrying.follow(tab)
        self.situation.follow(tab)

    def _tab_shown(self, tab: Tab) -> None:
        self._filter.follow(tab)
        self.panels.follow(tab.selection, tab.changes)
        self._show_place(tab)

    def _show_place(self, tab: Tab) -> None:
        """Show around the list which place is in front."""
        if tab is not self.tab:
            return
        self._filter.refresh(tab)
        location = tab.location
        self.sidebar.follow(location)
        # Another program may have removed its connection.
        if location is None or not tab.address:
            self.path_bar.show_place([], "")
            self.status.show_place("")
            self.setWindowTitle("dalbrowser")
        else:
            profile = self._session.profiles.get(location.profile_id)
            self.path_bar.show_place(crumbs_of(location, profile), tab.address)
            self.setWindowTitle(f"{profile_label(profile)} — dalbrowser")
            self.status.show_place(profile_label(profile))
        tab.pages.focus_list()

    def _keep_tabs(self) -> None:
        self._tab_memory.keep(self.tabs.addresses(), self.tabs.strip.currentIndex())

    # Doing.

    def _reload(self) -> None:
        if self._session.secrets.problem is not None:
            # The person may have unlocked the keyring since it failed.
            self._session.tasks.spawn(
                self._ask_keyring_again(self.tab),
                owner="window",
                name="ask the keyring",
                group="keyring",
            )
            return
        self._list_again(self.tab)

    async def _ask_keyring_again(self, tab: Tab) -> None:
        await self._session.secrets.try_again()
        self._list_again(tab)

    def _list_again(self, tab: Tab) -> None:
        tab.reload()
        if tab.location is not None:
            self.sidebar.reload(tab.location)

    def _stop(self) -> None:
        """Escape: stop the listing, else leave and clear the filter, else clear the selection."""
        if self.tab.stop():
            return
        filtering = self.filter_edit.hasFocus()
        if self._filter.clear() or filtering:
            if filtering:
                self.pages.focus_list()
            return
        self.view.clearSelection()

    def _toggle_hidden(self) -> None:
        shown = not self._session.settings.get("view.hidden")
        self._session.settings.set("view.hidden", shown)
        self.actions_by_id["toggle_hidden"].setChecked(shown)
        for tab in self.tabs.tabs:
            tab.show_hidden()

    def _placeholder_action(self, name: str) -> None:
        if name in {"demo", "home"}:
            self.open_location(Location(name))
        elif name == "clear_filter":
            self._filter.clear()
        else:
            self.actions_by_id[name].trigger()

    def _with_profile(self, act: Callable[[Profile], None]) -> None:
        profile = self.situation.profile
        if profile is not None:
            act(profile)

    def _connection_edited(self, profile: Profile) -> None:
        self.tabs.connection_edited(profile)
        self.sidebar.reload(Location(profile.id))
        here = self.tab.location
        if here is None or here.profile_id != profile.id:
            self.open_location(Location(profile.id, profile.fixed_bucket))

    def _sidebar_middle_clicked(self, index: QModelIndex) -> None:
        place = self.sidebar.place_at(index)
        if place is not None:
            self.tabs.open(place, behind=True)

    def _show_error(self) -> None:
        if self.navigator.error is not None:
            self.tab.say(
                describe(self.navigator.error), "error", self.tr("Try again"), self._reload
            )

    def _task_failed(self, name: str, error: BaseException) -> None:
        self.tab.say(
            self.tr("Something went wrong ({task}): {why}").format(task=name, why=describe(error)),
            "error",
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The mouse's own back and forward buttons."""
        if event.button() is Qt.MouseButton.BackButton:
            self.navigator.back()
        elif event.button() is Qt.MouseButton.ForwardButton:
            self.navigator.forward()
        else:
            super().mousePressEvent(event)
