"""The panel over the real engine: what a person sees and presses from upload to proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QWidget,
)

from dalbrowser.profiles import Location
from dalbrowser.transfer import JobState
from tests.ui.transfers.hands import INBOX, MIB, all_in, press, rows, select, sources, states

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage


def test_an_upload_is_seen_from_beginning_to_proof(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        empty = panel.findChild(QLabel, "transferEmpty")
        assert isinstance(empty, QLabel)
        assert empty.isVisible()
        seen, asked = QSignalSpy(panel.attention_wanted), QSignalSpy(panel.location_requested)
        paths = sources(tmp_path, 2, MIB)
        await stage.session.transfers.upload(paths, INBOX)
        await all_in(stage, panel, JobState.DONE, 2)
        assert seen.count() >= 1
        assert not empty.isVisible()
        assert (stage.files / "inbox" / "1.bin").read_bytes() == paths[1].read_bytes()
        assert "(" in panel.model.index(1, 2).data()
        assert [view.name for view in rows(panel)] == ["2 items", "0.bin", "1.bin"]
        select(panel, "0.bin")
        panel.actions_by_id["show_transfer"].trigger()
        assert asked.at(0) == [INBOX]
        assert not panel.actions_by_id["cancel_transfer"].isEnabled()
        panel.actions_by_id["clear_transfers"].trigger()
        await stage.until(empty.isVisible, "the empty face")

    stage.run(story())


@pytest.mark.parametrize(
    ("button", "ends"),
    [
        ("conflictOverwrite", (JobState.DONE, {"0.bin"})),
        ("conflictKeepBoth", (JobState.DONE, {"0.bin", "0 (2).bin"})),
        ("conflictSkip", (JobState.SKIPPED, {"0.bin"})),
    ],
)
def test_a_conflict_is_answered_in_the_panel(
    stage: Stage,
    panel: TransferPanel,
    tmp_path: Path,
    button: str,
    ends: tuple[JobState, set[str]],
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        stage.put("inbox/0.bin", b"what was there before")
        await stage.session.transfers.upload(sources(tmp_path, 1, 1000), INBOX)
        await stage.until(panel.conflict.isVisible, "the question")
        assert QApplication.activeModalWidget() is None
        assert "0.bin" in panel.conflict.text.text()
        press(panel, button)
        await all_in(stage, panel, ends[0], 1)
        await stage.until(panel.conflict.isHidden, "the question to go")
        assert {path.name for path in (stage.files / "inbox").iterdir()} == ends[1]
        kept = (stage.files / "inbox" / "0.bin").read_bytes()
        assert (kept == b"what was there before") == (button != "conflictOverwrite")

    stage.run(story())


def test_one_answer_can_hold_for_the_batch(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        for number in range(3):
            stage.put(f"inbox/{number}.bin", b"before")
        await stage.session.transfers.upload(sources(tmp_path, 3, 500), INBOX)
        await all_in(stage, panel, JobState.NEEDS_ANSWER, 3)
        assert "2 more wait" in panel.conflict.text.text()
        check = panel.conflict.findChild(QWidget, "conflictForAll")
        assert check is not None
        assert check.isVisible()
        QTest.keyClick(check, Qt.Key.Key_Space)
        press(panel, "conflictOverwrite")
        await all_in(stage, panel, JobState.DONE, 3)
        assert (stage.files / "inbox" / "2.bin").read_bytes() == b"\2" * 500

    stage.run(story())


def test_pause_resume_and_cancel(stage: Stage, panel: TransferPanel, tmp_path: Path) -> None:
    async def story() -> None:
        host = stage.session.transfers
        await host.start()
        # More large ones than can be under way at once, so that some are left to be paused.
        await host.upload(sources(tmp_path, 8, 17 * MIB), INBOX)
        await stage.until(lambda: len(states(panel)) == 8, "the rows")
        panel.actions_by_id["pause_all_transfers"].trigger()
        await stage.until(lambda: not any(state.is_active for state in states(panel)), "rest")
        name = [view.name for view in rows(panel) if view.state is JobState.PAUSED][-1]
        chosen = select(panel, name)
        panel.activateWindow()
        panel.view.setFocus()
        await stage.until(panel.view.hasFocus, "the focus")
        QTest.keyClick(panel.view, Qt.Key.Key_Delete)
        await stage.until(
            lambda: panel.model.views_of(-chosen.batch)[-1].state is JobState.CANCELLED,
            "the cancelled row",
        )
        panel.actions_by_id["resume_all_transfers"].trigger()
        await stage.until(lambda: states(panel).count(JobState.DONE) == 7, "the others")
        stored = {path.name for path in (stage.files / "inbox").iterdir()}
        assert stored == {f"{number}.bin" for number in range(8)} - {name}

    stage.run(story())


def test_a_failure_says_why_and_can_be_retried(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        await stage.session.transfers.start()
        target = tmp_path / "downloads"
        target.mkdir()
        location = Location("files", "", "late.txt")
        await stage.session.transfers.download([(location, None)], target)
        await all_in(stage, panel, JobState.FAILED, 1)
        assert panel.model.index(0, 7).data()
        stage.put("late.txt", b"here now")
        panel.view.selectRow(0)
        panel.actions_by_id["retry_transfer"].trigger()
        await all_in(stage, panel, JobState.DONE, 1)
        assert (target / "late.txt").read_bytes() == b"here now"

    stage.run(story())
