"""The panel and earlier runs: what was interrupted is offered, the history comes by pages."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from dalbrowser.transfer import JobState
from dalbrowser.ui.transfers.panel import TransferPanel
from tests.ui.stage import Stage, set_stage
from tests.ui.transfers.hands import INBOX, press, rows, sources
from tests.unit.transfer.test_history import fill

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtWidgets import (
        QApplication,
    )


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
