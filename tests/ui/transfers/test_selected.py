"""What is selected in the table, however much that is, and what can be done with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QItemSelectionModel

from dalbrowser.transfer import BatchView, Direction, JobState, JobView, Snapshot
from dalbrowser.ui.transfers.cells import Column
from dalbrowser.ui.transfers.verbs import VERBS, Verb

if TYPE_CHECKING:
    from dalbrowser.ui.transfers.panel import TransferPanel

_FLAGS = QItemSelectionModel.SelectionFlag
_JOB = JobView(
    id=1,
    batch=1,
    direction=Direction.UPLOAD,
    state=JobState.DONE,
    name="a",
    source="/a",
    target="s3://b/a",
    profile_id="p",
    bucket="b",
    key="a",
    local_path="/a",
)


def _show(panel: TransferPanel, states: list[JobState]) -> None:
    views = [
        replace(_JOB, id=number, state=state, name=f"{number}.bin")
        for number, state in enumerate(states, 1)
    ]
    whole = BatchView(id=1, counts=((JobState.DONE, len(views)),), first=views[0])
    panel.model.reset(Snapshot((), (whole,), None))
    panel.model.toggle(0)
    panel.model.add_files(-1, views, True)


def _enabled(panel: TransferPanel) -> set[str]:
    return {verb.id for verb in VERBS if panel.actions_by_id[verb.id].isEnabled()}


def test_rows_selected_here_and_there_are_told_in_their_order(panel: TransferPanel) -> None:
    _show(panel, [JobState.DONE] * 9)
    select = panel.view.selectionModel()
    for row in (7, 2, 3, 5, 3):
        index = panel.model.index(row, Column.STATE)
        select.select(index, _FLAGS.Select | _FLAGS.Rows)
    select.select(panel.model.index(5, 0), _FLAGS.Deselect | _FLAGS.Rows)
    assert [view.id for view in panel.selected()] == [2, 3, 7]
    select.clear()
    assert panel.selected() == []


def test_what_one_of_many_rows_allows_can_be_done(panel: TransferPanel) -> None:
    states = [JobState.DONE] * 20
    states[11] = JobState.PAUSED
    states[17] = JobState.FAILED
    _show(panel, states)
    panel.view.selectAll()
    assert len(panel.selected()) == 21
    assert _enabled(panel) == {
        "resume_transfer",
        "retry_transfer",
        "cancel_transfer",
        "run_transfer_now",
    }
    panel.view.selectRow(1)
    assert _enabled(panel) == {
        "open_transfer",
        "show_transfer",
        "log_transfer",
        "export_manifest",
    }
    panel.view.clearSelection()
    assert _enabled(panel) == set()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if not verb.alone], ids=lambda one: one.id)
def test_what_is_for_many_rows_goes_by_their_states_alone(verb: Verb) -> None:
    for state in JobState:
        views = [
            replace(_JOB, state=state, **changes)
            for changes in (
                {},
                {"id": -1, "is_folder": True, "files_total": 3, "files_done": 1},
                {"direction": Direction.DOWNLOAD, "local_path": "", "error": "no"},
                {"parent": 7, "done": 3, "total": 9, "attempts": 2},
            )
        ]
        assert len({verb.fits(view) for view in views}) == 1, state
