"""What the panel opens beside its rows: the log, manifests, the answer at closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QApplication,
    QMenu,
    QPlainTextEdit,
    QTableWidget,
    QToolButton,
)

from dalbrowser.profiles import Location
from dalbrowser.transfer import JobState
from dalbrowser.transfer.manifest import Manifest
from dalbrowser.ui.transfers.cells import Column
from tests.ui.transfers.hands import INBOX, all_in, press, select, sources

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage


def test_the_log_says_what_happened(stage: Stage, panel: TransferPanel, tmp_path: Path) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        target = tmp_path / "downloads"
        target.mkdir()
        await stage.session.transfers.download([(Location("files", "", "late"), None)], target)
        await all_in(stage, panel, JobState.FAILED, 1)
        select(panel, "late")
        panel.actions_by_id["log_transfer"].trigger()
        table = panel.findChild(QTableWidget, "transferLogTable")
        assert isinstance(table, QTableWidget)
        await stage.until(lambda: table.rowCount() >= 2, "the log")

        def cell(row: int, column: int) -> str:
            return str(table.model().index(row, column).data())

        assert cell(0, 1) == "Queued"
        last = table.rowCount() - 1
        assert cell(last, 1) == "Failed"
        assert "late" in cell(last, 3)
        stage.put("late", b"here now")
        panel.actions_by_id["retry_transfer"].trigger()
        await stage.until(lambda: cell(table.rowCount() - 1, 1) == "Done", "the end")
        press(panel, "transferLogCopy")
        lines = QApplication.clipboard().text().splitlines()
        assert len(lines) == table.rowCount()
        assert "\tFailed\t" in lines[last]

    stage.run(story())


def test_a_log_that_is_open_already_is_not_opened_again(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        await stage.session.transfers.download([(Location("files", "", "late"), None)], tmp_path)
        await all_in(stage, panel, JobState.FAILED, 1)
        select(panel, "late")
        for _ in range(2):
            panel.actions_by_id["log_transfer"].trigger()
        tables = panel.findChildren(QTableWidget, "transferLogTable")
        assert len(tables) == 1
        await stage.until(lambda: tables[0].rowCount() >= 2, "the log")
        press(panel, "transferLogClose")
        panel.actions_by_id["log_transfer"].trigger()
        again = panel.findChildren(QTableWidget, "transferLogTable")[-1]
        assert again is not tables[0]
        await stage.until(lambda: again.rowCount() >= 2, "the log, opened anew")

    stage.run(story())


def test_a_manifest_is_exported_and_checked(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    paths = sources(tmp_path, 3, 1000)

    async def story() -> None:
        await stage.session.transfers.start()
        await stage.session.transfers.upload(paths, INBOX)
        await all_in(stage, panel, JobState.DONE, 3)
        batch = select(panel, "3 items").batch
        assert panel.actions_by_id["export_manifest"].isEnabled()
        panel.manifests.export(batch, tmp_path / "sent.json")
        banner = panel.manifest_banner
        await stage.until(lambda: "3 files hashed" in banner.text.text(), "the manifest")
        assert "sent.sha256 and sent.json" in banner.text.text()
        manifest = Manifest.read(tmp_path / "sent.sha256")
        assert [line.name for line in manifest.lines] == ["0.bin", "1.bin", "2.bin"]
        panel.manifests.verify(manifest, tmp_path / "local")
        await stage.until(lambda: "All 3 files" in banner.text.text(), "the check")
        paths[1].write_bytes(b"x" * 1000)
        panel.manifests.verify(manifest, tmp_path / "local")
        await stage.until(lambda: "1 of 3 files" in banner.text.text(), "the difference")
        text = panel.findChild(QPlainTextEdit, "manifestDifferencesText")
        assert isinstance(text, QPlainTextEdit)
        assert text.toPlainText() == "1.bin: It has other bytes."
        press(panel, "manifestDifferencesClose")

    stage.run(story())


def test_the_answer_at_closing_can_be_taken_back(stage: Stage, panel: TransferPanel) -> None:
    button = panel.findChild(QToolButton, "transferMore")
    assert isinstance(button, QToolButton)
    ask = panel.actions_by_id["ask_when_closing"]
    stage.session.settings.set("transfers.on_close", "tray")
    button.menu().aboutToShow.emit()
    assert ask.isEnabled()
    assert not ask.isChecked()
    ask.trigger()
    assert stage.session.settings.get("transfers.on_close") == "ask"


def test_columns_are_chosen_without_a_mouse(panel: TransferPanel) -> None:
    menu = panel.findChild(QMenu, "transferColumns")
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    offered = {entry.text(): entry for entry in menu.actions()}
    assert "Error" not in offered, "why something failed cannot be hidden"
    assert offered["Speed"].isChecked()
    assert not offered["Attempts"].isChecked()
    offered["Attempts"].trigger()
    offered["Speed"].trigger()
    assert not panel.view.isColumnHidden(Column.ATTEMPTS)
    assert panel.view.isColumnHidden(Column.SPEED)
    menu.aboutToShow.emit()
    assert {entry.text() for entry in menu.actions()} == set(offered)
