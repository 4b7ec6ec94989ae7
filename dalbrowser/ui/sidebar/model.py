"""The tree of connections, buckets and folders; knows nodes by number, loads nothing itself.

Invariants: an index carries a node's number and no Python object; a node's children are
added at the end or removed all together, so that a node's row never changes; a level holds
at most ``LIMIT`` folders (a tree view lays out all rows anew at each insertion), and says
so when there are more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from dalbrowser.ui.format import tip_text, visible_name
from dalbrowser.ui.theme import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dalbrowser.profiles import Location

Index = QModelIndex | QPersistentModelIndex
LIMIT = 2_000
_ROOT = 0
_NOWHERE = QModelIndex()


class NodeKind(Enum):
    """What a node stands for; the value is its icon."""

    CONNECTION = "cloud"
    HOME = "home"
    DEMO = "demo"
    DISK = "disk"
    MEMORY = "memory"
    BUCKET = "bucket"
    FOLDER = "folder"
    MESSAGE = "info"


@dataclass(slots=True)
class Node:
    """One node. ``children`` is ``None`` while they have never been asked for."""

    parent: int
    row: int
    label: str
    kind: NodeKind
    location: Location | None
    children: list[int] | None = None
    tip: str = ""
    known: set[Location] = field(default_factory=set)
    partial: bool = False
    """Whether its children are only those on the way to a place that was shown."""


class SidebarModel(QAbstractItemModel):
    """The tree.

    Signals:
        children_wanted: a node's number; its folders should be listed.
    """

    children_wanted = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: dict[int, Node] = {_ROOT: Node(-1, 0, "", NodeKind.MESSAGE, None, children=[])}
        self._next = _ROOT + 1

    # What is in it.

    def show_connections(self, connections: Sequence[tuple[str, NodeKind, Location]]) -> None:
        """Show these connections, in this order, all closed."""
        self.beginResetModel()
        self._nodes = {_ROOT: Node(-1, 0, "", NodeKind.MESSAGE, None, children=[])}
        for label, kind, location in connections:
            self._make(_ROOT, label, kind, location)
        self.endResetModel()

    def add_connection(self, label: str, kind: NodeKind, location: Location) -> None:
        """Show one more connection, below the others."""
        self._insert(_ROOT, [(label, kind, location)])

    def open_way(self, location: Location) -> list[int]:
        """Return the nodes down to a place, those made that nobody has listed.

        A level that was listed, or is being listed, gets nothing that the listing did not bring.
        """
        line = self.nodes_to(location)
        for place in _way(self.location(line[-1]), location) if line else ():
            holder = self._nodes[line[-1]]
            if self.is_loaded(line[-1]):
                break
            holder.partial = True
            self._insert(line[-1], [(_label(place), _kind(place), place)])
            holder.known.add(place)
            line.append((holder.children or [])[-1])
        return line

    def add_folders(self, node: int, locations: Sequence[Location]) -> None:
        """Add folders below a node; those it has already are left out."""
        found = self._nodes.get(node)
        if found is None:
            return
        self._drop_messages(node)
        fresh = [place for place in locations if place not in found.known]
        room = max(0, LIMIT - len(found.children or ()))
        shown, rest = fresh[:room], fresh[room:]
        if shown:
            self._insert(node, [(_label(place), _kind(place), place) for place in shown])
            found.known.update(shown)
        if rest:
            self.say(node, self.tr("More folders in the list…"))

    def put_folder(self, node: int, place: Location) -> None:
        """Add a folder that was just made below a node, however many there are."""
        found = self._nodes.get(node)
        if found is None or not self.is_loaded(node) or place in found.known:
            return
        last = self._nodes[(found.children or [_ROOT])[-1]]
        said = (last.label, last.tip) if last.kind is NodeKind.MESSAGE else None
        self._drop_messages(node)
        self._insert(node, [(_label(place), _kind(place), place)])
        found.known.add(place)
        if said is not None and node != _ROOT:
            self.say(node, *said)

    def knows(self, place: Location) -> bool:
        """Whether a place is in the tree."""
        line = self.nodes_to(place)
        return bool(line) and self.location(line[-1]) == place

    def say(self, node: int, text: str, tip: str = "") -> None:
        """Put a line of text below a node, in place of the one before."""
        if node not in self._nodes:
            return
        self._drop_messages(node)
        self._insert(node, [(text, NodeKind.MESSAGE, None)])
        line = (self._nodes[node].children or [0])[-1]
        self._nodes[line].tip = tip

    def loaded(self, node: int) -> None:
        """All of a node's folders are there."""
        found = self._nodes.get(node)
        if found is None:
            return
        lines = [self._nodes[child].label for child in found.children or ()]
        if lines == [self.tr("Loading…")]:
            self._drop_messages(node)
        if found.children is None:
            found.children = []
        found.partial = False
        index = self.index_of(node)
        self.dataChanged.emit(index, index)

    def forget(self, node: int) -> None:
        """Forget a node's children, to be asked for again."""
        found = self._nodes.get(node)
        if found is None or found.children is None:
            return
        count = len(found.children)
        if count:
            self.beginRemoveRows(self.index_of(node), 0, count - 1)
        self._discard(found.children)
        found.children = None
        found.known = set()
        found.partial = False
        if count:
            self.endRemoveRows()

    def location(self, node: int) -> Location | None:
        """Return the place that a node stands for."""
        found = self._nodes.get(node)
        return found.location if found is not None else None

    def is_loaded(self, node: int) -> bool:
        """Whether a node's children were asked for."""
        found = self._nodes.get(node)
        return found is not None and found.children is not None and not found.partial

    def nodes_to(self, location: Location) -> list[int]:
        """Return the known nodes from the connection down to ``location``, as far as they go."""
        line: list[int] = []
        below = _ROOT
        while True:
            for child in self._nodes[below].children or ():
                place = self._nodes[child].location
                if place is not None and _holds(place, location):
                    line.append(child)
                    below = child
                    break
            else:
                return line

    def index_of(self, node: int) -> QModelIndex:
        """Return the index of a node."""
        if node == _ROOT or node not in self._nodes:
            return QModelIndex()
        return self.createIndex(self._nodes[node].row, 0, node)

    def node_at(self, index: Index) -> int:
        """Return the number of the node at an index; the root's for an invalid one."""
        return int(index.internalId()) if index.isValid() else _ROOT

    def _make(self, parent: int, label: str, kind: NodeKind, location: Location | None) -> None:
        holder = self._nodes[parent]
        if holder.children is None:
            holder.children = []
        children: list[int] | None = [] if kind is NodeKind.MESSAGE else None
        number, self._next = self._next, self._next + 1
        self._nodes[number] = Node(parent, len(holder.children), label, kind, location, children)
        holder.children.append(number)

    def _insert(self, node: int, made: Sequence[tuple[str, NodeKind, Location | None]]) -> None:
        first = len(self._nodes[node].children or ())
        self.beginInsertRows(self.index_of(node), first, first + len(made) - 1)
        for label, kind, location in made:
            self._make(node, label, kind, location)
        self.endInsertRows()

    def _drop_messages(self, node: int) -> None:
        children = self._nodes[node].children
        if children and self._nodes[children[-1]].kind is NodeKind.MESSAGE:
            last = len(children) - 1
            self.beginRemoveRows(self.index_of(node), last, last)
            self._discard([children.pop()])
            self.endRemoveRows()

    def _discard(self, nodes: Sequence[int]) -> None:
        for node in list(nodes):
            gone = self._nodes.pop(node)
            self._discard(gone.children or ())

    # What Qt asks.

    def index(self, row: int, column: int, parent: Index = _NOWHERE) -> QModelIndex:
        children = self._nodes[self.node_at(parent)].children or ()
        if column != 0 or not 0 <= row < len(children):
            return QModelIndex()
        return self.createIndex(row, 0, children[row])

    def parent(self, index: Index = _NOWHERE) -> QModelIndex:  # type: ignore[override]
        node = self._nodes.get(self.node_at(index))
        if node is None or node.parent <= _ROOT:
            return QModelIndex()
        return self.index_of(node.parent)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        if parent.column() > 0:
            return 0
        node = self._nodes.get(self.node_at(parent))
        return len(node.children or ()) if node is not None else 0

    def columnCount(self, _parent: Index = _NOWHERE) -> int:
        return 1

    def hasChildren(self, parent: Index = _NOWHERE) -> bool:
        """Say yes until a folder was looked into, so that it can be opened."""
        node = self._nodes.get(self.node_at(parent))
        return node is not None and (node.children is None or bool(node.children))

    def flags(self, index: Index) -> Qt.ItemFlag:
        node = self._nodes.get(self.node_at(index))
        if not index.isValid() or node is None or node.kind is NodeKind.MESSAGE:
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        return flags | Qt.ItemFlag.ItemIsDropEnabled

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        node = self._nodes.get(self.node_at(index))
        if not index.isValid() or node is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return node.label
        if role == Qt.ItemDataRole.DecorationRole:
            folder = node.kind in {NodeKind.FOLDER, NodeKind.BUCKET}
            return theme().icon(node.kind.value, "folder" if folder else "muted")
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = node.tip or (node.location.path if node.location else "")
            return tip_text(tip or node.label)
        return None


def _label(location: Location) -> str:
    return visible_name(location.name.removesuffix("/"))


def _kind(location: Location) -> NodeKind:
    return NodeKind.FOLDER if location.path else NodeKind.BUCKET


def _way(above: Location | None, location: Location) -> list[Location]:
    """Return the places from below ``above`` down to ``location``, both of one connection."""
    steps: list[Location] = []
    here = location
    while here not in {above, here.parent}:
        steps.append(here)
        here = here.parent
    return steps[::-1] if here == above else []


def _holds(place: Location, location: Location) -> bool:
    """Whether ``location`` is ``place`` or lies below it."""
    if place.profile_id != location.profile_id:
        return False
    if place.is_root:
        return True
    return place.bucket == location.bucket and location.path.startswith(place.path)
