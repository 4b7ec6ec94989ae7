"""The table follows the engine's events, whatever their order, and keeps Qt's rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from dalbrowser.transfer import Direction, JobsChanged, JobsRemoved, JobState, JobView
from dalbrowser.ui.transfers.model import PERCENT_ROLE, Column, TransferModel
from dalbrowser.ui.transfers.wording import interrupted_text, summary_text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

MIB = 1024 * 1024


def view(job: int, state: JobState = JobState.RUNNING, **changes: object) -> JobView:
    plain = JobView(
        id=job,
        batch=1,
        direction=Direction.UPLOAD,
        state=state,
        name=f"{job}.bin",
        source=f"/home/ann/{job}.bin",
        target=f"minio:media/{job}.bin",
        profile_id="p",
        bucket="media",
        key=f"{job}.bin",
        local_path=f"/home/ann/{job}.bin",
        done=MIB,
        total=4 * MIB,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def model(qapp: QApplication) -> TransferModel:
    model = TransferModel()
    tester = QAbstractItemModelTester(
        model, QAbstractItemModelTester.FailureReportingMode.Fatal, model
    )
    assert tester.model() is model
    return model


def names(model: TransferModel) -> list[str]:
    return [str(model.index(row, Column.NAME).data()) for row in range(model.rowCount())]


def text(model: TransferModel, row: int, column: Column) -> str:
    return str(model.index(row, column).data())


def take(model: TransferModel, *views: JobView) -> None:
    model.take(JobsChanged(tuple(views)))
    model.flush()


def test_a_job_keeps_its_row(model: TransferModel) -> None:
    take(model, view(1), view(2))
    take(model, view(3), view(1, JobState.PAUSED))
    assert names(model) == ["1.bin", "2.bin", "3.bin"]
    assert text(model, 0, Column.STATE) == "Paused"


def test_what_arrives_in_one_turn_is_one_change(model: TransferModel, qapp: QApplication) -> None:
    take(model, *(view(job) for job in range(1, 6)))
    changes, inserts = QSignalSpy(model.dataChanged), QSignalSpy(model.rowsInserted)
    for done in range(10):
        model.take(JobsChanged((view(2, done=done), view(4, done=done), view(9))))
    qapp.processEvents()
    assert changes.count() == 1
    assert inserts.count() == 1
    assert text(model, 1, Column.AMOUNT).startswith("9 B / 4")


def test_a_folder_opens_and_closes(model: TransferModel) -> None:
    folder = view(1, name="photos", is_folder=True, files_done=3, files_total=10)
    take(model, folder, view(2, parent=1), view(3, parent=1), view(4))
    assert names(model) == ["photos", "4.bin"]
    assert text(model, 0, Column.AMOUNT).endswith("3 / 10 files")
    model.toggle(0)
    assert names(model) == ["photos", "2.bin", "3.bin", "4.bin"]
    take(model, view(5, parent=1))
    assert names(model) == ["photos", "2.bin", "3.bin", "5.bin", "4.bin"]
    model.take(JobsRemoved((3,)))
    assert names(model) == ["photos", "2.bin", "5.bin", "4.bin"]
    model.toggle(0)
    assert names(model) == ["photos", "4.bin"]
    model.toggle(1)
    model.take(JobsRemoved((1,)))
    assert names(model) == ["4.bin", "2.bin", "5.bin"]


def test_a_file_that_comes_before_its_folder_moves_below_it(model: TransferModel) -> None:
    take(model, view(2, parent=1))
    take(model, view(1, name="photos", is_folder=True))
    assert names(model) == ["photos"]
    model.toggle(0)
    assert names(model) == ["photos", "2.bin"]


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["change", "remove", "toggle", "flush"]),
            st.integers(1, 9),
            st.sampled_from([JobState.RUNNING, JobState.DONE, JobState.FAILED]),
        ),
        max_size=25,
    )
)
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_events_keep_the_rules(
    model: TransferModel, steps: list[tuple[str, int, JobState]]
) -> None:
    model.reset([])
    alive: dict[int, JobView] = {}
    for what, job, state in steps:
        if what == "change":
            folder = job in {1, 2}
            parent = None if folder or job > 6 else job % 2 + 1
            alive[job] = view(job, state, is_folder=folder, parent=parent)
            model.take(JobsChanged((alive[job],)))
        elif what == "remove":
            alive.pop(job, None)
            model.take(JobsRemoved((job,)))
        elif what == "toggle":
            row = model.row_of(job)
            if row is not None:
                model.toggle(row)
        else:
            model.flush()
    model.flush()
    assert {one.id: one for one in model.jobs()} == alive
    shown = [model.job_at(row).id for row in range(model.rowCount())]
    assert len(shown) == len(set(shown))
    hidden = {
        job
        for job, one in alive.items()
        if one.parent in alive and not model.is_open(one.parent or 0)
    }
    assert set(shown) == alive.keys() - hidden
    for row, job in enumerate(shown):
        assert model.row_of(job) == row
        parent = alive[job].parent
        if parent in alive:
            assert row > shown.index(parent)
            between = shown[shown.index(parent) + 1 : row]
            assert all(alive[other].parent == parent for other in between)
    for state in JobState:
        found = [one.id for one in model.in_states({state})]
        assert found == sorted(job for job, one in alive.items() if one.state is state)


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_a_word_and_an_icon(model: TransferModel, state: JobState) -> None:
    take(model, view(1, state, integrity="verified (crc64nvme)"))
    cell = model.index(0, Column.STATE)
    assert cell.data()
    assert not cell.data(Qt.ItemDataRole.DecorationRole).isNull()
    assert cell.data(Qt.ItemDataRole.AccessibleTextRole) == cell.data()


def test_proof_is_in_the_state(model: TransferModel) -> None:
    take(model, view(1, JobState.DONE, integrity="verified (crc64nvme)"))
    take(model, view(2, JobState.DONE, integrity="size only"))
    assert text(model, 0, Column.STATE) == "Done (verified: crc64nvme)"
    assert text(model, 1, Column.STATE) == "Done (size only)"


def test_numbers_that_are_not_known_are_not_made_up(model: TransferModel) -> None:
    take(model, view(1, total=None, done=0, eta=5.0, speed=3.0, parts_total=1))
    assert model.index(0, Column.PROGRESS).data(PERCENT_ROLE) is None
    assert text(model, 0, Column.AMOUNT) == "0 B / ?"
    assert text(model, 0, Column.PARTS) == ""
    take(model, view(1, JobState.PAUSED, eta=5.0, speed=3.0))
    assert text(model, 0, Column.SPEED) == text(model, 0, Column.LEFT) == ""


def test_no_children_and_nothing_beyond_the_last_row(model: TransferModel) -> None:
    take(model, view(1))
    assert model.rowCount(model.index(0, 0)) == 0
    assert model.data(QModelIndex()) is None


def test_sentences(qapp: QApplication) -> None:
    cut = view(1, JobState.INTERRUPTED)
    assert interrupted_text([cut]).startswith("1 upload was interrupted: 1.bin, 1.00 MiB of 4")
    assert interrupted_text([cut, cut]).startswith("2 transfers were interrupted, 2.00 MiB of 8")
    line = summary_text([view(1, speed=5 * MIB), view(2)], [view(3, JobState.FAILED)])
    assert line == "↑ 5.00 MiB/s · 2 transferring · 1 needs attention"
    assert summary_text([], []) == ""
