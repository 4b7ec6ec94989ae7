"""What is true of the tab in front: what it can do, what is counted, selected, allowed.

Invariant: an action is enabled from capability, selection and place alone, anew whenever one
of them changes; what happens in a tab behind changes nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from dalbrowser.session import describe
from dalbrowser.ui.statusbar import ItemCounts, StatusBar

if TYPE_CHECKING:
    from dalbrowser.profiles import Profile
    from dalbrowser.session import Session
    from dalbrowser.ui.actions import ActionTable
    from dalbrowser.ui.tabs.stack import TabStack
    from dalbrowser.ui.tabs.tab import Tab

_ANYWHERE = ("reload", "copy_path", "select_all", "invert_selection", "filter")


class Situation(QObject):
    """Keeps status line, actions and pages true."""

    def __init__(
        self, session: Session, tabs: TabStack, status: StatusBar, actions: ActionTable
    ) -> None:
        super().__init__(tabs)
        self._session = session
        self._tabs = tabs
        self._status = status
        self._actions = actions
        tabs.shown.connect(self._show)
        tabs.changed.connect(self._allow_tabs)

    def follow(self, tab: Tab) -> None:
        """Say what is true of a tab whenever it is in front."""
        tab.counts_changed.connect(self._counts_changed)
        tab.listing_moved.connect(self._listing_moved)
        tab.selection_changed.connect(self._selection_changed)
        tab.capability_changed.connect(self._capability_changed)
        tab.place_changed.connect(self._show)

    @property
    def profile(self) -> Profile | None:
        """The connection shown, if it is one that a person saved or that is built in."""
        here = self._tabs.current.location
        if here is None:
            return None
        known = {one.id: one for one in self._session.profiles.all()}
        return known.get(here.profile_id)

    def _show(self, tab: Tab) -> None:
        if tab is self._tabs.current:
            if tab.location is None:
                self._status.show_nothing()
            self._listing_moved(tab)
            self._selection_changed(tab)

    def _counts_changed(self, tab: Tab) -> None:
        if tab is self._tabs.current:
            self._show_counts(tab)

    def _listing_moved(self, tab: Tab) -> None:
        if tab is self._tabs.current:
            self._show_counts(tab)
            error = tab.navigator.error
            self._status.show_error(describe(error) if error is not None else "")
            self.allow()

    def _capability_changed(self, tab: Tab) -> None:
        if tab is self._tabs.current:
            self.allow()

    def _show_counts(self, tab: Tab) -> None:
        if tab.location is None:
            return
        navigator, model = tab.navigator, tab.model
        running = navigator.running
        self._status.show_items(
            ItemCounts(
                total=model.total,
                shown=len(model.rows),
                so_far=navigator.so_far,
                running=running,
                partial=navigator.incomplete,
                sorted_part=model.total > 0 and (running or navigator.incomplete),
                arranging=model.arranging,
                filtered=model.filtered,
            )
        )

    def _selection_changed(self, tab: Tab) -> None:
        if tab is not self._tabs.current:
            return
        totals = tab.selection.totals
        self._status.show_selection(
            len(tab.selection.rows),
            None if totals is None else totals.size,
            folders=0 if totals is None else totals.folders,
        )
        self.allow()

    def allow(self) -> None:
        """Enable what can be done now."""
        tab = self._tabs.current
        navigator, here, totals = tab.navigator, tab.location, tab.selection.totals
        actions = self._actions
        actions.allow(
            tab.capability,
            totals.files if totals is not None else len(tab.selection.rows),
            totals.folders if totals is not None else 0,
            in_folder=here is not None and not navigator.lists_buckets(here),
        )
        actions["back"].setEnabled(navigator.history.can_go_back)
        actions["forward"].setEnabled(navigator.history.can_go_forward)
        actions["up"].setEnabled(navigator.can_go_up)
        for name in _ANYWHERE:
            actions[name].setEnabled(here is not None)
        profile = self.profile
        own = profile is not None and not profile.builtin
        for name in ("edit_connection", "remove_connection"):
            actions[name].setEnabled(own)
        tab.model.can_rename = actions["rename"].isEnabled()
        tab.pages.allow_uploads(actions["upload"].isEnabled())
        tab.pages.refresh()
        self._allow_tabs()

    def _allow_tabs(self) -> None:
        several = len(self._tabs.places()) > 1
        self._actions["next_tab"].setEnabled(several)
        self._actions["previous_tab"].setEnabled(several)
        self._actions["close_tab"].setEnabled(several or self._tabs.current.location is not None)
        self._actions["reopen_tab"].setEnabled(self._tabs.can_reopen)
