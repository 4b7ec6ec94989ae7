"""The sidebar on screen: opens levels through the session, takes drops, has its own menu.

Invariant: opening a level lists it once, and leaving the tree alone never asks for
anything; what fails is said in the tree, where it happened.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QCursor, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyleOptionViewItem, QTreeView, QWidget

from dalbrowser.profiles import Location
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui.dropping import DropHandling, Spot
from dalbrowser.ui.sidebar.model import NodeKind, SidebarModel
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
    )

    from dalbrowser.profiles import Profile
    from dalbrowser.session import Session
    from dalbrowser.ui.dragging.drops import Drops

Index = QModelIndex | QPersistentModelIndex
_CHEVRON = 12
_ROUND = 6
"""Logical pixels: the corners of a row's ground."""
_KINDS = {"fs": NodeKind.DISK, "memory": NodeKind.MEMORY}
_BUILTIN = {"home": NodeKind.HOME, "demo": NodeKind.DEMO}


class SidebarTree(QTreeView):
    """Connections, buckets and folders; its requests are tasks of ``owner``.

    Signals:
        location_chosen: a place was clicked or entered.
        menu_requested: a place or ``None``, and a global position.
    """

    location_chosen = Signal(object)
    menu_requested = Signal(object, QPoint)

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        *,
        name: str = "sidebarTree",
        owner: str = "sidebar",
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(self.tr("Connections and folders"))
        self._session = session
        self._owner = owner
        self._model = SidebarModel(self)
        self._followed: Location | None = None
        self._following = False
        self._drops = DropHandling(self, self._drop_spot_at, self._mark_drop, self._spring)
        self._drop_node: int | None = None
        self.setModel(self._model)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        self.setIconSize(QSize(18, 18))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setExpandsOnDoubleClick(False)
        self.setAcceptDrops(True)
        self.setMinimumWidth(160)
        self.expanded.connect(self._expanded)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.customContextMenuRequested.connect(self._menu_at)
        theme().changed.connect(self.viewport().update)
        self.show_profiles()

    def show_profiles(self) -> None:
        """Show the connections there are now."""
        profiles = self._session.profiles.all()
        own = [item for item in profiles if not item.builtin]
        built_in = [item for item in profiles if item.builtin]
        self._model.show_connections([_row(item) for item in (*own, *built_in)])
        if self._followed is not None:
            self.follow(self._followed)

    def follow(self, location: Location | None) -> None:
        """Open the way to the place that is shown in the list, and select it.

        Nothing is asked for: levels that were never listed show the way alone, until a person
        opens them. ``None`` selects nothing.
        """
        self._followed = location
        line = [] if location is None else self._way_to(location)
        if not line:
            self.clearSelection()
            return
        self._following = True
        for node in line[:-1]:
            self.setExpanded(self._model.index_of(node), True)
        self._following = False
        index = self._model.index_of(line[-1])
        self.setCurrentIndex(index)
        self.scrollTo(index)

    def show_made(self, place: Location) -> None:
        """Show a folder that was just made, and select it."""
        above = self._model.nodes_to(place.parent)
        if above and self._model.location(above[-1]) == place.parent:
            self._model.put_folder(above[-1], place)
        self.follow(place)

    def knows(self, place: Location) -> bool:
        """Whether a place is in the tree."""
        return self._model.knows(place)

    def list_way(self, location: Location) -> None:
        """List the levels above a place that show no more than the way to it."""
        for node in self._model.nodes_to(location)[:-1]:
            if not self._model.is_loaded(node):
                self._list(node)

    def list_in(self, location: Location) -> None:
        """Open a place of the tree, and list its folders if nobody has."""
        line = self._model.nodes_to(location)
        if not line or self._model.location(line[-1]) != location:
            return
        self.setExpanded(self._model.index_of(line[-1]), True)
        if not self._model.is_loaded(line[-1]):
            self._list(line[-1])

    def _way_to(self, location: Location) -> list[int]:
        line = self._model.open_way(location)
        if line:
            return line
        try:
            profile = self._session.profiles.get(location.profile_id)
        except StorageError:
            return []
        if not profile.is_adhoc:
            return []
        self._model.add_connection(*_row(profile))
        return self._model.open_way(location)

    def reload(self, location: Location) -> None:
        """List a place of the tree anew, if it was opened."""
        line = self._model.nodes_to(location)
        if not line or self._model.location(line[-1]) != location:
            return
        node = line[-1]
        if not self._model.is_loaded(node):
            return
        opened = self.isExpanded(self._model.index_of(node))
        self._model.forget(node)
        if opened:
            self.setExpanded(self._model.index_of(node), False)
            self.setExpanded(self._model.index_of(node), True)

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the ground of a row in one piece, under chevron and name alike."""
        pointed = self.viewport().mapFromGlobal(QCursor.pos())
        here = QRect(0, option.rect.y(), self.viewport().width(), option.rect.height())
        ground = None
        if self.selectionModel().isSelected(self._model.index_of(self._model.node_at(index))):
            ground = "selection"
        elif self.underMouse() and here.contains(pointed):
            ground = "press"
        if ground is not None:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color(ground))
            painter.drawRoundedRect(here.adjusted(0, 0, -1, 0), _ROUND, _ROUND)
            painter.restore()
        if self._drop_node is not None and self._model.node_at(index) == self._drop_node:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme().color("accent"), 2))
            painter.setBrush(theme().color("selection"))
            painter.drawRoundedRect(here.adjusted(1, 1, -2, -1), _ROUND, _ROUND)
            painter.restore()
        super().drawRow(painter, option, index)

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """Draw a chevron where there is something to open, and no lines."""
        if not self._model.hasChildren(index):
            return
        name = (
            "chevron-down"
            if self.isExpanded(self._model.index_of(self._model.node_at(index)))
            else "chevron-right"
        )
        spot = QRect(0, 0, _CHEVRON, _CHEVRON)
        spot.moveCenter(QPoint(rect.right() - self.indentation() // 2, rect.center().y()))
        painter.drawPixmap(spot, theme().pixmap(name, _CHEVRON))

    def _expanded(self, index: QModelIndex) -> None:
        node = self._model.node_at(index)
        if self._following or self._model.is_loaded(node):
            return
        self._model.forget(node)
        self._model.say(node, self.tr("Loading…"))
        self._list(node)

    def _list(self, node: int) -> None:
        self._session.tasks.spawn(
            self._load(node),
            owner=self._owner,
            name=f"folders of node {node}",
            group=f"{self._owner} tree-{node}",
        )

    async def _load(self, node: int) -> None:
        location = self._model.location(node)
        if location is None:
            return
        try:
            async with aclosing(self._session.folders_below(location)) as pages:
                async for places in pages:
                    shown = [place for place in places if not self._hides(place)]
                    if shown:
                        self._model.add_folders(node, shown)
        except (StorageError, OSError) as error:
            text = describe(error)
            self._model.say(node, self.tr("Could not be listed"), text)
            return
        self._model.loaded(node)
        self._follow_deeper()

    def _follow_deeper(self) -> None:
        """Go on to the place shown, if a level that was just listed has it or its parent."""
        if self._followed is None:
            return
        line = self._model.nodes_to(self._followed)
        current = self.currentIndex()
        # Where a person has gone elsewhere in the tree meanwhile, it stays there.
        if not current.isValid() or self._model.node_at(current) in line:
            self.follow(self._followed)

    def _hides(self, place: Location) -> bool:
        """Whether a folder of the computer is hidden, as it is in the list."""
        profile = self._session.profiles.get(place.profile_id)
        hidden = profile.scheme == "fs" and place.name.startswith(".")
        return hidden and not self._session.settings.get("view.hidden")

    def place_at(self, index: QModelIndex) -> Location | None:
        """Return the place that a row stands for; none for a line of text."""
        return self._model.location(self._model.node_at(index))

    def _choose(self, index: QModelIndex) -> None:
        location = self.place_at(index)
        if location is not None:
            self.location_chosen.emit(location)

    def _menu_at(self, where: QPoint) -> None:
        index = self.indexAt(where)
        place = self._model.location(self._model.node_at(index)) if index.isValid() else None
        self.menu_requested.emit(place, self.viewport().mapToGlobal(where))

    # Drag and drop.

    def take_drops(self, drops: Drops) -> None:
        """Take drops on connections, buckets and folders."""
        self._drops.drops = drops

    def _drop_spot_at(self, where: QPoint) -> Spot | None:
        index = self.indexAt(where)
        place = self._model.location(self._model.node_at(index)) if index.isValid() else None
        return None if place is None else Spot(self._model.node_at(index), place)

    def _mark_drop(self, node: int | None) -> None:
        if node != self._drop_node:
            self._drop_node = node
            self.viewport().update()

    def _spring(self, node: int) -> int:
        self.setExpanded(self._model.index_of(node), True)
        return node

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drops.move(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drops.drop(event)


def profile_label(profile: Profile) -> str:
    """Return what a connection is called: a built-in one by its translated name.

    One that a URI made has no name: it is called by its kind and its server.
    """
    if profile.is_adhoc:
        server = urlsplit(profile.config.get("endpoint", "")).netloc
        return f"{profile.scheme} · {server}" if server else profile.scheme
    return profile.name.capitalize() if profile.builtin else profile.name


def profile_icon(profile: Profile) -> NodeKind:
    """Return the kind of node that shows a connection."""
    if profile.builtin and profile.id in _BUILTIN:
        return _BUILTIN[profile.id]
    return _KINDS.get(profile.scheme, NodeKind.CONNECTION)


def _row(profile: Profile) -> tuple[str, NodeKind, Location]:
    location = Location(profile.id, profile.fixed_bucket)
    return profile_label(profile), profile_icon(profile), location
