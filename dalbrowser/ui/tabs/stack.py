"""The tabs of a window: which there are, in which order, which is in front.

Invariants: there is always one in front, and only that one has the object names that a
person's eyes would find; a tab of last time is built and listed when it is first shown;
the last tab closed leaves the start page, never an empty window.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from dalbrowser.ui.tabs.foreground import step_back, step_forward
from dalbrowser.ui.tabs.kept import Kept, address_of, title_of
from dalbrowser.ui.tabs.strip import TabStrip
from dalbrowser.ui.tabs.tab import Tab

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dalbrowser.profiles import Location, Profile
    from dalbrowser.session import Session

_REOPENED = 10
"""How many closed tabs can be opened again."""


class TabStack(QWidget):
    """The row of tabs above the one in front.

    Signals:
        built: a tab came to be; whoever listens to tabs connects to it now.
        shown: another tab is in front.
        changed: tabs, order, places or which is in front are others; worth remembering.
        menu_filled: a tab's context menu, to be added to before it is shown.
        said: what went wrong with something begun in a tab that is closed, and its tone.
    """

    built = Signal(object)
    shown = Signal(object)
    changed = Signal()
    menu_filled = Signal(object)
    said = Signal(str, str)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tabStack")
        self._session = session
        self._window = window
        self._slots: dict[int, Tab | Kept] = {}
        self._numbers = count(1)
        self._closed: deque[Kept] = deque(maxlen=_REOPENED)
        self._behind = 0
        self._restoring = False
        self.strip = TabStrip(self._place_of, self)
        self._pages = QStackedWidget()
        self._pages.setObjectName("tabPages")
        lines = QVBoxLayout(self)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        lines.addWidget(self.strip)
        lines.addWidget(self._pages, 1)
        self.strip.currentChanged.connect(self._turned)
        self.strip.tabMoved.connect(lambda _from, _to: self._tell())
        self.strip.close_wanted.connect(self.close_tab)
        self.strip.new_wanted.connect(self.new)
        self.strip.menu_wanted.connect(self._menu)
        self._front: Tab | None = None

    # What there is.

    @property
    def current(self) -> Tab:
        """The tab in front."""
        if self._front is None:
            raise RuntimeError("There is no tab yet; begin() makes the first one.")
        return self._front

    @property
    def tabs(self) -> list[Tab]:
        """The tabs that have been shown or begun, in their order."""
        slots = (self._slots[number] for number in self.strip.numbers())
        return [slot for slot in slots if isinstance(slot, Tab)]

    @property
    def number(self) -> int:
        """The number of the tab in front."""
        return self.strip.number_at(self.strip.currentIndex())

    @property
    def can_reopen(self) -> bool:
        """Whether a closed tab can be opened again."""
        return bool(self._closed)

    def places(self) -> list[Location | None]:
        """Return the places of all tabs in their order, ``None`` for a start page."""
        return [self._slots[number].location for number in self.strip.numbers()]

    def addresses(self) -> list[str]:
        """Return the addresses of all tabs in their order, empty for a start page."""
        return [address_of(self._session, place) for place in self.places()]

    # Opening.

    def begin(self) -> None:
        """Make the first tab, on the start page."""
        self._add(Kept(), 0, show=True)

    def open(self, location: Location | None, *, behind: bool = False) -> None:
        """Open a place in a tab of its own, next to the one in front.

        ``behind`` leaves the one in front there; several come in the order they were asked for.
        """
        index = self.strip.currentIndex() + 1
        if behind:
            self._behind += 1
            index += self._behind - 1
        self._add(Kept.at(location), index, show=not behind, list_now=True)

    def new(self) -> None:
        """Open the place in front once more, as file managers do; or the start page."""
        self.open(self.current.location)

    def reopen(self) -> None:
        """Open the tab that was closed last, with its history."""
        if self._closed:
            self._add(self._closed.pop(), self.strip.currentIndex() + 1, show=True)

    def restore(self, places: Sequence[Location], current: int) -> None:
        """Show tabs of last time in place of an untouched start page; one of them is listed."""
        self._restoring = True
        untouched = self.strip.count() == 1 and self.current.location is None
        first = self.number if untouched else -1
        for place in places:
            self._add(Kept.at(place), self.strip.count(), show=False)
        if places:
            before = self.strip.count() - len(places)
            self.strip.setCurrentIndex(before + max(0, min(current, len(places) - 1)))
            if first >= 0:
                self._drop(first)
        self._restoring = False
        self._tell()

    def duplicate(self, number: int) -> None:
        """Open a tab's place and history once more, next to it."""
        self._add(self._kept(number), self.strip.index_of(number) + 1, show=True)

    # Closing.

    def close_tab(self, number: int) -> None:
        """Close a tab; the last one leaves the start page."""
        kept = self._kept(number)
        if self.strip.count() == 1:
            if kept.location is None:
                return
            self._add(Kept(), 1, show=True)
        if kept.location is not None:
            self._closed.append(kept)
        self._drop(number)
        self._tell()

    def close_current(self) -> None:
        """Close the tab in front."""
        self.close_tab(self.number)

    def close_others(self, number: int) -> None:
        """Close all tabs but one."""
        self.strip.setCurrentIndex(self.strip.index_of(number))
        for other in self.strip.numbers():
            if other != number:
                self.close_tab(other)

    def connection_edited(self, profile: Profile) -> None:
        """Look again at the places of a connection that is another now, in every tab."""
        for number, slot in self._slots.items():
            if isinstance(slot, Tab):
                slot.connection_edited(profile)
            self._name(number)
        self._tell()

    def leave_connection(self, profile_id: str) -> None:
        """Leave the places of a connection that is about to go, in every tab."""
        for number, slot in self._slots.items():
            if isinstance(slot, Tab):
                slot.leave_connection(profile_id)
            else:
                self._slots[number] = slot.without(profile_id)
            self._name(number)
        left = (kept.without(profile_id) for kept in self._closed)
        self._closed = deque((kept for kept in left if kept.location is not None), _REOPENED)
        self._tell()

    def end(self) -> None:
        """Let go of the transfers; the window is about to be closed."""
        for tab in self.tabs:
            tab.traffic.unsubscribe()

    # Going from tab to tab.

    def step(self, by: int) -> None:
        """Show the next tab (1) or the previous one (-1), round and round."""
        self.strip.setCurrentIndex((self.strip.currentIndex() + by) % self.strip.count())

    # Inside.

    def _add(self, kept: Kept, index: int, *, show: bool, list_now: bool = False) -> None:
        number = next(self._numbers)
        self._slots[number] = kept
        with QSignalBlocker(self.strip):
            # The first tab of all would be shown before it has its number.
            self.strip.add(number, index)
            if show:
                self.strip.setCurrentIndex(self.strip.index_of(number))
        self._name(number)
        if show:
            self._turned()
        elif list_now:
            self._built(number)
        self._tell()

    def _built(self, number: int) -> Tab:
        """Return a tab, made now if it is of last time."""
        slot = self._slots[number]
        if isinstance(slot, Tab):
            return slot
        tab = Tab(self._session, self._window)
        self._slots[number] = tab
        self._pages.addWidget(tab.pages)
        step_back(tab.pages)
        tab.place_changed.connect(self._place_changed)
        self.built.emit(tab)
        tab.resume(slot)
        return tab

    def _turned(self, _index: int = -1) -> None:
        self._behind = 0
        tab, before = self._built(self.number), self._front
        if tab is before:
            return
        if before is not None:
            step_back(before.pages)
        self._front = tab
        step_forward(tab.pages)
        self._pages.setCurrentWidget(tab.pages)
        tab.columns.refresh()
        self.shown.emit(tab)
        self._tell()

    def _drop(self, number: int) -> None:
        slot = self._slots[number]
        with QSignalBlocker(self.strip):
            self.strip.removeTab(self.strip.index_of(number))
        del self._slots[number]
        self._turned()
        if isinstance(slot, Tab):
            self._pages.removeWidget(slot.pages)
            slot.close(self._hear)

    def _hear(self, text: str, tone: str) -> None:
        # That something goes well in a tab that is closed must not wipe what another one said.
        if text and tone != "info":
            self.said.emit(text, tone)

    def _kept(self, number: int) -> Kept:
        slot = self._slots[number]
        return slot.kept() if isinstance(slot, Tab) else slot

    def _place_changed(self, tab: Tab) -> None:
        for number, slot in self._slots.items():
            if slot is tab:
                self._name(number)
        self._tell()

    def _tell(self) -> None:
        if not self._restoring:
            self.changed.emit()

    def _name(self, number: int) -> None:
        place = self._place_of(number)
        self.strip.name(number, title_of(self._session, place), address_of(self._session, place))

    def _place_of(self, number: int) -> Location | None:
        return self._slots[number].location

    def _menu(self, number: int, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setObjectName("tabMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        alone = self.strip.count() == 1
        rows: tuple[tuple[str, str, Callable[[], None], bool], ...] = (
            ("tabMenu.duplicate", self.tr("Duplicate"), lambda: self.duplicate(number), True),
            ("tabMenu.close", self.tr("Close tab"), lambda: self.close_tab(number), True),
            (
                "tabMenu.closeOthers",
                self.tr("Close other tabs"),
                lambda: self.close_others(number),
                not alone,
            ),
        )
        for name, text, handler, enabled in rows:
            action = menu.addAction(text)
            action.setObjectName(name)
            action.setEnabled(enabled)
            action.triggered.connect(lambda _checked=False, handler=handler: handler())
        menu.addSeparator()
        self.menu_filled.emit(menu)
        menu.popup(where)
