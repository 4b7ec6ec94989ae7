"""Rows of the panel that stand for several jobs, their order, and what acts on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QTableView,
)

from dalbrowser.transfer import JobState
from tests.ui.transfers.hands import INBOX, MIB, rows, select, sources, states

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.transfer import Event
    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage


def test_a_folder_is_one_row_with_its_sums(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        sources(tmp_path, 3, 200)
        await stage.session.transfers.upload([tmp_path / "local"], INBOX)
        await stage.until(
            lambda: states(panel) and set(states(panel)) == {JobState.DONE}, "the folder"
        )
        view = panel.findChild(QTableView, "transferView")
        assert view is panel.view
        assert rows(panel)[0].is_folder
        assert rows(panel)[0].files_done == 3
        assert (stage.files / "inbox" / "local" / "2.bin").read_bytes() == b"\2" * 200

    stage.run(story())


def test_a_batch_row_acts_for_its_jobs(stage: Stage, panel: TransferPanel, tmp_path: Path) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        await stage.session.transfers.upload(sources(tmp_path, 8, 17 * MIB), INBOX)
        await stage.until(lambda: len(states(panel)) == 8, "the rows")
        select(panel, "8 items")
        panel.actions_by_id["pause_transfer"].trigger()
        await stage.until(lambda: not any(state.is_active for state in states(panel)), "rest")
        assert rows(panel)[0].state is JobState.PAUSED
        panel.view.setFocus()
        QTest.keyClick(panel.view, Qt.Key.Key_Left)
        assert len(rows(panel)) == 1
        QTest.keyClick(panel.view, Qt.Key.Key_Right)
        assert len(rows(panel)) == 9
        panel.actions_by_id["resume_transfer"].trigger()
        await stage.until(lambda: states(panel).count(JobState.DONE) == 8, "all done")

    stage.run(story())


def test_a_batch_row_offers_what_any_of_its_jobs_allows(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        host = stage.session.transfers
        await host.start()
        local = sources(tmp_path, 2, 100)
        local.append(tmp_path / "loop")
        local[2].symlink_to(local[2])
        stage.put("inbox/0.bin", b"before")
        await host.upload(local, INBOX)
        ends = [JobState.NEEDS_ANSWER, JobState.DONE, JobState.FAILED]
        await stage.until(lambda: states(panel) == ends, "one to be asked about, one that failed")
        select(panel, "3 items")
        assert rows(panel)[0].state is JobState.NEEDS_ANSWER
        assert not panel.actions_by_id["open_transfer"].isEnabled()
        assert not panel.actions_by_id["resume_transfer"].isEnabled()
        local[2].unlink()
        local[2].write_bytes(b"now it can be read")
        assert panel.actions_by_id["retry_transfer"].isEnabled()
        panel.actions_by_id["retry_transfer"].trigger()
        await stage.until(lambda: states(panel)[2] is JobState.DONE, "the other try")
        assert states(panel)[0] is JobState.NEEDS_ANSWER
        assert (stage.files / "inbox" / "loop").read_bytes() == b"now it can be read"

    stage.run(story())


def test_queued_jobs_move_and_one_runs_at_once(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    paths = sources(tmp_path, 6, 17 * MIB)

    async def story() -> None:
        host = stage.session.transfers
        stage.session.settings.set("transfers.concurrent_files", 1)
        await host.start()
        begun: list[str] = []

        def note(event: Event) -> None:
            for view in getattr(event, "views", ()):
                if view.parts_total and view.name not in begun:
                    begun.append(view.name)

        stop = host.on_event(note)
        await host.upload(paths, INBOX)
        await stage.until(lambda: len(states(panel)) == 6, "the rows")
        select(panel, "5.bin")
        panel.actions_by_id["move_transfer_up"].trigger()
        select(panel, "2.bin")
        panel.actions_by_id["move_transfer_down"].trigger()
        await stage.until(lambda: states(panel).count(JobState.DONE) == 6, "all")
        stop()
        assert begun.index("5.bin") < begun.index("4.bin")
        assert begun.index("3.bin") < begun.index("2.bin")

    stage.run(story())


def test_a_context_menu_offers_the_actions(stage: Stage, panel: TransferPanel) -> None:
    panel.view.customContextMenuRequested.emit(panel.view.rect().center())
    menu = QApplication.activePopupWidget()
    assert menu is not None
    names = {action.objectName() for action in menu.actions()}
    assert {"action.pause_transfer", "action.resume_transfer", "action.cancel_transfer"} <= names
    menu.close()
    assert stage.failures == []
