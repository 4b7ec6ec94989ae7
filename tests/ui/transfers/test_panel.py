"""The panel over the real engine: what a person sees and presses from upload to resume."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QTableWidget,
    QToolButton,
    QWidget,
)

from dalbrowser.profiles import Location
from dalbrowser.transfer import JobState
from dalbrowser.transfer.manifest import Manifest
from dalbrowser.ui.transfers.panel import TransferPanel
from tests.ui.stage import Stage, set_stage
from tests.unit.transfer.test_history import fill

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.transfer import Event, JobView

MIB = 1024 * 1024
INBOX = Location("files", "", "inbox/")


def press(panel: QWidget, name: str) -> None:
    button = panel.findChild(QPushButton, name)
    assert isinstance(button, QPushButton)
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def sources(base: Path, count: int, size: int) -> list[Path]:
    folder = base / "local"
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.bin" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number % 256]) * size)
    return paths


def rows(panel: TransferPanel) -> list[JobView]:
    return [panel.model.job_at(row) for row in range(panel.model.rowCount())]


def states(panel: TransferPanel) -> list[JobState]:
    """The states of the jobs, without the rows that sum several up."""
    return [view.state for view in rows(panel) if view.id > 0]


def select(panel: TransferPanel, name: str) -> JobView:
    """Select the row of that name."""
    row, view = next((row, view) for row, view in enumerate(rows(panel)) if view.name == name)
    panel.view.selectRow(row)
    return view


async def all_in(stage: Stage, panel: TransferPanel, state: JobState, count: int) -> None:
    await stage.until(lambda: states(panel) == [state] * count, f"{count} × {state.word}")


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


def test_interrupted_uploads_are_offered_at_the_next_start(
    qapp: QApplication, tmp_path: Path
) -> None:
    # More than can be under way at once, so that the end comes in the middle.
    paths = sources(tmp_path, 200, 64 * 1024)
    with set_stage(qapp, tmp_path) as first:

        async def begin(stage: Stage = first) -> None:
            await stage.session.transfers.start()
            await stage.session.transfers.upload(paths, INBOX)
            await stage.session.transfers.close()

        first.run(begin())

    with set_stage(qapp, tmp_path) as second:
        panel = TransferPanel(second.session)
        panel.show()

        async def resume(stage: Stage = second, panel: TransferPanel = panel) -> None:
            await stage.session.transfers.start()
            await stage.until(panel.interrupted.isVisible, "the offer")
            assert "interrupted" in panel.interrupted.text.text()
            await stage.until(
                lambda: rows(panel) and rows(panel)[0].state is JobState.INTERRUPTED, "the row"
            )
            # What is live comes in several turns of the loop.
            await stage.until(
                lambda: [view.name for view in rows(panel)] == ["200 items"],
                "each once, of history and live",
            )
            press(panel, "resumeInterrupted")
            await stage.until(lambda: rows(panel)[0].state is JobState.DONE, "all done")
            assert rows(panel)[0].files_done == 200
            await stage.until(panel.interrupted.isHidden, "the offer to go")

        second.run(resume())
        panel.close()
        panel.deleteLater()
    for path in paths:
        assert (tmp_path / "files" / "inbox" / path.name).read_bytes() == path.read_bytes()


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


def test_a_context_menu_offers_the_actions(stage: Stage, panel: TransferPanel) -> None:
    panel.view.customContextMenuRequested.emit(panel.view.rect().center())
    menu = QApplication.activePopupWidget()
    assert menu is not None
    names = {action.objectName() for action in menu.actions()}
    assert {"action.pause_transfer", "action.resume_transfer", "action.cancel_transfer"} <= names
    menu.close()
    assert stage.failures == []


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


def test_a_long_folder_of_the_history_comes_by_pages(qapp: QApplication, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(700):
        (folder / f"{number:04}").write_bytes(b"")
    with set_stage(qapp, tmp_path) as first:

        async def send(stage: Stage = first) -> None:
            await stage.session.transfers.start()
            ids = await stage.session.transfers.upload([folder], INBOX)
            await stage.session.transfers.wait(ids)

        first.run(send())
    with set_stage(qapp, tmp_path) as second:
        panel = TransferPanel(second.session)
        panel.resize(900, 300)
        panel.show()

        async def look(stage: Stage = second, panel: TransferPanel = panel) -> None:
            await stage.session.transfers.start()
            await stage.until(lambda: len(rows(panel)) == 1, "the folder")
            assert rows(panel)[0].files_done == 700
            panel.view.selectRow(0)
            QTest.keyClick(panel.view, Qt.Key.Key_Right)
            await stage.until(lambda: len(rows(panel)) == 201, "the first page")
            panel.view.scrollToBottom()
            await stage.until(lambda: len(rows(panel)) == 401, "the second page")
            for count in (601, 701):
                panel.view.scrollToBottom()
                await stage.until(partial(lambda n: len(rows(panel)) == n, count), "another page")
            assert [view.name for view in rows(panel)[1:]] == [f"{n:04}" for n in range(700)]

        second.run(look())
        panel.close()
        panel.deleteLater()


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


def test_a_long_history_does_not_hold_up_the_panel(qapp: QApplication, tmp_path: Path) -> None:
    """With 100,000 finished transfers the first rows come as they do with one."""
    (tmp_path / "a").write_bytes(b"1")
    took: list[float] = []
    for turn in range(2):
        with set_stage(qapp, tmp_path) as stage:
            panel = TransferPanel(stage.session)
            panel.show()

            async def open_it(
                stage: Stage = stage, panel: TransferPanel = panel, turn: int = turn
            ) -> None:
                begun = time.process_time()
                await stage.session.transfers.start()
                if turn == 0:
                    ids = await stage.session.transfers.upload([tmp_path / "a"], INBOX)
                    await stage.session.transfers.wait(ids)
                else:
                    await stage.until(lambda: len(rows(panel)) >= 200, "the first page")
                took.append(time.process_time() - begun)

            stage.run(open_it())
            panel.close()
            panel.deleteLater()
            journal = stage.session.folders.journal_file
        if turn == 0:
            fill(journal, 100_000)
    assert took[1] < took[0] + 1.0, took
