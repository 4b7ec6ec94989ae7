"""What a person had selected, closed and scrolled to stays when everything is told anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dalbrowser.transfer import JobState
from tests.ui.transfers.hands import INBOX, all_in, rows, select, sources

if TYPE_CHECKING:
    from pathlib import Path

    from dalbrowser.ui.transfers.panel import TransferPanel
    from tests.ui.stage import Stage


def test_clearing_what_is_done_leaves_the_selection_and_what_was_closed(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        host = stage.session.transfers
        await host.start()
        local = sources(tmp_path, 3, 1000)
        for path in local:
            stage.put(f"inbox/{path.name}", b"before")
        await host.upload(local, INBOX)
        await all_in(stage, panel, JobState.NEEDS_ANSWER, 3)
        panel.model.toggle(0)
        other = tmp_path / "other.bin"
        other.write_bytes(b"1")
        await host.upload([other], INBOX)
        await stage.until(
            lambda: len(rows(panel)) == 2 and rows(panel)[0].state is JobState.DONE, "the other"
        )
        chosen = select(panel, "3 items")
        assert [view.id for view in panel.selected()] == [chosen.id]
        panel.actions_by_id["clear_transfers"].trigger()
        await stage.until(lambda: len(rows(panel)) == 1, "what is left")
        assert rows(panel)[0].id == chosen.id, "it was closed, and is so still"
        assert [view.id for view in panel.selected()] == [chosen.id]
        assert panel.view.currentIndex().row() == 0
        assert panel.actions_by_id["cancel_transfer"].isEnabled()

    stage.run(story())


def test_rows_here_and_there_and_the_one_on_top_stay(
    stage: Stage, panel: TransferPanel, tmp_path: Path
) -> None:
    async def story() -> None:
        host = stage.session.transfers
        await host.start()
        for path in sources(tmp_path, 40, 10):
            await host.upload([path], INBOX)
        await all_in(stage, panel, JobState.DONE, 40)
        panel.view.setSelectionMode(panel.view.SelectionMode.MultiSelection)
        for row in (3, 20, 21, 22):
            panel.view.selectRow(row)
        chosen = [view.id for view in panel.selected()]
        assert len(chosen) == 4
        bar = panel.view.verticalScrollBar()
        await stage.until(lambda: bar.maximum() > 15, "the layout")
        bar.setValue(15)
        await host.tell_all()
        await stage.until(lambda: not panel.view.selectionModel().selection().isEmpty(), "the rows")
        assert [view.id for view in panel.selected()] == chosen
        assert bar.value() == 15

    stage.run(story())
