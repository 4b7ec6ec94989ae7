"""The main window: puts the parts together and passes their signals on.

Invariants: the window decides nothing that a part can decide; closing it only asks
(``close_requested``) until the application has put its work down and says ``allow_close``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter

from dalbrowser.profiles import Location, TargetError, format_location, parse_location
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui.actions import ActionTable
from dalbrowser.ui.changes import Changes
from dalbrowser.ui.connecting import Connecting
from dalbrowser.ui.entries.model import EntryModel
from dalbrowser.ui.entries.view import EntryView
from dalbrowser.ui.icons import app_icon
from dalbrowser.ui.navigation import Navigator
from dalbrowser.ui.panels import Panels
from dalbrowser.ui.pathbar.bar import PathBar
from dalbrowser.ui.pathbar.crumbs import crumbs_of
from dalbrowser.ui.place import PlacePages
from dalbrowser.ui.remember import Memory
from dalbrowser.ui.selection import SelectionWatcher
from dalbrowser.ui.sidebar.tree import SidebarTree, profile_label
from dalbrowser.ui.situation import Situation
from dalbrowser.ui.statusbar import StatusBar
from dalbrowser.ui.toolbar import build_toolbar, make_filter
from dalbrowser.ui.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtGui import QCloseEvent, QMouseEvent

    from dalbrowser.session import Session

_FILTER_DELAY = 120
"""Milliseconds after the last letter before the filter is applied."""


class MainWindow(QMainWindow):
    """The window.

    Signals:
        close_requested: the person wants to leave; the application ends what runs first.
    """

    close_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("dalbrowser")
        self.setWindowIcon(app_icon())
        self._session = session
        self._may_close = False
        self.model = EntryModel(self)
        self.view = EntryView(self.model)
        self.navigator = Navigator(session, self.model, self)
        self.selection = SelectionWatcher(self.model, self.view, self)
        self.sidebar = SidebarTree(session)
        self.path_bar = PathBar()
        self.filter_edit = make_filter()
        self.pages = PlacePages(self.navigator, self.model, self.view)
        self.status = StatusBar(self)
        self.changes = Changes(session, self.navigator, self.model, self.view, self)
        self.traffic = Traffic(session, self.navigator, self.model, self.changes, self)
        self.connecting = Connecting(session, self)
        self.panels = Panels(session, self.selection, self.changes, self)
        self.actions_by_id = ActionTable(self, self.view, self._handlers())
        self.situation = Situation(
            session=session,
            navigator=self.navigator,
            model=self.model,
            selection=self.selection,
            status=self.status,
            pages=self.pages,
            actions=self.actions_by_id,
            window=self,
        )
        self._filter_timer = QTimer(self, singleShot=True, interval=_FILTER_DELAY)
        self._lay_out()
        self._connect()
        self._stop_failures = session.tasks.on_failure(self._task_failed)
        self.open_start()

    # Building.

    def _handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "back": self.navigator.back,
            "forward": self.navigator.forward,
            "up": self.navigator.up,
            "reload": self._reload,
            "stop": self._stop,
            "open": self._open_selected,
            "preview": lambda: self.panels.toggle("preview"),
            "download": self.traffic.download,
            "upload": self.traffic.choose_files,
            "upload_folder": self.traffic.choose_folder,
            "new_folder": self.changes.new_folder,
            "rename": self.changes.rename,
            "delete": self.changes.delete,
            "copy_path": self.changes.copy_path,
            "properties": self.changes.properties,
            "incomplete_uploads": self.changes.incomplete_uploads,
            "select_all": self.view.selectAll,
            "invert_selection": self.view.invert_selection,
            "edit_path": self.path_bar.edit,
            "filter": self._focus_filter,
            "toggle_hidden": self._toggle_hidden,
            "toggle_preview": lambda: self.panels.toggle("preview"),
            "toggle_sidebar": lambda: self.panels.toggle("sidebar"),
            "toggle_transfers": lambda: self.panels.toggle("transfers"),
            "add_connection": self.connecting.add,
            "edit_connection": self._edit_connection,
            "remove_connection": self._remove_connection,
            "quit": self.close_requested.emit,
        }

    def _lay_out(self) -> None:
        self.addToolBar(build_toolbar(self, self.actions_by_id, self.path_bar, self.filter_edit))
        self.setStatusBar(self.status)
        across = QSplitter(Qt.Orientation.Horizontal)
        across.setObjectName("across")
        across.addWidget(self.sidebar)
        across.addWidget(self.pages)
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
        self._memory = Memory(self._session, self, self.view.header_columns, (across, down))
        self._memory.restore_window()
        self.panels.attach(
            {
                "sidebar": (self.sidebar, self.actions_by_id["toggle_sidebar"]),
                "preview": (self.panels.preview, self.actions_by_id["toggle_preview"]),
                "transfers": (self.panels.transfers, self.actions_by_id["toggle_transfers"]),
            }
        )

    def _connect(self) -> None:
        self.navigator.location_changed.connect(self._location_changed)
        self.navigator.leaving.connect(self._remember_name)
        self.navigator.progressed.connect(self._listing_moved)
        self.sidebar.location_chosen.connect(self.open_location)
        self.sidebar.menu_requested.connect(self._sidebar_menu)
        self.sidebar.dropped.connect(self.traffic.upload_to)
        self.path_bar.location_chosen.connect(self.open_location)
        self.path_bar.text_entered.connect(self.open_text)
        self.path_bar.left.connect(self.pages.focus_list)
        self.filter_edit.textChanged.connect(lambda _text: self._filter_timer.start())
        self.filter_edit.returnPressed.connect(self.pages.focus_list)
        self._filter_timer.timeout.connect(self._apply_filter)
        self.view.row_opened.connect(self._open_row)
        self.view.menu_requested.connect(self._entry_menu)
        self.view.dropped.connect(self._dropped)
        self.pages.dropped.connect(lambda paths: self._dropped(paths, -1))
        self.pages.action_wanted.connect(self._face_action)
        self.status.stop_wanted.connect(self.navigator.stop)
        self.status.error_wanted.connect(self._show_error)
        self.status.transfers_wanted.connect(lambda: self.panels.show("transfers"))
        self.panels.location_wanted.connect(self.open_location)
        self.panels.summary_changed.connect(self.status.show_transfer)
        self.connecting.profiles_changed.connect(self._profiles_changed)
        self.connecting.opened.connect(self.open_location)
        self.connecting.removing.connect(self._leave_connection)
        for part in (self.changes, self.traffic, self.connecting):
            part.said.connect(self.pages.notice.say)
        for part in (self.changes, self.traffic):
            part.folder_changed.connect(self.sidebar.reload)

    # What the application asks.

    def open_start(self) -> None:
        """Show the start page."""
        self.pages.refresh()
        self.path_bar.show_place([], "")
        self.status.show_nothing()
        self.situation.allow()

    def open_location(self, location: Location) -> None:
        """Show a folder, or the folder of an object with that object selected."""
        try:
            self._session.profiles.get(location.profile_id)
        except StorageError as error:
            # A place from a menu, a panel or the history may be in a connection that is gone.
            self.show_notice(describe(error), "error")
            return
        if location.is_folder:
            self.navigator.open(location)
            return
        self._session.tasks.spawn(
            self._open_object(location), owner="window", name="find a place", group="find"
        )

    def open_text(self, text: str) -> None:
        """Show the place that a typed address names."""
        if text.strip():
            self._session.tasks.spawn(
                self._open_text(text), owner="window", name="read an address", group="find"
            )

    def select_name(self, name: str) -> None:
        """Select the entry of that exact name (a folder's with or without its slash)."""
        for wanted in (name, f"{name}/"):
            row = self.model.columns.row_of(wanted)
            if row is not None and self.view.select_row(row):
                return

    def show_notice(self, text: str, tone: str = "warning") -> None:
        """Say something above the list."""
        self.pages.notice.say(text, tone)

    def allow_close(self) -> None:
        """Let the next close event through; the work has been put down."""
        if not self._may_close:
            self._may_close = True
            self._memory.keep_window()
            self._stop_failures()
            self.traffic.unsubscribe()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask to be closed, until it is allowed."""
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self.close_requested.emit()

    # Going places.

    async def _open_object(self, location: Location) -> None:
        """Open an object's folder; a key without a slash may also be a folder's name."""
        try:
            found = await self._session.resolve(location)
        except (StorageError, OSError) as error:
            self.navigator.open(location.parent)
            self.show_notice(describe(error), "error")
            return
        if found is None:
            self.navigator.open(location.parent)
            text = self.tr("Nothing here is called “{name}”: no object, and no folder.")
            self.show_notice(text.format(name=location.name), "error")
        elif found.is_folder:
            self.navigator.open(found)
        else:
            self.navigator.open(found.parent, found.name)

    async def _open_text(self, text: str) -> None:
        try:
            # It may have to look at the disk, for a local path.
            location = await asyncio.to_thread(parse_location, text, self._session.profiles)
        except (TargetError, StorageError, OSError) as error:
            self.show_notice(describe(error), "error")
            return
        if location.is_folder:
            self.navigator.open(location)
        else:
            await self._open_object(location)

    def _open_row(self, row: int) -> None:
        place = self.changes.place_of(row)
        if place is None:
            return
        if place.is_folder:
            self.navigator.open(place)
        else:
            self.panels.show("preview")

    def _open_selected(self) -> None:
        row = self.view.current_row()
        if row is not None:
            self._open_row(row)

    def _reload(self) -> None:
        if self._session.secrets.problem is not None:
            # The person may have unlocked the keyring since it failed.
            self._session.tasks.spawn(
                self._ask_keyring_again(), owner="window", name="ask the keyring", group="keyring"
            )
            return
        self._list_again()

    async def _ask_keyring_again(self) -> None:
        await self._session.secrets.try_again()
        self._list_again()

    def _list_again(self) -> None:
        self.navigator.reload()
        if self.navigator.location is not None:
            self.sidebar.reload(self.navigator.location)

    def _stop(self) -> None:
        """Escape: stop the listing, else clear the filter, else the selection."""
        if self.navigator.running:
            self.navigator.stop()
        elif self.filter_edit.text():
            self.filter_edit.clear()
        else:
            self.view.clearSelection()

    def _remember_name(self) -> None:
        here, row = self.navigator.history.here, self.view.current_row()
        if here is not None and row is not None:
            here.name = self.model.columns.names[row]

    def _location_changed(self, location: Location) -> None:
        self.filter_edit.clear()
        self._apply_filter()
        self.pages.notice.clear()
        profile = self._session.profiles.get(location.profile_id)
        address = format_location(location, self._session.profiles)
        self.path_bar.show_place(crumbs_of(location, profile), address)
        self._memory.show_place(location, address)
        self.sidebar.follow(location)
        self.setWindowTitle(f"{profile_label(profile)} — dalbrowser")
        self.status.show_place(profile_label(profile))
        self.model.set_show_hidden(
            profile.scheme != "fs" or self._session.settings.get("view.hidden")
        )
        self.pages.can_edit = not (profile.builtin or profile.is_adhoc)
        self.situation.learn(location)
        self.pages.focus_list()

    # What is true now.

    def _listing_moved(self) -> None:
        self.situation.show_counts()
        self.situation.allow()
        error = self.navigator.error
        self.status.show_error(describe(error) if error is not None else "")
        wanted = self.navigator.wanted_name
        if wanted and not self.navigator.running and not self.selection.rows:
            self.select_name(wanted)
            self.navigator.settle_name()
        if error is not None and self.model.total:
            self.pages.notice.say(
                self.tr("This listing is incomplete. {why}").format(why=describe(error)),
                "error",
                self.tr("Try again"),
                self._reload,
            )

    # Menus, filter, drops.

    def _entry_menu(self, where: QPoint) -> None:
        self.selection.look()
        self._popup("entry" if self.selection.rows else "folder", where)

    def _popup(self, place: str, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setObjectName("contextMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.actions_by_id.fill(menu, place)
        menu.popup(where)

    def _sidebar_menu(self, place: Location | None, where: QPoint) -> None:
        if place is not None and place != self.navigator.location:
            self.open_location(place)
        menu = QMenu(self)
        menu.setObjectName("contextMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if place is not None:
            menu.addAction(self.actions_by_id["reload"])
            menu.addSeparator()
        self.actions_by_id.fill(menu, "connection")
        menu.popup(where)

    def _focus_filter(self) -> None:
        self.filter_edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter_edit.selectAll()

    def _apply_filter(self) -> None:
        self._filter_timer.stop()
        self.pages.filter_text = self.filter_edit.text()
        self.model.set_filter(self.filter_edit.text())

    def _toggle_hidden(self) -> None:
        shown = not self._session.settings.get("view.hidden")
        self._session.settings.set("view.hidden", shown)
        self.actions_by_id["toggle_hidden"].setChecked(shown)
        self.model.set_show_hidden(shown)

    def _dropped(self, paths: list[Path], row: int) -> None:
        target = self.navigator.location if row < 0 else self.changes.place_of(row)
        if target is not None:
            self.traffic.upload_to(paths, target)

    def _face_action(self, name: str) -> None:
        if name in {"demo", "home"}:
            self.navigator.open(Location(name))
        elif name == "clear_filter":
            self.filter_edit.clear()
        else:
            self.actions_by_id[name].trigger()

    # Connections and failures.

    def _edit_connection(self) -> None:
        profile = self.situation.profile
        if profile is not None:
            self.connecting.edit(profile)

    def _remove_connection(self) -> None:
        profile = self.situation.profile
        if profile is not None:
            self.connecting.remove(profile)

    def _profiles_changed(self) -> None:
        self.sidebar.show_profiles()

    def _leave_connection(self, profile_id: str) -> None:
        here = self.navigator.location
        if here is not None and here.profile_id == profile_id:
            self.navigator.close(profile_id)
            self.open_start()

    def _show_error(self) -> None:
        if self.navigator.error is not None:
            text = describe(self.navigator.error)
            self.pages.notice.say(text, "error", self.tr("Try again"), self._reload)

    def _task_failed(self, name: str, error: BaseException) -> None:
        self.pages.notice.say(
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
