"""The handlers of connections: add, edit, remove, and the menu of the sidebar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from dalbrowser.profiles import Location, SecretsKept, secret_fields
from dalbrowser.session import describe
from dalbrowser.storage import StorageError
from dalbrowser.ui.dialogs.confirm import ConfirmDialog
from dalbrowser.ui.dialogs.connection import ConnectionDialog

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dalbrowser.profiles import Profile
    from dalbrowser.session import Session


class Connecting(QObject):
    """Opens the connection dialogs and carries out what they end with.

    Signals:
        said: news for the person, and its tone.
        profiles_changed: a connection was saved or removed.
        opened: a place to go to.
        edited: a connection that is another now; its places are to be looked at again.
        removing: the id of a connection that is about to go; its places are to be left.
    """

    said = Signal(str, str)
    profiles_changed = Signal()
    opened = Signal(object)
    edited = Signal(object)
    removing = Signal(str)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window

    def add(self) -> None:
        """Ask for a new connection, and open it when it is saved."""
        self._open(None)

    def edit(self, profile: Profile) -> None:
        """Edit a saved connection; one of a kind that only a newer version knows is left alone."""
        try:
            secret_fields(profile.scheme)
        except StorageError as error:
            self.said.emit(describe(error), "error")
            return
        self._open(profile)

    def _open(self, profile: Profile | None) -> None:
        dialog = ConnectionDialog(self._session, profile, self._window)
        dialog.saved.connect(self._added if profile is None else self._edited)
        dialog.open()

    def _added(self, profile: Profile, kept: SecretsKept | None) -> None:
        self.profiles_changed.emit()
        self.opened.emit(Location(profile.id, profile.fixed_bucket))
        self._tell_kept(kept)

    def _edited(self, profile: Profile, kept: SecretsKept | None) -> None:
        self.profiles_changed.emit()
        self.edited.emit(profile)
        self._tell_kept(kept)

    def _tell_kept(self, kept: SecretsKept | None) -> None:
        problem = self._session.secrets.problem
        if kept is SecretsKept.SESSION_ONLY and problem is not None:
            self.said.emit(problem, "warning")

    def remove(self, profile: Profile) -> None:
        """Ask, and forget a connection and its secrets."""
        dialog = ConfirmDialog(
            "removeConnectionDialog",
            self.tr("Remove the connection “{name}”?").format(name=profile.name),
            self.tr("Its keys are forgotten too. What is stored there is not touched."),
            self.tr("Remove"),
            self._window,
        )
        dialog.accepted.connect(
            lambda: self._session.tasks.spawn(
                self._remove(profile), owner="window", name="remove connection", awaited=True
            )
        )
        dialog.open()

    async def _remove(self, profile: Profile) -> None:
        self.removing.emit(profile.id)
        try:
            await self._session.remove_connection(profile.id)
        except (StorageError, OSError) as error:
            self.said.emit(describe(error), "error")
            return
        self.profiles_changed.emit()
