"""The table follows the engine's events, whatever their order, and keeps Qt's rules."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from dalbrowser.transfer import (
    BatchView,
    Direction,
    JobsChanged,
    JobsRemoved,
    JobState,
    JobView,
    Snapshot,
)
from dalbrowser.ui.transfers.cells import Column
from dalbrowser.ui.transfers.model import (
    DEPTH_ROLE,
    OPENED_BY_ITSELF,
    PERCENT_ROLE,
    TransferModel,
)
from dalbrowser.ui.transfers.wording import interrupted_text, summary_text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

MIB = 1024 * 1024


def view(job: int, state: JobState = JobState.RUNNING, **changes: object) -> JobView:
    """A job, by itself in a batch of its own number unless told otherwise."""
    plain = JobView(
        id=job,
        batch=job,
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


def past(number: int, *views: JobView) -> BatchView:
    """A batch of the history, as the engine tells of it."""
    states = [one.state for one in views]
    return BatchView(
        id=number,
        counts=tuple((state, states.count(state)) for state in set(states)),
        bytes_total=sum(one.total or 0 for one in views),
        bytes_done=sum(one.done for one in views),
        first=views[0],
    )


def check(model: TransferModel) -> None:
    """Look whether rows, places and depths agree with each other."""
    shown = [model.job_at(row).id for row in range(model.rowCount())]
    assert len(shown) == len(set(shown))
    assert [model.row_of(node) for node in shown] == list(range(len(shown)))
    open_nodes = [0]
    for row in range(len(shown)):
        depth = model.index(row, Column.NAME).data(DEPTH_ROLE)
        assert depth < len(open_nodes) or depth == 0
        one = model.job_at(row)
        above = open_nodes[depth]
        if depth:
            assert above in {one.parent, -one.batch}
            assert model.is_open(above)
        open_nodes[depth + 1 :] = [one.id]


def test_the_newest_is_first_and_a_job_keeps_its_row(model: TransferModel) -> None:
    take(model, view(1), view(2))
    take(model, view(3), view(1, JobState.PAUSED))
    assert names(model) == ["3.bin", "2.bin", "1.bin"]
    assert text(model, 2, Column.STATE) == "Paused"


def test_what_arrives_in_one_turn_is_one_change(model: TransferModel, qapp: QApplication) -> None:
    take(model, *(view(job) for job in range(1, 6)))
    changes, inserts = QSignalSpy(model.dataChanged), QSignalSpy(model.rowsInserted)
    for done in range(10):
        model.take(JobsChanged((view(2, done=done), view(4, done=done), view(9))))
    qapp.processEvents()
    assert changes.count() == 1
    assert inserts.count() == 1
    assert text(model, 2, Column.AMOUNT).startswith("9 B / 4")


def test_a_folder_opens_and_closes(model: TransferModel) -> None:
    folder = view(1, name="photos", is_folder=True, files_done=1, files_total=2)
    take(model, folder, *(view(job, parent=1, batch=1) for job in (2, 3)), view(4))
    assert names(model) == ["4.bin", "photos"]
    assert text(model, 1, Column.AMOUNT).endswith("1 / 2 files")
    model.toggle(1)
    assert names(model) == ["4.bin", "photos", "2.bin", "3.bin"]
    take(model, view(5, parent=1, batch=1))
    assert names(model) == ["4.bin", "photos", "2.bin", "3.bin", "5.bin"]
    take(model, view(6, batch=4))
    assert names(model) == ["2 items", "4.bin", "6.bin", "photos", "2.bin", "3.bin", "5.bin"]
    check(model)
    model.toggle(3)
    assert names(model) == ["2 items", "4.bin", "6.bin", "photos"]
    model.toggle(0)
    assert names(model) == ["2 items", "photos"]
    check(model)


def test_what_is_finished_stays_in_sight_and_hidden_files_are_forgotten(
    model: TransferModel,
) -> None:
    done = JobState.DONE
    folder = view(1, name="photos", is_folder=True, files_total=2)
    take(model, folder, view(2, done, parent=1, batch=1), view(3, done), view(4, parent=1, batch=1))
    model.take(JobsRemoved((2, 3)))
    model.flush()
    assert names(model) == ["3.bin", "photos"]
    assert {one.id for one in model.jobs()} == {1, 3, 4}
    wanted = QSignalSpy(model.files_wanted)
    model.toggle(1)
    assert wanted.at(0) == [1, 0], "the file that left has to be asked for"
    model.add_files(1, [view(2, done, parent=1, batch=1), view(4, parent=1, batch=1)], True)
    assert names(model) == ["3.bin", "photos", "2.bin", "4.bin"]
    check(model)


def test_what_changes_and_leaves_in_one_turn_is_told_once(model: TransferModel) -> None:
    take(model, view(1, JobState.RUNNING), view(2, JobState.RUNNING))
    told = QSignalSpy(model.changed)
    model.take(JobsChanged((view(1, JobState.DONE),)))
    model.take(JobsRemoved((1,)))
    model.take(JobsChanged((view(2, JobState.DONE),)))
    assert told.count() == 0
    assert told.wait(5000)
    assert told.count() == 1
    assert [one.state for one in model.jobs()] == [JobState.DONE] * 2
    assert model.views_of(-1) == []


def test_a_job_that_left_and_is_back_is_live(model: TransferModel) -> None:
    take(model, view(1, JobState.FAILED))
    model.take(JobsRemoved((1,)))
    model.take(JobsChanged((view(1, JobState.RUNNING),)))
    model.flush()
    assert [one.state for one in model.views_of(-1)] == [JobState.RUNNING]


def test_a_batch_of_several_is_one_row_with_its_sums(model: TransferModel) -> None:
    jobs = [view(job, batch=7, speed=100.0) for job in (1, 2, 3)]
    take(model, *jobs)
    assert names(model) == ["3 items", "1.bin", "2.bin", "3.bin"]
    assert text(model, 0, Column.AMOUNT) == "3.00 MiB / 12.0 MiB · 0 / 3"
    assert text(model, 0, Column.SPEED) == "300 B/s"
    assert text(model, 0, Column.STATE) == "Running"
    assert text(model, 0, Column.FROM) == "/home/ann/"
    finished = [replace(one, state=JobState.DONE, done=4 * MIB, speed=0.0) for one in jobs]
    take(model, finished[0], replace(jobs[1], state=JobState.FAILED, speed=0.0), finished[2])
    assert text(model, 0, Column.STATE) == "Failed"
    assert text(model, 0, Column.ERROR) == "1 failed"
    assert text(model, 0, Column.SPEED) == ""
    assert text(model, 0, Column.AMOUNT) == "9.00 MiB / 12.0 MiB · 2 / 3"
    take(model, finished[1])
    assert text(model, 0, Column.STATE) == "Done"
    assert [one.id for one in model.views_of(-7)] == [1, 2, 3]
    model.take(JobsRemoved((1, 2, 3)))
    model.flush()
    assert text(model, 0, Column.AMOUNT) == "12.0 MiB · 3 / 3"
    assert model.views_of(-7) == []


def test_a_large_batch_is_closed_and_its_files_come_by_pages(qapp: QApplication) -> None:
    # Without Qt's tester, which looks at every row of every change.
    model = TransferModel()
    count = 30_000
    jobs = [view(job, JobState.DONE, batch=1) for job in range(1, count + 1)]
    whole = BatchView(id=1, counts=((JobState.DONE, count),), first=jobs[0])
    model.reset(Snapshot((), (whole,), None))
    assert names(model) == ["30,000 items"]
    wanted = QSignalSpy(model.files_wanted)
    model.toggle(0)
    assert wanted.at(0) == [-1, 0]
    assert model.rowCount() == 1
    model.add_files(-1, jobs[:200], False)
    assert model.rowCount() == 201
    assert model.unloaded(200) == (-1, 200)
    assert model.unloaded(199) is None
    begun = time.perf_counter()
    for at in range(200, count, 200):
        model.add_files(-1, jobs[at : at + 200], at + 200 >= count)
    longest = (time.perf_counter() - begun) / (count / 200)
    assert longest < 0.02, "the mean of a page, in seconds"
    assert model.rowCount() == count + 1
    assert model.unloaded(count) is None
    model.toggle(0)
    assert model.rowCount() == 1
    assert model.jobs() == []


def test_what_is_told_first_with_everything_is_new_too(model: TransferModel) -> None:
    one, two = view(1, JobState.RUNNING), view(2, JobState.DONE)
    added = QSignalSpy(model.jobs_added)
    model.take(JobsChanged((one,)))
    model.take(Snapshot((one,), (), None))
    model.take(Snapshot((one, two), (), None))
    model.take(Snapshot((one, two), (), None))
    model.flush()
    assert [added.at(number)[0] for number in range(added.count())] == [[one], [two]]


def test_small_batches_that_begin_are_open_and_large_ones_are_not(model: TransferModel) -> None:
    take(model, *(view(job, batch=1) for job in range(1, OPENED_BY_ITSELF + 1)))
    assert model.rowCount() == OPENED_BY_ITSELF + 1
    take(model, *(view(100 + job, batch=2) for job in range(OPENED_BY_ITSELF + 1)))
    assert model.rowCount() == OPENED_BY_ITSELF + 2


def test_history_is_below_what_runs_and_grows_at_its_end(model: TransferModel) -> None:
    done = JobState.DONE
    two = [view(2, done, batch=20), view(3, done, batch=20)]
    told = (past(20, *two), past(10, view(1, done, batch=10)))
    model.reset(Snapshot((view(9, batch=30),), told, 10))
    assert names(model) == ["9.bin", "2 items", "1.bin"]
    model.add_batches([past(5, view(77, done, batch=5)), told[1]], None)
    assert names(model) == ["9.bin", "2 items", "1.bin", "77.bin"]
    assert JobState.DONE in model.states
    model.toggle(1)
    model.add_files(-20, two, True)
    assert names(model) == ["9.bin", "2 items", "2.bin", "3.bin", "1.bin", "77.bin"]
    wanted = QSignalSpy(model.files_wanted)
    model.reset(Snapshot((view(9, batch=30),), told, None))
    assert wanted.at(0) == [-20, 0], "what was open is so again"
    check(model)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([*["change"] * 4, "remove", "toggle", "page", "flush", "again"]),
            st.integers(1, 12),
            st.sampled_from([JobState.RUNNING, JobState.DONE, JobState.FAILED]),
        ),
        min_size=10,
        max_size=60,
    )
)
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_events_keep_the_rules(
    model: TransferModel, steps: list[tuple[str, int, JobState]]
) -> None:
    """Against a journal and an engine of a folder, a pair of files, and single ones."""
    engine = Engine(model)
    for what, job, state in steps:
        engine.do(what, job, state)
        check(model)
    model.flush()
    check(model)
    engine.compare()


class Engine:
    """What the model hears of, and what it must show then."""

    def __init__(self, model: TransferModel) -> None:
        self.model = model
        self.journal: dict[int, JobView] = {}
        self.live: set[int] = set()
        self.wanted: list[tuple[int, int]] = []
        model.reset(Snapshot((), (), None))
        model.files_wanted.connect(lambda node, after: self.wanted.append((node, after)))

    def below(self, node: int) -> list[JobView]:
        jobs = sorted(self.journal.values(), key=lambda one: one.id)
        if node > 0:
            return [one for one in jobs if one.parent == node]
        return [one for one in jobs if one.parent is None and one.batch == -node]

    def do(self, what: str, job: int, state: JobState) -> None:
        model = self.model
        if what == "change":
            self.change(job, state)
        elif what == "remove" and job in self.live:
            if self.journal[job].state is JobState.DONE and not self.needed(job):
                self.live.discard(job)
                model.take(JobsRemoved((job,)))
        elif what == "toggle" and model.rowCount():
            model.flush()
            model.toggle(job % model.rowCount())
        elif what == "page" and self.wanted:
            node, after = self.wanted.pop()
            model.add_files(node, [one for one in self.below(node) if one.id > after], True)
        elif what == "again":
            model.reset(snapshot_of(self.journal, self.live))
        elif what == "flush":
            model.flush()

    def needed(self, job: int) -> bool:
        """A folder stays live while a file of it does."""
        return any(one.id in self.live for one in self.below(job))

    def change(self, job: int, state: JobState) -> None:
        parent = 1 if job in {2, 3, 4, 5} else None
        if (job in self.journal and job not in self.live) or not {parent} <= self.live | {None}:
            return
        batch = 1 if job <= 5 else 6 if job <= 8 else job
        one = view(job, state, batch=batch, parent=parent, is_folder=job == 1)
        self.journal[job] = one
        self.live.add(job)
        if 1 in self.live:
            self.journal[1] = replace(self.journal[1], files_total=len(self.below(1)))
            self.model.take(JobsChanged((self.journal[1],)))
        self.model.take(JobsChanged((self.journal[job],)))

    def compare(self) -> None:
        jobs = self.model._jobs
        there = {one.state for one in jobs.views.values()}
        for batch in jobs.batches.values():
            there |= {state for state, count in batch.counts.items() if count > 0}
        assert self.model.states == there
        model, live = self.model, self.live
        assert {one.id for one in model.jobs()} >= live
        rows = range(model.rowCount())
        tops = [
            model.job_at(row) for row in rows if not model.index(row, Column.NAME).data(DEPTH_ROLE)
        ]
        batches = {one.batch for one in self.journal.values()}
        assert [one.batch for one in tops] == sorted(batches, reverse=True)
        for one in tops:
            inside = self.below(-one.batch)
            if one.id < 0:
                assert one.files_total == len(inside) > 1
                assert one.done == sum(job.done for job in inside)
            else:
                assert len(inside) == 1
        for state in JobState:
            found = [one.id for one in model.in_states({state}) if one.id in live]
            assert found == sorted(job for job in live if self.journal[job].state is state)


def snapshot_of(journal: dict[int, JobView], live: set[int]) -> Snapshot:
    """What the engine would tell of this journal."""
    roots: dict[int, list[JobView]] = {}
    for one in journal.values():
        if one.parent is None and one.id not in live:
            roots.setdefault(one.batch, []).append(one)
    told = [past(number, *sorted(jobs, key=lambda one: one.id)) for number, jobs in roots.items()]
    views = tuple(journal[job] for job in sorted(live))
    return Snapshot(views, tuple(sorted(told, key=lambda one: -one.id)), None)


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
    assert text(model, 0, Column.STATE) == "Done (size only)"
    assert text(model, 1, Column.STATE) == "Done (verified: crc64nvme)"


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
