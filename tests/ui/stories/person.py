"""What the stories over S3 do again and again: connect, go into a bucket, read the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QTableView, QToolButton, QTreeView

from dalbrowser.profiles import Location
from dalbrowser.transfer import JobState
from dalbrowser.ui.transfers.panel import TransferPanel
from tests.ui.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtCore import QModelIndex

    from dalbrowser.transfer import JobView
    from tests.servers.s3_server import S3Server


class Person(Driver):
    """A driver who knows S3 and the transfers panel."""

    async def connect(self, server: S3Server, endpoint: str = "", name: str = "work") -> Location:
        """Add the server by the dialog, and wait for its buckets."""
        self.do("add_connection")
        self.edit("connectionName", name)
        self.edit("connection.endpoint", endpoint or server.endpoint)
        self.edit("connection.access_key_id", server.access_key)
        self.edit("connection.secret_access_key", server.secret_key)
        self.press("connectionSave")
        profiles = self.stage.session.profiles
        await self.stage.until(lambda: profiles.by_name(name), "the saved connection")
        saved = profiles.by_name(name)
        assert saved is not None
        root = Location(saved.id)
        navigator = self.window.navigator
        await self.stage.until(lambda: navigator.location == root, "its place")
        await self.stage.until(lambda: not navigator.running, "its buckets")
        await self.stage.until(self.no_dialog, "the form to close")
        return root

    async def enter(self, server: S3Server, bucket: str, endpoint: str = "") -> Location:
        """Connect and open one bucket, with its capability known."""
        root = await self.connect(server, endpoint)
        self.open(bucket)
        place = Location(root.profile_id, bucket)
        navigator = self.window.navigator
        await self.stage.until(lambda: navigator.location == place, "the bucket")
        await self.stage.until(lambda: not navigator.running, "its listing")
        await self.stage.until(self.action("upload").isEnabled, "the capability")
        return place

    def no_dialog(self) -> bool:
        """Whether no dialog is to be seen."""
        return not any(one.isVisible() for one in self.window.findChildren(QDialog))

    def node(self, *names: str, tree: QTreeView | None = None) -> QModelIndex:
        """Return a node of the tree by the names on the way to it; invalid while there is none."""
        tree = tree or self.tree
        model, here = tree.model(), tree.rootIndex()
        for name in names:
            rows = range(model.rowCount(here))
            found = [row for row in rows if model.index(row, 0, here).data() == name]
            if not found:
                return tree.rootIndex()
            here = model.index(found[0], 0, here)
        return here

    @property
    def panel(self) -> TransferPanel:
        """The transfers panel."""
        return self.find(TransferPanel, "transferPanel")

    def jobs(self) -> list[JobView]:
        """Return the jobs that the panel shows, in its order, without the sums of batches."""
        model = self.panel.model
        shown = [model.job_at(row) for row in range(model.rowCount())]
        return [view for view in shown if view.id > 0]

    async def all_done(self, count: int) -> None:
        """Wait until so many jobs are done, and no other is left."""
        await self.stage.until(
            lambda: [job.state for job in self.jobs()] == [JobState.DONE] * count,
            f"{count} jobs to be done",
        )

    def row_text(self, row: int) -> str:
        """Return all that a row of the panel says."""
        model = self.find(QTableView, "transferView").model()
        columns = range(model.columnCount())
        return " | ".join(str(model.index(row, column).data() or "") for column in columns)

    def tap(self, action_id: str) -> None:
        """Press a button of the panel's bar by its action."""
        action = self.panel.actions_by_id[action_id]
        buttons = list(self.panel.findChildren(QToolButton))
        button = next(one for one in buttons if one.defaultAction() is action)
        assert button.isVisible()
        assert button.isEnabled(), f"{action_id} cannot be pressed"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    async def choose(self, paths: Sequence[Path]) -> None:
        """Choose files or a folder in the file dialog that is open, as with its button."""
        await self.stage.until(
            lambda: [one for one in self.window.findChildren(QFileDialog) if one.isVisible()],
            "the file dialog",
        )
        dialog = next(one for one in self.window.findChildren(QFileDialog) if one.isVisible())
        assert dialog.objectName() == "fileDialog"
        dialog.setDirectory(str(paths[0].parent))
        line = dialog.findChild(QLineEdit, "fileNameEdit")
        assert isinstance(line, QLineEdit)
        quoted = " ".join(f'"{path.name}"' for path in paths)
        line.setText(str(paths[0]) if len(paths) == 1 else quoted)
        dialog.accept()
