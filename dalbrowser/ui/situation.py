"""What is true of the place shown: what it can do, what is counted, selected, allowed.

Invariant: an action is enabled from capability, selection and place alone, anew whenever one
of them changes; a capability belongs to the place it was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from dalbrowser.storage import StorageError
from dalbrowser.ui.statusbar import ItemCounts, StatusBar

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Location, Profile
    from dalbrowser.session import Session
    from dalbrowser.storage import Capability
    from dalbrowser.ui.actions import ActionTable
    from dalbrowser.ui.entries.model import EntryModel
    from dalbrowser.ui.navigation import Navigator
    from dalbrowser.ui.place import PlacePages
    from dalbrowser.ui.selection import SelectionWatcher

_ANYWHERE = ("reload", "copy_path", "select_all", "invert_selection", "filter")


class Situation(QObject):
    """Keeps status line, actions and pages true."""

    def __init__(
        self,
        *,
        session: Session,
        navigator: Navigator,
        model: EntryModel,
        selection: SelectionWatcher,
        status: StatusBar,
        pages: PlacePages,
        actions: ActionTable,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._navigator = navigator
        self._model = model
        self._selection = selection
        self._status = status
        self._pages = pages
        self._actions = actions
        self._capability: Capability | None = None
        model.counts_changed.connect(self.show_counts)
        selection.changed.connect(self._selection_changed)
        selection.added_up.connect(self._selection_changed)

    @property
    def profile(self) -> Profile | None:
        """The connection shown, if it is one that a person saved or that is built in."""
        here = self._navigator.location
        if here is None:
            return None
        known = {one.id: one for one in self._session.profiles.all()}
        return known.get(here.profile_id)

    def learn(self, location: Location) -> None:
        """Ask what can be done at a place; until that is known, what needs it is off."""
        self._capability = None
        self.allow()
        self._session.tasks.spawn(
            self._learn(location), owner="window", name="capability", group="capability"
        )

    async def _learn(self, location: Location) -> None:
        try:
            self._capability = await self._session.capability(location)
        except (StorageError, OSError):
            # The listing of the same place says what is wrong.
            return
        self.allow()

    def show_counts(self) -> None:
        """Say how much is listed."""
        if self._navigator.location is None:
            return
        running = self._navigator.running
        self._status.show_items(
            ItemCounts(
                total=self._model.total,
                shown=len(self._model.rows),
                so_far=self._navigator.so_far,
                running=running,
                partial=self._navigator.incomplete,
                sorted_part=self._model.total > 0 and (running or self._navigator.incomplete),
                arranging=self._model.arranging,
                filtered=self._model.filtered,
            )
        )

    def _selection_changed(self) -> None:
        totals = self._selection.totals
        self._status.show_selection(
            len(self._selection.rows),
            None if totals is None else totals.size,
            folders=0 if totals is None else totals.folders,
        )
        self.allow()

    def allow(self) -> None:
        """Enable what can be done now."""
        here = self._navigator.location
        totals = self._selection.totals
        actions = self._actions
        actions.allow(
            self._capability,
            totals.files if totals is not None else len(self._selection.rows),
            totals.folders if totals is not None else 0,
            in_folder=here is not None and not self._navigator.lists_buckets(here),
        )
        actions["back"].setEnabled(self._navigator.history.can_go_back)
        actions["forward"].setEnabled(self._navigator.history.can_go_forward)
        actions["up"].setEnabled(self._navigator.can_go_up)
        for name in _ANYWHERE:
            actions[name].setEnabled(here is not None)
        profile = self.profile
        own = profile is not None and not profile.builtin
        for name in ("edit_connection", "remove_connection"):
            actions[name].setEnabled(own)
        self._model.can_rename = actions["rename"].isEnabled()
        self._pages.allow_uploads(actions["upload"].isEnabled())
        self._pages.refresh()
